import { dirname, join } from 'node:path';
import { VaultError } from '../../errors.ts';
import { pathKind } from '../../files/read.ts';
import { createFile, ensureDirectory, removeFile, replaceFile } from '../../files/write.ts';
import { fileOf } from '../../items/fieldValues.ts';
import type { OpenItem } from '../../items/verify.ts';
import type { Json } from '../../json/canonical.ts';
import { utf8 } from '../../sealing/encoding.ts';

/** A field as a file. */
interface FieldFile {
  readonly field: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** A file that was written. */
export interface DownloadedFile {
  readonly field: string;
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly bytes: number;
}

export interface DownloadOptions {
  /** All of them where it is left out. */
  readonly fields?: readonly string[] | undefined;
  /** A directory, or, for one field, the file. */
  readonly path: string;
  /** Replace files that are there. */
  readonly force: boolean;
}

/**
 * Writes fields as files: a file as it was stored, with its mode; text under the field's name, and any other value as JSON under
 * NAME.json, readable by their owner alone. Nothing is written where something is in the way.
 * @throws VaultError field-not-found, file-exists, file-names-collide, store-unreachable, and what opening a field throws
 */
export async function downloadItem(open: OpenItem, { fields, path, force }: DownloadOptions): Promise<DownloadedFile[]> {
  const files = [...new Set(fields ?? open.fields)].map((field) => asFile(field, open.field(field)));
  refuseCollisions(files);
  const single = files.length === 1 && !path.endsWith('/') && await pathKind(path, true) !== 'directory';
  const placed = files.map((file) => ({ ...file, path: single ? path : join(path, file.name) }));
  for (const file of placed) await refuseOccupied(file.path, force);
  if (single) await requireDirectory(dirname(path));
  else await ensureDirectory(path, 0o700);
  const made: string[] = [];
  try {
    for (const file of placed) {
      if (force) await replaceFile(file.path, file.bytes, file);
      else if (!await createFile(file.path, file.bytes, file)) throw occupied(file.path);
      made.push(file.path);
    }
  } catch (error) {
    if (!force) for (const each of made) await removeFile(each);
    throw error;
  }
  return placed.map(({ field, path: at, mode, bytes }) => ({ field, path: at, mode, bytes: bytes.byteLength }));
}

function asFile(field: string, value: Json): FieldFile {
  const file = fileOf(value);
  if (file !== undefined) return { field, name: field, ...file };
  if (typeof value === 'string') return { field, name: field, bytes: utf8(value), mode: 0o600 };
  return { field, name: `${field}.json`, bytes: utf8(`${JSON.stringify(value, undefined, 2)}\n`), mode: 0o600 };
}

/** Names that differ in case alone are one file on many machines. */
function refuseCollisions(files: readonly FieldFile[]): void {
  const seen = new Map<string, FieldFile>();
  for (const file of files) {
    const other = seen.get(file.name.toLowerCase());
    if (other !== undefined) {
      throw new VaultError('file-names-collide', `The fields ${other.field} and ${file.field} would be one file where upper and lower case are not told apart: ${other.name}, ${file.name}.`, {
        hint: 'Download them one by one: --field NAME, with a PATH for each.', details: { fields: [other.field, file.field] },
      });
    }
    seen.set(file.name.toLowerCase(), file);
  }
}

async function refuseOccupied(path: string, force: boolean): Promise<void> {
  const kind = await pathKind(path);
  if (kind === undefined || (force && kind !== 'directory')) return;
  throw occupied(path, kind === 'directory' ? 'Choose another PATH.' : undefined);
}

async function requireDirectory(path: string): Promise<void> {
  if (await pathKind(path, true) === 'directory') return;
  throw new VaultError('input-unreadable', `There is no directory ${path}.`, { hint: 'Make it first.', details: { path } });
}

function occupied(path: string, hint = 'Choose another PATH, or replace it with --force.'): VaultError {
  return new VaultError('file-exists', `${path} is there already; nothing was written.`, { hint, details: { path } });
}
