import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod/mini';
import { VaultError } from '../../errors.ts';
import { checkFields, fileOf, fileValue } from '../../items/fieldValues.ts';
import type { Json } from '../../json/canonical.ts';
import { parseJson } from '../../json/parse.ts';
import { nameProblem } from '../../names.ts';
import { utf8 } from '../../sealing/encoding.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { parseFields } from './readFields.ts';

/** Fields by name. */
export type Fields = Readonly<Record<string, Json>>;

/** What somebody edits: an item, or one field of it. */
export interface Draft extends ItemRef {
  readonly field?: string | undefined;
  /** How it is edited: as JSON; a field that holds text or a file that is text, as it is. */
  readonly form: 'json' | 'text' | 'file';
  /** Permission bits of the file. */
  readonly mode: number;
  /** The values that the edit started from; of the one field alone, where there is one. */
  readonly base: Fields;
}

const name = (kind: 'vault' | 'item' | 'field'): z.ZodMiniString => z.string().check(z.refine((text) => nameProblem(kind, text) === undefined));
const draftSchema = z.strictObject({
  vault: name('vault'), item: name('item'), field: z.optional(name('field')),
  form: z.enum(['json', 'text', 'file']), mode: z.int().check(z.gte(0), z.lte(0o777)), base: z.record(name('field'), z.json()),
});

/**
 * The draft of a whole item, or of one field.
 * @throws VaultError field-format where the field holds a file that is no text
 */
export function draftOf({ vault, item }: ItemRef, field: string | undefined, base: Fields): Draft {
  const value = field === undefined ? null : base[field] ?? null;
  const file = fileOf(value);
  if (file !== undefined && !isText(file.bytes)) {
    throw new VaultError('field-format', `The field ${field ?? ''} of ${vault}/${item} holds a file that is no text: an editor would damage it.`, {
      hint: `Use "vault download ${vault} ${item} --field ${field ?? ''}", change it, and give it back with "vault update ${vault} ${item} --file ${field ?? ''}".`, details: { field },
    });
  }
  return { vault, item, ...(field === undefined ? {} : { field }), form: file !== undefined ? 'file' : typeof value === 'string' ? 'text' : 'json', mode: file?.mode ?? 0, base };
}

/** A draft as it is kept beside what was edited; it holds the plaintext. */
export function encodeDraft({ vault, item, field, form, mode, base }: Draft): Uint8Array {
  return utf8(JSON.stringify({ vault, item, ...(field === undefined ? {} : { field }), form, mode, base }));
}

/** @throws VaultError input-* */
export function parseDraft(bytes: Uint8Array, source: string): Draft {
  const result = z.safeParse(draftSchema, parseJson(bytes, source, { maxBytes: MAX_DRAFT_BYTES, maxDepth: 70 }).value);
  if (result.success) return result.data;
  throw new VaultError('input-invalid', `${source} is not what "vault edit" left there.`, { details: { source } });
}

/** Name of the file that an editor is given: editors go by it. */
export function draftName({ item, field, form }: Draft): string {
  return form === 'json' ? `${field ?? item}.json` : field ?? item;
}

/** The text to edit: JSON; of a single field that holds text or a file, the text itself. */
export function draftText({ field, form, base }: Draft, values: Fields = base): Uint8Array {
  const value = field === undefined ? values : values[field] ?? null;
  return (form === 'json' ? undefined : textOf(value)) ?? utf8(`${JSON.stringify(value, undefined, 2)}\n`);
}

/**
 * The values that an edited text stands for.
 * @throws VaultError input-*, name-invalid
 */
export function readDraft(draft: Draft, bytes: Uint8Array): Fields {
  const { field, item } = draft;
  const values = field === undefined ? parseFields(bytes, SOURCE, item) : { [field]: readValue(draft, field, bytes) };
  checkFields(values);
  return values;
}

function readValue({ form, mode, base }: Draft, field: string, bytes: Uint8Array): Json {
  if (form === 'json') return parseJson(bytes, SOURCE, { maxBytes: MAX_DRAFT_BYTES }).value as Json;
  if (!isText(bytes)) throw new VaultError('input-invalid', `${SOURCE} is not UTF-8 text.`);
  const before = textOf(base[field]);
  // Editors end the last line, though it was not ended before.
  const added = bytes.at(-1) === LINE_FEED && before !== undefined && before.at(-1) !== LINE_FEED;
  const content = added ? bytes.slice(0, -1) : bytes;
  return form === 'text' ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(content) : fileValue({ bytes: content, mode });
}

const SOURCE = 'The edited text';
const LINE_FEED = 0x0a;
const MAX_DRAFT_BYTES = 32 << 20;

/** The bytes of a value that is edited as they are: of text, and of a file. */
function textOf(value: Json | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? utf8(value) : fileOf(value ?? null)?.bytes;
}

function isText(bytes: Uint8Array): boolean {
  try {
    return !new TextDecoder('utf-8', { fatal: true }).decode(bytes).includes('\0');
  } catch {
    return false;
  }
}

/** What became of an edit of an item that somebody else may have changed meanwhile. */
export interface Merge {
  /** Every field; of a conflict, the value of the one who edits. */
  readonly fields: Fields;
  /** Names of fields that both changed, each in another way. */
  readonly conflicts: readonly string[];
}

/** Applies what changed from `base` to `mine` to the fields as they are now. */
export function mergeFields(base: Fields, mine: Fields, now: Fields): Merge {
  const fields: Record<string, Json> = {};
  const conflicts: string[] = [];
  for (const each of new Set([...Object.keys(now), ...Object.keys(base), ...Object.keys(mine)])) {
    const value = (from: Fields): Json | undefined => (Object.hasOwn(from, each) ? from[each] : undefined);
    const [was, wanted, present] = [value(base), value(mine), value(now)];
    const chosen = isDeepStrictEqual(wanted, was) ? present : wanted;
    if (!isDeepStrictEqual(wanted, was) && !isDeepStrictEqual(present, was) && !isDeepStrictEqual(wanted, present)) conflicts.push(each);
    if (chosen !== undefined) fields[each] = chosen;
  }
  return { fields, conflicts };
}
