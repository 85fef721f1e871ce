import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultError } from '../errors.ts';
import { fileOf } from '../items/fieldValues.ts';
import type { Json } from '../json/canonical.ts';
import { nameProblem } from '../names.ts';
import { variablesOf } from '../items/valueFormats.ts';
import type { ItemRef } from '../sealing/dataKey.ts';

/** Arguments of the commands that run another one; that stands behind `--`. */
export const commandArgs = {
  vault: Args.string({ description: 'name of the vault' }),
  item: Args.string({ description: 'name of the item' }),
  field: Args.string({ description: 'one field; all of them where it is left out' }),
};

/** Flags of the commands that run another one. */
export const commandFlags = {
  item: Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'VAULT/ITEM[:FIELD]', description: 'a further item, or one field of it; may be repeated' }),
  prefix: Flags.string({ helpValue: 'TEXT', description: 'what the names of the variables begin with' }),
  'clear-environment': Flags.boolean({ description: 'hand on nothing of the environment here but PATH, HOME, the language and the like' }),
};

/** What stands before `--`, and the command behind it. @throws VaultError usage */
export function splitCommand(argv: readonly string[]): { readonly own: string[]; readonly command: string[] } {
  const end = argv.indexOf('--');
  if (end >= 0 && (argv[end + 1] ?? '') !== '') return { own: argv.slice(0, end), command: argv.slice(end + 1) };
  throw new VaultError('usage', 'There is no command to run.', { hint: 'Put it behind "--", after the items: VAULT ITEM -- COMMAND.' });
}

/** An item, or one field of it. */
export interface WantedFields {
  readonly ref: ItemRef;
  readonly field: string | undefined;
}

interface Given {
  readonly args: { readonly vault: string | undefined; readonly item: string | undefined; readonly field: string | undefined };
  readonly flags: { readonly item: readonly string[] | undefined; readonly prefix: string | undefined };
}

/** The items that were named, as arguments and as flags. @throws VaultError usage */
export function wantedFields({ args: { vault, item, field }, flags }: Given): WantedFields[] {
  const further = (flags.item ?? []).map((text): WantedFields => {
    const [, itsVault = '', itsItem = '', itsField] = /^([^/]*)\/([^:/]*)(?::(.*))?$/s.exec(text) ?? [];
    const isNamed = nameProblem('vault', itsVault) === undefined && nameProblem('item', itsItem) === undefined && (itsField === undefined || nameProblem('field', itsField) === undefined);
    if (!isNamed) throw new VaultError('usage', `--item is ${JSON.stringify(text.slice(0, 200))}, which names no item.`, { hint: 'Write VAULT/ITEM, or VAULT/ITEM:FIELD.' });
    return { ref: { vault: itsVault, item: itsItem }, field: itsField };
  });
  if (flags.prefix !== undefined && !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(flags.prefix)) {
    throw new VaultError('usage', `--prefix is ${JSON.stringify(flags.prefix.slice(0, 100))}, which no variable can begin with.`, { hint: 'Write letters, digits and _, as DB_.' });
  }
  if (vault !== undefined && item !== undefined) return [{ ref: { vault, item }, field }, ...further];
  if (vault === undefined && further.length > 0) return further;
  throw new VaultError('usage', `Missing: ${vault === undefined ? 'VAULT, ITEM' : 'ITEM'}.`, { hint: 'Write VAULT ITEM, or --item VAULT/ITEM, before "--".' });
}

/** An item that was opened: all of its fields, or the one that is wanted. */
export interface OpenedFields extends WantedFields {
  readonly fields: Readonly<Record<string, Json>>;
}

/**
 * The values of items by the names of their variables: those of `--format env`. A field that holds a single value, and is named, gives its own name; credentials
 * made by "vault create iam" give what AWS's SDKs read, and not the query beside them; a file gives its text.
 * @throws VaultError field-format, field-not-found
 */
export function namedValues(opened: readonly OpenedFields[], prefix = ''): Map<string, string> {
  const values = new Map<string, string>();
  for (const each of opened) {
    for (const [name, text] of variablesOf(chosenValue(each))) {
      if (values.has(prefix + name)) throw new VaultError('field-format', `Two values would both be named ${prefix}${name}.`, { hint: 'Name a field of one of the items.', details: { variables: [prefix + name] } });
      values.set(prefix + name, text);
    }
  }
  return values;
}

function chosenValue({ ref, field, fields }: OpenedFields): Json {
  if (field === undefined) {
    const credentials = fields['data'];
    return isCredentials(credentials) ? credentials : Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, textOf(ref, name, value)]));
  }
  const found = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (found === undefined) {
    throw new VaultError('field-not-found', `${ref.vault}/${ref.item} has no field ${JSON.stringify(field)}.`, { hint: `It has: ${Object.keys(fields).sort().join(', ')}.`, details: { ...ref, field } });
  }
  const value = textOf(ref, field, found);
  return value !== null && typeof value === 'object' ? value : { [field]: value };
}

function isCredentials(value: Json | undefined): value is { readonly [key: string]: Json } {
  return value !== null && typeof value === 'object' && 'aws_access_key_id' in value && 'aws_secret_access_key' in value;
}

/** A file as its text; everything else as it is. */
function textOf({ vault, item }: ItemRef, field: string, value: Json): Json {
  const file = fileOf(value);
  if (file === undefined) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file.bytes);
  } catch (cause) {
    throw new VaultError('field-format', `Field ${field} of ${vault}/${item} holds a file that is not text: no variable can hold it.`, { cause, hint: 'Name another field, or write the file with "vault download".', details: { field } });
  }
}
