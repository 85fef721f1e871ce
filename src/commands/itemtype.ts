import * as Args from '@oclif/core/args';
import { repositoryFlags } from '../cli/flags.ts';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { readItemType } from '../operations/itemType.ts';
import { itemNotFound } from '../operations/openItem.ts';

export default class ItemTypeCommand extends VaultCommand {
  static override summary = 'Say what an item of a data bag is: vault, chef-vault, encrypted or plain.';
  static override description = 'Goes by its form, and checks no signature. "chef-vault" is an item that the Ruby gem of that name made, in either layout; "encrypted" is an encrypted data bag item of Chef.';
  static override examples = ['<%= config.bin %> itemtype vault database', '<%= config.bin %> itemtype passwords root --json'];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault, or of a data bag' }),
    item: Args.string({ required: true, description: 'name of the item' }),
  };
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(ItemTypeCommand);
    const output = this.output(flags);
    const { store } = await this.workspace(output, flags);
    const ref = { vault: args.vault, item: args.item };
    const type = await readItemType(store, ref);
    if (type === undefined) throw await itemNotFound(store, ref);
    output.result({ ...ref, type }, type);
  }
}
