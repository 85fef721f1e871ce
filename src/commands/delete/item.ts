import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { repositoryFlags } from '../../cli/flags.ts';
import { confirm, declined } from '../../cli/prompt.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { deleteItem, findDoomedItem } from '../../operations/items/deleteItem.ts';
import { trustRoster } from '../../operations/workspace.ts';
import { renderDoomed } from '../../reporting/itemDetails.ts';

export default class DeleteItem extends VaultCommand {
  static override summary = 'Delete an item.';
  static override description = 'Removes both of its files, and remembers that this was meant: a copy that is put back is refused here from then on. Copies in version control and backups stay, and whoever could open it may have read it: change the values at their source. Where a deletion was cut off, run it again.';
  static override examples = ['<%= config.bin %> delete item vault database', '<%= config.bin %> delete item vault database --yes --json'];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault' }),
    item: Args.string({ required: true, description: 'name of the item' }),
  };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }), ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(DeleteItem);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const trust = await trustRoster(workspace);
    const doomed = await findDoomedItem(workspace, trust, { vault: args.vault, item: args.item });
    if (!flags.yes) output.options.stderr.write(`${renderDoomed(doomed, output)}\n`);
    if (!await confirm(`Delete ${args.vault}/${args.item}?`, flags.yes, 'Run it again with --yes.')) throw declined('Nothing was deleted.');
    await deleteItem(workspace, trust, doomed);
    const { vault, item, generation, fields, admins, clients } = doomed;
    output.result({ vault, item, generation, fields, admins, clients }, `Deleted ${vault}/${item}`);
  }
}
