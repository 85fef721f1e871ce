import * as Flags from '@oclif/core/flags';
import { changeFlags, ItemCommand, listOf } from '../cli/itemCommand.ts';
import { givenValues, valueArgs, valueFlags } from '../cli/itemValues.ts';
import { agreeTo, reportChange, tellAudience } from '../cli/oneItem.ts';
import { VaultError } from '../errors.ts';
import { changeItem, planChange } from '../operations/items/changeItem.ts';
import { updateIntent } from '../operations/items/updateIntent.ts';
import { EXIT } from '../reporting/exitCodes.ts';

export default class Update extends ItemCommand {
  static override summary = 'Change fields of an item, its query, or add admins and nodes.';
  static override description = `Fields that are given are added or replaced; the others stay, also what somebody else changes at the same time. With --replace, fields that are not given go.

The values come as for "vault create item": --from FILE, piped in where nothing else is given, as an argument, or --file. The query is asked again: who it selects now is sealed to; who would lose something is shown and confirmed first. To take somebody out, use "vault remove".`;
  static override examples = [
    '<%= config.bin %> update vault database --from new-password.json',
    '<%= config.bin %> update vault database --search "role:db AND chef_environment:production" --dry-run',
    '<%= config.bin %> update vault database --admins carol --clients jump02',
  ];
  static override args = valueArgs;
  static override flags = {
    ...valueFlags,
    'replace': Flags.boolean({ description: 'take out fields that are not given' }),
    'search': Flags.string({ helpValue: 'QUERY', description: 'another query; empty for none' }),
    'clients': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'nodes to add, separated by commas; may be repeated' }),
    'admins': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'admins to add, separated by commas; may be repeated' }),
    'dry-run': Flags.boolean({ description: 'show what would be done; exits with 2 where there is something to do' }),
    ...changeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Update);
    const output = this.output(flags);
    const { search, clients, admins } = flags;
    const aboutAudience = search !== undefined || clients !== undefined || admins !== undefined;
    const names = { admins: listOf(admins) ?? [], clients: listOf(clients) ?? [] };
    for (const each of ['admins', 'clients'] as const) {
      if (flags[each] !== undefined && names[each].length === 0) throw new VaultError('usage', `--${each} names nobody.`, { hint: 'It adds names. To take somebody out, use "vault remove".' });
    }
    const values = await givenValues(output, { args, flags }, !aboutAudience);
    if (values === undefined && (!aboutAudience || flags.replace)) {
      throw new VaultError('usage', flags.replace ? '--replace needs values.' : 'It is not said what to change.', {
        hint: `Give values (--from FILE, --file PATH), --search, --admins or --clients; or use "vault edit ${args.vault} ${args.item}".`,
      });
    }
    const ref = { vault: args.vault, item: args.item };
    await this.withSession(output, flags, async (session) => {
      const intent = updateIntent(session, ref, { values, replace: flags.replace, searchQuery: search, ...names });
      const plan = await planChange(session, ref, intent);
      tellAudience(output, plan);
      if (flags['dry-run']) {
        reportChange(output, plan, false);
        if (plan.action !== 'unchanged') process.exitCode = EXIT.changes;
        return;
      }
      await agreeTo(output, plan, flags.yes);
      reportChange(output, await changeItem(session, ref, intent, plan), true);
    });
  }
}
