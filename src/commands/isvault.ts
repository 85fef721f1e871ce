import * as Args from '@oclif/core/args';
import { repositoryFlags } from '../cli/flags.ts';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { readItemType } from '../operations/itemType.ts';
import { itemNotFound } from '../operations/openItem.ts';
import { EXIT } from '../reporting/exitCodes.ts';

export default class IsVault extends VaultCommand {
  static override summary = 'Say whether an item is a vault\'s: true, or false and exit code 1.';
  static override description = 'Goes by its form, and checks no signature: that is what "vault show" is for. An item of chef-vault is none of ours: see "vault itemtype".';
  static override examples = ['<%= config.bin %> isvault vault database', 'if <%= config.bin %> isvault vault database > /dev/null; then …'];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault, or of a data bag' }),
    item: Args.string({ required: true, description: 'name of the item' }),
  };
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(IsVault);
    const output = this.output(flags);
    const { store } = await this.workspace(output, flags);
    const ref = { vault: args.vault, item: args.item };
    const type = await readItemType(store, ref);
    if (type === undefined) throw await itemNotFound(store, ref);
    output.result({ ...ref, vault_item: type === 'vault' }, String(type === 'vault'));
    if (type !== 'vault') process.exitCode = EXIT.failed;
  }
}
