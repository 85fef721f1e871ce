import * as Args from '@oclif/core/args';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { repositoryFlags } from '../../cli/flags.ts';
import { withdrawProposal } from '../../operations/roster/proposals.ts';
import { trustRoster } from '../../operations/workspace.ts';

export default class AdminWithdraw extends VaultCommand {
  static override summary = 'Remove a proposed change of the roster, with the signatures that it has.';
  static override description = 'Needs no identity: a proposal is a file, and changes nothing before it has a quorum. It can be proposed anew.';
  static override examples = ['<%= config.bin %> admin withdraw yHXhX1MfhnP2q1wBjr0yp-Y1mMZ8cCfJm-nN4iPjzVA'];
  static override args = { fingerprint: Args.string({ required: true, description: 'which proposal, as "vault admin list" shows it' }) };
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(AdminWithdraw);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    await withdrawProposal(workspace.store, args.fingerprint, (await trustRoster(workspace)).roster);
    output.result({ withdrawn: args.fingerprint }, `Withdrew ${args.fingerprint}`);
  }
}
