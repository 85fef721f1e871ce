import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { repositoryFlags } from '../../cli/flags.ts';
import { confirm, declined } from '../../cli/prompt.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { pinTrust } from '../../operations/roster/trustPins.ts';
import { describeTrust } from '../../reporting/trust.ts';

export default class TrustPin extends VaultCommand {
  static override summary = 'Remember a roster whose fingerprint you compared with an admin.';
  static override description = `A version with that fingerprint must be in a chain that walks from version 1; the newest version is remembered. Where something else is remembered, it is an error that says what to check, and --replace replaces it.`;
  static override examples = ['<%= config.bin %> trust pin yHXhX1MfhnP2q1wBjr0yp-Y1mMZ8cCfJm-nN4iPjzVA'];
  static override args = { fingerprint: Args.string({ required: true, description: 'as an admin sees it with "vault admin list"' }) };
  static override flags = {
    replace: Flags.boolean({ description: 'forget what contradicts it' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    repository: repositoryFlags.repository,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(TrustPin);
    const output = this.output(flags);
    const trust = await pinTrust(await this.workspace(output, flags), args.fingerprint, async (problem) => {
      if (!flags.replace) throw problem;
      output.alert(problem.message);
      if (!await confirm('Forget what was trusted, and trust this?', flags.yes, 'Compare the fingerprint with an admin, then run it again with --yes.', 'This forgets which roster was trusted')) throw declined('Nothing was changed.');
    });
    const { json, text } = describeTrust(trust, output.colors);
    output.result(json, text);
  }
}
