import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { repositoryFlags } from '../cli/flags.ts';
import { listItems } from '../operations/listItems.ts';
import { noticeForeign } from '../operations/itemType.ts';
import { exitCodeOf } from '../reporting/exitCodes.ts';
import { renderTable } from '../reporting/table.ts';

export default class List extends VaultCommand {
  static override summary = 'List the items of the vaults, after checking their signatures.';
  static override examples = ['<%= config.bin %> list', '<%= config.bin %> list vault --json', '<%= config.bin %> list --for web01'];
  static override args = { vault: Args.string({ description: 'only the items of this vault' }) };
  static override flags = {
    for: Flags.string({ helpValue: 'NAME', description: 'only what this node, or this admin, can open' }),
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(List);
    const output = this.output(flags);
    const { items, problems, foreign } = await listItems(await this.workspace(output, flags), args.vault, flags.for);
    const failures = problems.map(({ vault, item, error: { code, message } }) => ({ vault, item, error: { code, message } }));
    await output.longResult({ items, ...(failures.length === 0 ? {} : { problems: failures }), ...(foreign.length === 0 ? {} : { foreign }) }, items.length === 0 ? '' : renderTable(
      [{ title: 'VAULT', least: 8 }, { title: 'ITEM', least: 20 }, { title: 'GENERATION' }, { title: 'ADMINS' }, { title: 'NODES' }],
      items.map((item) => [item.vault, item.item, String(item.generation), String(item.admins), String(item.clients)]),
      output,
    ));
    if (!flags.json) for (const { error } of problems) output.failure(error);
    noticeForeign((text) => { output.notice(text); }, foreign);
    const [first] = problems;
    if (first !== undefined) process.exitCode = exitCodeOf(first.error.code);
    else if (items.length === 0 && flags.for === undefined) output.notice('There are no items yet. Make one with "vault create iam FILE".');
  }
}
