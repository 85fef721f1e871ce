import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultError } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { readFields } from '../operations/items/readFields.ts';
import type { Output } from '../reporting/output.ts';
import { readInput } from './input.ts';

/** Arguments of the commands that take an item's values. */
export const valueArgs = {
  vault: Args.string({ required: true, description: 'name of the vault' }),
  item: Args.string({ required: true, description: 'name of the item' }),
  values: Args.string({ description: 'JSON object with a value for each field; others on this machine can see it' }),
};

/** Flags of the commands that take an item's values. */
export const valueFlags = {
  from: Flags.string({ helpValue: 'FILE', description: 'file that holds the JSON object; - for standard input' }),
  file: Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'PATH', description: 'store this file, with its mode, in a field of its name; may be repeated' }),
};

interface Given {
  readonly args: { readonly item: string; readonly values: string | undefined };
  readonly flags: { readonly from: string | undefined; readonly file: string[] | undefined };
}

/**
 * The values that were given, wherever.
 * @param orInput take what is piped in where nothing else is given
 * @returns undefined where there are none
 */
export async function givenValues(output: Output, { args, flags }: Given, orInput: boolean): Promise<Record<string, Json> | undefined> {
  if (args.values !== undefined && flags.from !== undefined) {
    throw new VaultError('usage', 'The values are given twice: as an argument and with --from.', { hint: 'Leave out one of them.' });
  }
  if (args.values !== undefined) {
    output.alert('Values that are an argument are in the list of processes, where everybody on this machine can read them, and in the history of your shell. Use --from FILE, or a pipe.');
  }
  return await readFields({
    argument: args.values, from: flags.from, files: flags.file ?? [], readInput,
    orInput: orInput && !process.stdin.isTTY,
  }, args.item);
}
