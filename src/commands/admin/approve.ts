import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { RosterCommand } from '../../cli/rosterCommand.ts';
import { approveProposal } from '../../operations/roster/rosterChange.ts';

export default class AdminApprove extends RosterCommand {
  static override summary = 'Sign a change of the roster that another admin proposed; with the last signature it takes effect.';
  static override description = `Shows what changes, and asks. Where the quorum is reached, the items are sealed as the new roster wants it, and the next version is written. A run that was interrupted is finished by the next one. In scripts name the fingerprint: without it whatever is open is signed.`;
  static override examples = ['<%= config.bin %> admin approve', '<%= config.bin %> admin approve yHXhX1MfhnP2q1wBjr0yp-Y1mMZ8cCfJm-nN4iPjzVA --yes'];
  static override args = { fingerprint: Args.string({ description: 'which proposal, as "vault admin list" shows it [default: the only open one]' }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }), ...identityFlags, ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(AdminApprove);
    const output = this.output(flags);
    await this.changeRoster(output, flags, (work) => approveProposal(work, args.fingerprint, async ({ difference, fingerprint, approval: { signed } }) => {
      if (difference === undefined) return;
      await this.agree(output, difference, flags.yes, `Sign proposal ${fingerprint}, which ${signed.join(', ')} signed?`, 'This changes who may change the vault');
    }));
  }
}
