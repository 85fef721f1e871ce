import { VaultError } from '../errors.ts';
import { canonicalBytes, type Json } from '../json/canonical.ts';
import { checkName } from '../names.ts';
import { decodeBase64, encodeBase64, isBase64 } from '../sealing/encoding.ts';

/** The one member of a value that is a file: no ordinary value is called so by chance. */
export const FILE_MEMBER = 'iam-vault/file';

/** A file that a field holds. */
export interface FileContent {
  readonly bytes: Uint8Array;
  /** Permission bits, at most 0777. */
  readonly mode: number;
}

/** Largest value of a field: the content of a file, or the RFC 8785 text of any other value; in bytes. */
export const MAX_VALUE_BYTES: number = 1 << 20;

/** All values of an item together, in bytes. */
export const MAX_FIELDS_BYTES: number = 8 << 20;

/** The value of a field that holds a file: docs/format.md, "Files". */
export function fileValue({ bytes, mode }: FileContent): Json {
  return { [FILE_MEMBER]: { content: encodeBase64(bytes), mode: (mode & 0o777).toString(8).padStart(4, '0') } };
}

/** The file that a value is; undefined where it is an ordinary value. */
export function fileOf(value: Json): FileContent | undefined {
  const file = onlyMember(value);
  if (file === null || typeof file !== 'object' || Array.isArray(file)) return undefined;
  const { content, mode, ...rest } = file as { readonly [key: string]: Json };
  if (typeof content !== 'string' || typeof mode !== 'string' || Object.keys(rest).length > 0) return undefined;
  if (!isBase64(content) || !/^0[0-7]{3}$/.test(mode)) return undefined;
  return { bytes: decodeBase64(content, 'The content of a file'), mode: Number.parseInt(mode, 8) };
}

function onlyMember(value: Json): Json {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || Object.keys(value).length !== 1) return null;
  return Object.hasOwn(value, FILE_MEMBER) ? (value as { readonly [key: string]: Json })[FILE_MEMBER] ?? null : null;
}

/**
 * Checks fields before they are sealed. What it throws never holds a value.
 * @throws VaultError name-invalid, input-too-large, input-invalid
 */
export function checkFields(fields: Readonly<Record<string, Json>>): void {
  let total = 0;
  for (const [field, value] of Object.entries(fields)) {
    checkName('field', field);
    const size = fileOf(value)?.bytes.byteLength ?? textSize(field, value);
    if (size > MAX_VALUE_BYTES) {
      throw new VaultError('input-too-large', `Field ${field} would have ${String(size)} bytes; at most ${String(MAX_VALUE_BYTES)} are allowed.`, {
        hint: 'Store it elsewhere, encrypted, and keep its key here.', details: { field, size, maxBytes: MAX_VALUE_BYTES },
      });
    }
    total += size;
  }
  if (total > MAX_FIELDS_BYTES) {
    throw new VaultError('input-too-large', `The fields would have ${String(total)} bytes together; at most ${String(MAX_FIELDS_BYTES)} are allowed.`, {
      hint: 'Make several items of them.', details: { size: total, maxBytes: MAX_FIELDS_BYTES },
    });
  }
}

function textSize(field: string, value: Json): number {
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && Object.hasOwn(value, FILE_MEMBER)) {
    throw new VaultError('input-invalid', `Field ${field} has a member ${JSON.stringify(FILE_MEMBER)}, which is kept for files, and does not hold one.`, {
      hint: 'It must be alone, with "content" (base64url without padding) and "mode" (as "0640"). Store a file with --file.', details: { field },
    });
  }
  if (hasRoundedNumber(value)) {
    throw new VaultError('input-invalid', `Field ${field} holds a number with more digits than programs keep: it would be rounded.`, {
      hint: 'Write it as text, in quotes.', details: { field },
    });
  }
  return canonicalBytes(value).byteLength;
}

/** Whether a number may be another than the one that was written: RFC 7493, section 2.2. */
function hasRoundedNumber(value: Json): boolean {
  if (typeof value === 'number') return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  return value !== null && typeof value === 'object' && Object.values(value).some(hasRoundedNumber);
}
