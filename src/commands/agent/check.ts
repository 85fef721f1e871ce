import { agentFlags } from '../../cli/agentFlags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { wantedItems } from '../../agent/configuration/configuration.ts';
import { readAgentFile } from '../../config/agentFile.ts';

export default class AgentCheck extends VaultCommand {
  static override summary = 'Check a configuration of the agent; runs nothing.';
  static override examples = ['<%= config.bin %> agent check', '<%= config.bin %> agent check --config ./agent.json --json'];
  static override flags = { ...agentFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(AgentCheck);
    const output = this.output(flags);
    const configuration = await readAgentFile(flags.config, this.environment.uid);
    const [items, deliveries] = [wantedItems(configuration).length, configuration.deliveries.length];
    output.result({ config: flags.config, items, deliveries }, `The configuration is good: ${String(items)} items, ${String(deliveries)} deliveries.`);
  }
}
