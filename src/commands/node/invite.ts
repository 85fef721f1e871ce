import * as Flags from '@oclif/core/flags';
import { resolve } from 'node:path';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { nodeFlags, nodeMembers } from '../../cli/nodeFlags.ts';
import { parseCount, parseDuration } from '../../cli/quantities.ts';
import { RosterMemberCommand } from '../../cli/rosterMember.ts';
import { fileExists, writeToken } from '../../cli/tokenFile.ts';
import { pathKind } from '../../files/read.ts';
import { invite } from '../../operations/joining/invite.ts';
import { revokeInvitation } from '../../operations/joining/invitations.ts';
import { describeAttributes } from '../../reporting/joining.ts';

export default class NodeInvite extends RosterMemberCommand {
  static override summary = 'Make a token by which nodes join by themselves, as the nodes that you say they are.';
  static override description = 'The token is one line, and secret: whoever has it can join. What a node is (its roles, environment, tags) is signed by you, and not for the node to choose. What is stored lets nobody join. On the node: vault agent join. Takes a repository in etcd.';
  static override examples = [
    '<%= config.bin %> node invite --role web --environment production --uses 20 --expires 2h --output ~/web.token',
    '<%= config.bin %> node invite --role db --name "db-*" --approval',
  ];
  static override flags = {
    ...nodeFlags,
    name: Flags.string({ helpValue: 'PATTERN', description: 'names that nodes may have: one, or with a * for any characters, as web-* [default: any]' }),
    uses: Flags.string({ helpValue: 'N', default: '1', description: 'how many nodes may join' }),
    expires: Flags.string({ helpValue: 'TIME', default: '1h', description: 'for how long, as 30m, 2h or 7d' }),
    approval: Flags.boolean({ default: false, description: 'a person must approve each node, with "vault node approve"' }),
    output: Flags.string({ char: 'o', helpValue: 'FILE', description: 'write the token there, for you alone to read, rather than to standard output' }),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(NodeInvite);
    const output = this.output(flags);
    const { environment = '_default', runList = [], tags, attributes } = nodeMembers(flags);
    const file = flags.output === undefined ? undefined : resolve(flags.output);
    await this.asMember(output, flags, async (workspace, trust, signer) => {
      if (file !== undefined && await pathKind(file) !== undefined) throw fileExists(file);
      const { invitation, token } = await invite(workspace, trust, signer, {
        attributes: { chef_environment: environment, run_list: runList, normal: { ...attributes, ...(tags === undefined ? {} : { tags: [...tags] }) } },
        names: flags.name, approval: flags.approval, uses: parseCount('--uses', flags.uses), validFor: parseDuration('--expires', flags.expires),
      });
      if (file !== undefined) await writeToken(file, token).catch(async (error: unknown) => { await revokeInvitation(workspace, invitation.id); throw error; });
      const { id, uses, expires, approval, names } = invitation;
      output.result(
        { id, ...(file === undefined ? { token } : { output: file }), uses, expires, approval, names, ...describeAttributes(invitation.attributes).json },
        file === undefined ? token : `Wrote the token of invitation ${id} to ${file}`,
      );
      output.notice(`Invitation ${id}: until ${expires}, ${uses === 1 ? 'one node' : `up to ${String(uses)} nodes`} may join${names === '*' ? '' : `, named ${names},`} with ${describeAttributes(invitation.attributes).text}${approval ? ', each if a person approves it' : ''}. Whoever has the token can; "vault node uninvite ${id}" ends that.`);
    });
  }
}
