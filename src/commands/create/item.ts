import * as Flags from '@oclif/core/flags';
import { ItemCommand, listOf } from '../../cli/itemCommand.ts';
import { givenValues, valueArgs, valueFlags } from '../../cli/itemValues.ts';
import { reportChange, tellAudience } from '../../cli/oneItem.ts';
import { sealFlags } from '../../cli/flags.ts';
import { VaultError } from '../../errors.ts';
import { AUDIENCE_FORMS } from '../../operations/items/changeItem.ts';
import { createItem } from '../../operations/items/createItem.ts';

export default class CreateItem extends ItemCommand {
  static override summary = 'Seal values of your own to admins and nodes.';
  static override description = `The values are a JSON object, one member a field: in a file (--from FILE), piped in, or, seen by everybody on this machine, as an argument. --file stores a file as it is; "vault download" restores it. Standard input is read with "--from -", and where it is no terminal and nothing else is given.

--from is not called --json, as it is elsewhere: here that asks for the result as JSON.`;
  static override examples = [
    '<%= config.bin %> create item vault database --from database.json --search "role:db"',
    '<%= config.bin %> create item vault database --from - --search "role:db" --clients jump01 --admins alice,bob < database.json',
    '<%= config.bin %> create item vault database --from database.json --search "role:db" --audience group',
    '<%= config.bin %> create item vault tls --file ./server.key --file ./server.crt --search "role:web"',
  ];
  static override args = valueArgs;
  static override flags = {
    ...valueFlags,
    search: Flags.string({ helpValue: 'QUERY', description: 'which nodes can open it' }),
    clients: Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'nodes that can open it whatever the query selects, separated by commas; may be repeated' }),
    admins: Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'admins who can open it, separated by commas; may be repeated [default: everyone on the roster]' }),
    audience: Flags.option({ options: AUDIENCE_FORMS, default: AUDIENCE_FORMS[0], description: 'inline: an entry for each recipient in the item; group: one entry for all, who are listed once for many items' })(),
    recreate: Flags.boolean({ description: 'make it anew although it was here before and is gone' }),
    ...sealFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(CreateItem);
    const output = this.output(flags);
    const admins = listOf(flags.admins) ?? null;
    if (admins?.length === 0) throw new VaultError('usage', '--admins names nobody.', { hint: 'Leave it out for everyone on the roster.' });
    const fields = await givenValues(output, { args, flags }, true);
    if (fields === undefined) {
      throw new VaultError('usage', 'There are no values.', {
        hint: `Name a file with them, or pipe them in: vault create item ${args.vault} ${args.item} --from FILE; printf '{"password": "%s"}' "$PASSWORD" | vault create item ${args.vault} ${args.item}.`,
      });
    }
    await this.withSession(output, flags, async (session) => {
      const change = await createItem(session, {
        vault: args.vault, item: args.item, fields, searchQuery: flags.search ?? '', namedAdmins: admins, namedClients: listOf(flags.clients) ?? [], recreate: flags.recreate, form: flags.audience,
      });
      tellAudience(output, change);
      reportChange(output, change, true);
      if (!change.audience.gained.some(({ role }) => role === 'client')) output.notice('Only admins can open it: no node is named or selected. Add some with "vault update".');
    });
  }
}
