import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { repositoryFlags } from '../../cli/flags.ts';
import { confirm, declined } from '../../cli/prompt.ts';
import { removeNode, showNode } from '../../operations/nodes.ts';

export default class NodeRemove extends VaultCommand {
  static override summary = 'Remove a node from the inventory.';
  static override description = 'Items that are sealed to it stay so until they are written again: this changes no item.';
  static override examples = ['<%= config.bin %> node remove web01', '<%= config.bin %> node remove web01 --yes'];
  static override args = { name: Args.string({ required: true, description: 'name of the node' }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }), ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(NodeRemove);
    const output = this.output(flags);
    const { store } = await this.workspace(output, flags);
    await showNode(store, args.name);
    if (!await confirm(`Remove node ${args.name} from the inventory?`, flags.yes, 'Run it again with --yes.')) throw declined('Nothing was changed.');
    await removeNode(store, args.name);
    output.result({ removed: args.name }, `Removed ${args.name}`);
  }
}
