import { basename } from 'node:path';
import { VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { checkFields, fileValue, MAX_FIELDS_BYTES, MAX_VALUE_BYTES } from '../../items/fieldValues.ts';
import type { Json } from '../../json/canonical.ts';
import { parseJson } from '../../json/parse.ts';
import { nameProblem } from '../../names.ts';

/** Where the fields of an item come from. */
export interface FieldSources {
  /** JSON text that was given as an argument. */
  readonly argument?: string | undefined;
  /** A file with JSON text; `-` is standard input. */
  readonly from?: string | undefined;
  /** Files, each a field of its own that is named as the file. */
  readonly files: readonly string[];
  /** Standard input, read to its end. */
  readonly readInput: (maxBytes: number) => Promise<Uint8Array>;
  /** Read standard input where nothing else is named: whoever pipes something in means it. */
  readonly orInput: boolean;
}

/** Text of JSON may be longer than the values that it holds: base64, escapes, white space. */
const MAX_JSON_BYTES = 2 * MAX_FIELDS_BYTES;

/**
 * Reads the fields of an item.
 * @param item its name; a member `id` of the values must be that, as in a data bag item, and is left out
 * @returns undefined where no source has anything
 * @throws VaultError input-*, name-invalid
 */
export async function readFields({ argument, from, files, readInput, orInput }: FieldSources, item: string): Promise<Record<string, Json> | undefined> {
  let values: Record<string, Json> | undefined;
  if (argument !== undefined) values = parseFields(argument, 'VALUES', item);
  else if (from !== undefined && from !== '-') values = parseFields(await readFile(from, MAX_JSON_BYTES), from, item);
  else if (from === '-' || (orInput && files.length === 0)) {
    const bytes = await readInput(MAX_JSON_BYTES);
    if (from === '-' || bytes.byteLength > 0) values = parseFields(bytes, 'standard input', item);
  }
  for (const path of files) {
    values ??= {};
    const name = basename(path);
    const problem = nameProblem('field', name);
    if (problem !== undefined) {
      throw new VaultError('name-invalid', `${path} cannot be stored under its own name: ${problem}.`, { hint: 'Give the file another name first.', details: { kind: 'field', name } });
    }
    if (Object.hasOwn(values, name)) {
      throw new VaultError('input-duplicate-key', `There are two values for the field ${name}, one of them the file ${path}.`, { details: { source: path, key: name } });
    }
    const { bytes, mode } = await readRegular(path, MAX_VALUE_BYTES);
    values[name] = fileValue({ bytes, mode });
  }
  if (values !== undefined) checkFields(values);
  return values;
}

/** A JSON object with the fields of an item. */
export function parseFields(text: Uint8Array | string, source: string, item: string): Record<string, Json> {
  const { value } = parseJson(text, source, { maxBytes: MAX_JSON_BYTES });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new VaultError('input-invalid', `${source} must be a JSON object: a name and a value for each field.`, {
      hint: 'For example: {"user": "app", "password": "…"}.', details: { source },
    });
  }
  const { id, ...fields } = value as Record<string, Json>;
  if (id !== undefined && id !== item) {
    throw new VaultError('input-invalid', `${source} has the id ${JSON.stringify(typeof id === 'string' ? id.slice(0, 200) : null)}, but the item is ${JSON.stringify(item)}.`, {
      hint: 'Name the item as its id says, or take the id out: it is no field.', details: { source, item },
    });
  }
  return fields;
}

async function readFile(path: string, maxBytes: number): Promise<Uint8Array> {
  return (await readRegular(path, maxBytes)).bytes;
}

async function readRegular(path: string, maxBytes: number): Promise<{ readonly bytes: Uint8Array; readonly mode: number }> {
  const file = await readRegularFile(path, { maxBytes, followLink: true });
  if (file === undefined) throw new VaultError('input-unreadable', `There is no file ${path}.`, { details: { source: path } });
  return file;
}
