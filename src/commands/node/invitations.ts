import { repositoryFlags } from '../../cli/flags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { listInvitations } from '../../operations/joining/invitations.ts';
import { trustRoster } from '../../operations/workspace.ts';
import { invitationsAsJson, renderInvitations } from '../../reporting/joining.ts';

export default class NodeInvitations extends VaultCommand {
  static override summary = 'List invitations: how many nodes may still join by each, and who did.';
  static override description = 'Those that ended stay for 30 days. One that is "untrusted" was signed by nobody who is an admin today: nobody is admitted by it.';
  static override examples = ['<%= config.bin %> node invitations', '<%= config.bin %> node invitations --json'];
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(NodeInvitations);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const invitations = await listInvitations(workspace, await trustRoster(workspace));
    await output.longResult({ invitations: invitationsAsJson(invitations) }, renderInvitations(invitations, new Date(), output));
    if (invitations.length === 0) output.notice('There are no invitations. Make one with "vault node invite".');
  }
}
