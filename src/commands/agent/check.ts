import { wantedItems } from '../../agent/configuration/configuration.ts';
import { agentFlags } from '../../cli/agentFlags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { checkAgentSurroundings } from '../../config/agentChecks.ts';
import { readAgentDocument } from '../../config/agentFile.ts';
import { renderAgentCheck } from '../../reporting/agentCheck.ts';
import { EXIT } from '../../reporting/exitCodes.ts';

export default class AgentCheck extends VaultCommand {
  static override summary = 'Check a configuration of the agent; runs nothing.';
  static override description = 'First the file itself: what does not fit its schema is told at once, and where nothing is left of that, what contradicts itself. Then what it names on this machine: the identity, users and groups, templates, programs, directories. Needs no root; what this user may not read is a warning. Ends with exit code 3 where the agent would not start, or something would never be delivered.';
  static override examples = ['<%= config.bin %> agent check', '<%= config.bin %> agent check --config ./agent.json --json'];
  static override flags = { ...agentFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(AgentCheck);
    const output = this.output(flags);
    const { configuration, document } = await readAgentDocument(flags.config, this.environment.uid);
    const check = {
      config: flags.config, items: wantedItems(configuration).length, deliveries: configuration.deliveries.length,
      findings: await checkAgentSurroundings(configuration, document),
    };
    output.result(check, renderAgentCheck(check, output.colors));
    if (check.findings.some(({ severity }) => severity === 'error')) process.exitCode = EXIT.input;
  }
}
