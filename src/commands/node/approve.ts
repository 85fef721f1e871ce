import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { confirm, declined } from '../../cli/prompt.ts';
import { RosterMemberCommand } from '../../cli/rosterMember.ts';
import { VaultError } from '../../errors.ts';
import { approve, candidates, type Candidates } from '../../operations/joining/approve.ts';
import { renderInventoryNode, renderPending } from '../../reporting/joining.ts';
import { EXIT } from '../../reporting/exitCodes.ts';

export default class NodeApprove extends RosterMemberCommand {
  static override summary = 'Let nodes in that ask to join, or sign for nodes of the inventory as they are.';
  static override description = `Compare the fingerprint with the one that "vault agent join" printed on the node. A node that was let in is in the inventory; items are sealed to it by "vault refresh".

For a node that is in the inventory already, the approval is for its documents as they are: "vault refresh --watch" seals to no other nodes, for the inventory itself is not signed. When a document changes, approve it again.`;
  static override examples = ['<%= config.bin %> node approve web17', '<%= config.bin %> node approve --all --yes', '<%= config.bin %> node approve --inventory'];
  static override strict = false;
  static override args = { names: Args.string({ description: 'names of nodes; more may follow' }) };
  static override flags = {
    all: Flags.boolean({ description: 'every request that waits' }),
    inventory: Flags.boolean({ description: 'every node of the inventory that nobody signed for as it is', exclusive: ['all'] }),
    fingerprint: Flags.string({ helpValue: 'FINGERPRINT', description: 'of several requests under one name, the one with this key', exclusive: ['all', 'inventory'] }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(NodeApprove);
    const output = this.output(flags);
    const names = argv.map(String);
    if ((names.length > 0) === (flags.all || flags.inventory)) throw new VaultError('usage', 'Name the nodes to approve, or say --all or --inventory.', { hint: 'See "vault node requests".' });
    await this.asMember(output, flags, async (workspace, trust, signer) => {
      const found = await candidates(workspace, trust, flags.all ? 'requests' : flags.inventory ? 'inventory' : { names, fingerprint: flags.fingerprint });
      if (!flags.yes && count(found) > 0) {
        output.options.stderr.write(`${[...found.requests.map((each) => renderPending(each, workspace.now())), ...found.nodes.map(renderInventoryNode)].join('\n')}\n`);
        if (!await confirm(`Approve ${count(found) === 1 ? 'this node' : `these ${String(count(found))} nodes`}?`, flags.yes, 'Look at "vault node requests", then run it again with --yes.', 'Whoever is let in can read what is for such nodes')) throw declined('Nothing was changed.');
      }
      const outcomes = await approve(workspace, trust, signer, found);
      output.result({ nodes: outcomes }, outcomes.map(({ name, state, code }) => (state === 'refused' ? `${output.colors.red('refused')} ${name}: ${code ?? ''}` : state === 'gone' ? `${name} was dealt with, or changed, by somebody else meanwhile` : `Approved ${name}`)).join('\n'));
      if (count(found) === 0) output.notice('There is nothing to approve.');
      else if (outcomes.some(({ state }) => state === 'admitted')) output.notice('Items are sealed to new nodes by "vault refresh", unless "vault refresh --watch" runs somewhere.');
      if (outcomes.some(({ state }) => state === 'refused')) process.exitCode = EXIT.notPermitted;
    });
  }
}

function count({ requests, nodes }: Candidates): number {
  return requests.length + nodes.length;
}
