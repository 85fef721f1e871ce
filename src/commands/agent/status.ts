import * as Flags from '@oclif/core/flags';
import { agentFlags } from '../../cli/agentFlags.ts';
import { askAgentStatus } from '../../cli/askAgent.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { agentSocket } from '../../config/agentPlace.ts';
import { renderAgentStatus } from '../../reporting/agentStatus.ts';
import { EXIT } from '../../reporting/exitCodes.ts';

export default class AgentStatus extends VaultCommand {
  static override summary = 'Show how the running agent is: its items, and what is wrong with what it delivers.';
  static override description = 'Ends with exit code 0 where the agent is ready, which is to say that every item has a content and every delivery was made; with 1 where it is not; with 7 where no agent answers. Only root and the agent\'s own user may ask.';
  static override examples = ['<%= config.bin %> agent status', '<%= config.bin %> agent status --config ./agent.json --json'];
  static override flags = {
    ...agentFlags,
    socket: Flags.string({ helpValue: 'PATH', description: 'the agent\'s socket, where its configuration cannot be read', exclusive: ['config'] }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(AgentStatus);
    const output = this.output(flags);
    const status = await askAgentStatus(flags.socket ?? await agentSocket(flags.config, this.environment.uid));
    await output.longResult(status, renderAgentStatus(status, new Date(), output));
    if (!status.ready) process.exitCode = EXIT.failed;
  }
}
