import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { changeFlags, ItemCommand, listOf } from '../cli/itemCommand.ts';
import { VaultError } from '../errors.ts';
import { changeItems } from '../operations/items/changeItems.ts';
import { removalIntent } from '../operations/items/removeFromItem.ts';

export default class Remove extends ItemCommand {
  static override summary = 'Take recipients or fields out of an item.';
  static override description = 'The item is encrypted anew under another key. Whoever goes may have read the values before: change them at their source. A node that the query of the item selects cannot be taken out by name.';
  static override examples = ['<%= config.bin %> remove vault database --clients db02', '<%= config.bin %> remove vault database --admins bob --fields old_password --yes'];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault' }),
    item: Args.string({ required: true, description: 'name of the item' }),
  };
  static override flags = {
    'clients': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'nodes, separated by commas; may be repeated' }),
    'admins': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'admins, separated by commas; may be repeated' }),
    'fields': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'fields, separated by commas; may be repeated' }),
    'dry-run': Flags.boolean({ description: 'show what would be done; exits with 2' }),
    ...changeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Remove);
    const removal = { admins: listOf(flags.admins) ?? [], clients: listOf(flags.clients) ?? [], fields: listOf(flags.fields) ?? [] };
    if (Object.values(removal).every((names) => names.length === 0) && !flags['clean-unknown']) {
      throw new VaultError('usage', 'It is not said what to take out.', { hint: 'Give --clients, --admins or --fields with names. To delete the item, use "vault delete item".' });
    }
    const output = this.output(flags);
    const ref = { vault: args.vault, item: args.item };
    await this.withSession(output, flags, async (session) => {
      const intent = await removalIntent(session, ref, removal);
      await this.runBatch(output, flags, 1, (options) => changeItems(session, [ref], intent, options));
    });
  }
}
