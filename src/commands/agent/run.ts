import { agentFlags } from '../../cli/agentFlags.ts';
import { runAgentProcess } from '../../cli/agentProcess.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';

export default class AgentRun extends VaultCommand {
  static override summary = 'Keep secrets of this machine fresh, and hand them to programs.';
  static override description = `Reads sealed items from a source, verifies them, and delivers them as the configuration says, until it is told to end. It logs to standard error.

SIGHUP reads the configuration again; SIGTERM and SIGINT end it. See docs/agent.md.`;
  static override examples = ['<%= config.bin %> agent run', '<%= config.bin %> agent run --config ./agent.json'];
  static override flags = { ...agentFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(AgentRun);
    await runAgentProcess(this.environment, flags.config, this.config.version);
  }
}
