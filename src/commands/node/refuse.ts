import * as Args from '@oclif/core/args';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { RosterMemberCommand } from '../../cli/rosterMember.ts';
import { refusePending } from '../../operations/joining/approve.ts';

export default class NodeRefuse extends RosterMemberCommand {
  static override summary = 'Say no to requests of a node to join.';
  static override description = 'Every request under that name is refused, and the node is told. With its token it can ask again: "vault node uninvite" ends that.';
  static override examples = ['<%= config.bin %> node refuse web17'];
  static override args = { name: Args.string({ required: true, description: 'name under which a node asks' }) };
  static override flags = { ...identityFlags, ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(NodeRefuse);
    const output = this.output(flags);
    const requests = await this.asMember(output, flags, (workspace, trust, signer) => refusePending(workspace, trust, signer, args.name));
    output.result({ name: args.name, requests }, `Refused ${args.name}`);
  }
}
