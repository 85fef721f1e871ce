import { repositoryFlags } from '../../cli/flags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { readTrust } from '../../operations/roster/trustPins.ts';
import { exitCodeOf } from '../../reporting/exitCodes.ts';
import { describeTrust } from '../../reporting/trust.ts';

export default class TrustShow extends VaultCommand {
  static override summary = 'Show what is remembered of this repository\'s roster, beside the roster that is here.';
  static override description = 'Changes nothing, and trusts nothing. Walks from version 1; where that fails, or is not what is remembered, says what to check and ends with exit code 5.';
  static override examples = ['<%= config.bin %> trust show', '<%= config.bin %> trust show --json'];
  static override flags = { repository: repositoryFlags.repository };

  override async run(): Promise<void> {
    const { flags } = await this.parse(TrustShow);
    const output = this.output(flags);
    const trust = await readTrust(await this.workspace(output, flags));
    const { json, text } = describeTrust(trust, output.colors);
    output.result(json, text);
    if (trust.problem !== undefined) process.exitCode = exitCodeOf(trust.problem.code);
  }
}
