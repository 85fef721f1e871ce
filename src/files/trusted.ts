import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, readlink } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { VaultError } from '../errors.ts';
import { systemCode } from './read.ts';
import { failingAs, syncDirectory } from './write.ts';

/** As many as the kernel follows in one path. */
const MOST_LINKS = 40;

/** Whether somebody beside root and the user `uid` can change a file, or what is in a directory. @param uid undefined where there are no users */
export function isOthersToChange({ mode, uid: owner }: { readonly mode: number; readonly uid: number }, uid: number | undefined): boolean {
  return (mode & 0o022) !== 0 || (uid !== undefined && owner !== uid && owner !== 0);
}

/**
 * The real path of a directory that nobody beside root and this user can put something else in the place of: each directory on the way, and each
 * symbolic link, is theirs, and others can write in none of them, unless it is sticky (as /tmp). What is missing is made, with `mode`.
 * A user who could change one of them would otherwise choose where root writes.
 * @throws VaultError store-unreachable
 */
export async function trustedDirectory(path: string, mode = 0o755): Promise<string> {
  return await follow(path, (missing) => make(missing, mode));
}

/**
 * As {@link trustedDirectory}, of a file or directory that may be missing, or may not be looked at: nothing is made. Whose a file itself is, is not asked;
 * it is to be opened by this path, without following a link.
 * @throws VaultError store-unreachable
 */
export async function trustedPath(path: string): Promise<string> {
  return await follow(path);
}

/** @param make makes a directory that is missing; where it is left out, the way ends there */
async function follow(path: string, make?: (path: string) => Promise<Stats>): Promise<string> {
  const uid = process.geteuid?.();
  let links = 0;
  let current: string = sep;
  await failingAs(path, async () => {
    const left = stepsOf(path);
    requireTrusted(current, await lstat(current), uid);
    for (let step = left.shift(); step !== undefined; step = left.shift()) {
      if (step === '..') { current = dirname(current); continue; }
      const next = join(current, step);
      const found = make === undefined ? await find(next).catch(() => undefined) : await find(next) ?? await make(next);
      const isFile = found !== undefined && !found.isDirectory() && !found.isSymbolicLink();
      if (make !== undefined && isFile) throw new VaultError('store-unreachable', `${next} is no directory.`, { details: { path: next } });
      if (found !== undefined && !(isFile && left.length === 0)) requireTrusted(next, found, uid);
      if (found === undefined || isFile) { current = join(next, ...left); return; }
      if (!found.isSymbolicLink()) { current = next; continue; }
      if (++links > MOST_LINKS) throw new VaultError('store-unreachable', `There are too many symbolic links in ${path}.`, { details: { path } });
      const target = await readlink(next);
      left.unshift(...stepsOf(target));
      if (target.startsWith(sep)) current = sep;
    }
  });
  return current;
}

function stepsOf(path: string): string[] {
  return path.split(sep).filter((step) => step !== '' && step !== '.');
}

async function find(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function make(path: string, mode: number): Promise<Stats> {
  await mkdir(path, { mode: 0o700 });
  await chmod(path, mode); // Whatever the umask takes away.
  await syncDirectory(dirname(path));
  return await lstat(path);
}

/** The permissions of a symbolic link say nothing; in a sticky directory nobody can replace what is not theirs. One that is read-only may be so for this process alone. */
function requireTrusted(path: string, found: Stats, uid: number | undefined): void {
  const isLink = found.isSymbolicLink();
  if (!isOthersToChange({ mode: isLink || (found.mode & 0o1000) !== 0 ? 0 : found.mode, uid: found.uid }, uid)) return;
  const mode = found.mode & 0o7777;
  throw new VaultError('store-unreachable', `${path} can be changed by others than root and this user (owner ${String(found.uid)}, mode ${mode.toString(8).padStart(4, '0')}), who could so put anything in the place of what is there.`, {
    hint: 'Choose a place below a directory of root, as /run/iam-vault; for what is delivered, "owner" and "group" say who may read it.', details: { path, owner: found.uid, mode },
  });
}
