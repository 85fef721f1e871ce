import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { VaultError } from '../errors.ts';
import { isInMemory } from './inMemory.ts';
import { systemCode } from './read.ts';

const PREFIX = 'vault-edit-';

/** A directory of one's own, for plaintext that an editor must find in a file. */
export interface Scratch {
  readonly path: string;
  /** From now on {@link discard} leaves it where it is. */
  keep(): void;
  /** Overwrites every file in it with zeros and removes it all, whatever an editor left there. At once, so that a signal's handler can do it. */
  discard(): void;
}

/**
 * Makes a directory, mode 0700, in the first of `candidates` that is in memory, or else in `disk`, where it is given.
 * @throws VaultError plaintext-on-disk
 */
export function openScratch(candidates: readonly string[], disk?: string): Scratch {
  const parents = [...candidates.filter(isInMemory), ...(disk === undefined ? [] : [disk])];
  for (const parent of parents) {
    try {
      const path = mkdtempSync(join(parent, PREFIX));
      chmodSync(path, 0o700); // Whatever the umask took away.
      return scratchAt(path);
    } catch {
      continue; // Full, or not ours to write to: the next one may do.
    }
  }
  throw new VaultError('plaintext-on-disk', `There is no directory in memory to edit in: ${candidates.join(', ') || 'none is named'} cannot be used.`, {
    hint: 'Mount a tmpfs there, or accept that the plaintext is written to a disk, which may keep it after the file is gone: --allow-disk.',
    details: { looked: [...candidates] },
  });
}

/**
 * The directory of an edit that was kept. It must be one that {@link openScratch} made, for this user alone.
 * @param path the directory, or a file in it
 * @throws VaultError input-unreadable
 */
export function reopenScratch(path: string): Scratch {
  const absolute = resolve(path);
  const directory = basename(absolute).startsWith(PREFIX) ? absolute : dirname(absolute);
  const problem = problemWith(directory);
  if (problem !== undefined) throw new VaultError('input-unreadable', `${directory} is no kept edit: ${problem}.`, { details: { path: directory } });
  return scratchAt(directory);
}

function problemWith(directory: string): string | undefined {
  if (!basename(directory).startsWith(PREFIX)) return 'it is not named as one';
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) return 'there is no such directory';
  if (found.uid !== (process.geteuid?.() ?? found.uid)) return 'it belongs to another user';
  return (found.mode & 0o077) === 0 ? undefined : 'others can look into it';
}

function scratchAt(path: string): Scratch {
  let kept = false;
  return {
    path,
    keep: () => { kept = true; },
    discard: () => {
      if (!kept && lstatSync(path, { throwIfNoEntry: false }) !== undefined) wipeDirectory(path);
    },
  };
}

function wipeDirectory(directory: string): void {
  try {
    overwriteFiles(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function overwriteFiles(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) overwriteFiles(path);
    else if (entry.isFile()) overwrite(path);
  }
}

/** What cannot be overwritten is removed all the same. */
function overwrite(path: string): void {
  let file;
  try {
    file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const zeros = new Uint8Array(1 << 16);
    for (let left = fstatSync(file).size; left > 0; left -= zeros.byteLength) writeSync(file, zeros, 0, Math.min(left, zeros.byteLength));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
