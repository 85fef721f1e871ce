import * as Args from '@oclif/core/args';
import { repositoryFlags } from '../../cli/flags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { revokeInvitation } from '../../operations/joining/invitations.ts';

export default class NodeUninvite extends VaultCommand {
  static override summary = 'Revoke an invitation: nobody joins with its token any more.';
  static override description = 'Nodes that joined stay; see "vault node invitations" for who they are, and "vault evict" to take one out.';
  static override examples = ['<%= config.bin %> node uninvite 0f1e2d3c4b5a69788796a5b4c3d2e1f0'];
  static override args = { id: Args.string({ required: true, description: 'id of the invitation, as "vault node invitations" shows it' }) };
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(NodeUninvite);
    const output = this.output(flags);
    const { used, revoked } = await revokeInvitation(await this.workspace(output, flags), args.id);
    output.result({ id: args.id, revoked, used }, `Revoked ${args.id}: ${used === 1 ? 'one node' : `${String(used)} nodes`} joined with it`);
  }
}
