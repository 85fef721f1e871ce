import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { identityFlags, repositoryFlags } from '../cli/flags.ts';
import { listOf } from '../cli/itemCommand.ts';
import { openForReading } from '../cli/openForReading.ts';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { VaultError } from '../errors.ts';
import { showItem } from '../operations/showItem.ts';
import { showVault } from '../operations/showVault.ts';
import { exitCodeOf } from '../reporting/exitCodes.ts';
import { detailsAsJson, PARTS, renderDetails, renderVault, vaultAsJson, type Part } from '../reporting/itemDetails.ts';

export default class Show extends VaultCommand {
  static override summary = 'Show who can open an item, and its fields; the values with --values.';
  static override description = 'Checks the signature, the roster and the generation. Needs no identity without --values. With VAULT alone, lists its items.';
  static override examples = [
    '<%= config.bin %> show vault',
    '<%= config.bin %> show vault database --print clients,search',
    '<%= config.bin %> show vault database password --values --format yaml',
  ];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault' }),
    item: Args.string({ description: 'name of the item' }),
    field: Args.string({ description: 'only this field' }),
  };
  static override flags = {
    values: Flags.boolean({ description: 'decrypt the fields, and print their values' }),
    print: Flags.string({ char: 'p', multiple: true, multipleNonGreedy: true, helpValue: PARTS.join('|'), description: 'only these parts, separated by commas; may be repeated' }),
    format: Flags.option({ char: 'f', options: ['table', 'json', 'yaml'] as const, default: 'table' as const, description: 'how to print it' })(),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Show);
    const output = this.output({ ...flags, json: flags.json || flags.format === 'json' });
    const parts = partsOf(listOf(flags.print));
    const workspace = await this.workspace(output, flags);
    const { vault, item, field } = args;
    if (item === undefined) {
      if (flags.values) throw new VaultError('usage', '--values needs an ITEM.', { hint: `See "vault show ${vault}" for their names.` });
      const shown = await showVault(workspace, vault);
      await output.longResult(vaultAsJson(vault, shown), await renderVault(vault, shown, output, flags.format === 'yaml'));
      if (shown.others.length > 0) output.notice(`Not a vault's, and not protected by it: ${shown.others.join(', ')}. See "vault itemtype ${vault} ITEM".`);
      if (!output.options.json) for (const { error } of shown.problems) output.failure(error);
      const [first] = shown.problems;
      if (first !== undefined) process.exitCode = exitCodeOf(first.error.code);
      return;
    }
    const open = flags.values ? await openForReading(this.environment, workspace, vault, item, flags.identity) : undefined;
    try {
      const details = await showItem(workspace, { vault, item }, field, open);
      const [json, text] = [detailsAsJson(details, parts), await renderDetails(details, parts, output, flags.format === 'yaml')];
      // A pager may keep what it shows: never a secret.
      if (flags.values) output.result(json, text);
      else await output.longResult(json, text);
    } finally {
      open?.wipe();
    }
  }
}

function partsOf(names: readonly string[] | undefined): ReadonlySet<Part> {
  const known = PARTS.filter((part) => names?.includes(part) ?? part === 'all');
  const unknown = names?.find((name) => !known.some((part) => part === name));
  if (unknown === undefined && known.length > 0) return new Set(known);
  throw new VaultError('usage', `--print takes ${PARTS.join(', ')}${unknown === undefined ? '' : `, not ${JSON.stringify(unknown.slice(0, 60))}`}.`);
}
