import { randomUUID } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, readlink, rename, rmdir, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from './read.ts';
import { failingAs, holdsFile, syncDirectory, writeSynced, type WriteOptions } from './write.ts';

/** A file of a set; `name` does not begin with a dot. */
export interface SetFile extends WriteOptions {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Who may enter the directory. It is always this user's own: whoever owns it could lead the next write elsewhere. */
export interface SetAccess {
  readonly mode: number;
  readonly gid?: number | undefined;
}

/** The link to the directory that holds the files now. What programs open are links through it. */
const CURRENT = '..data';
const VERSION = /^\.\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Replaces the files in a directory all at once, as Kubernetes does it with mounted secrets: they are written into a hidden directory, and one
 * symbolic link is replaced. A reader sees the old set or the new one, also after a crash; what a crash left is removed by the next call. Files that
 * the set does not have any more disappear; what was put there by others stays.
 * The directory must be trusted (trusted.ts), and two writers of it must hold a lock.
 * @throws VaultError store-unreachable
 */
export async function replaceFileSet(directory: string, files: readonly SetFile[], access: SetAccess): Promise<void> {
  await failingAs(directory, async () => {
    await setAccess(directory, access);
    const version = `..${randomUUID()}`;
    try {
      await mkdir(join(directory, version), { mode: 0o700 });
      for (const { name, bytes, ...options } of files) await writeSynced(join(directory, version, name), bytes, options);
      await setAccess(join(directory, version), access);
      await syncDirectory(join(directory, version));
      await replaceLink(directory, CURRENT, version);
    } catch (error) {
      await removeVersion(join(directory, version)).catch(() => undefined);
      throw error;
    }
    for (const { name } of files) {
      if (await linkTarget(join(directory, name)) !== `${CURRENT}/${name}`) await replaceLink(directory, name, `${CURRENT}/${name}`);
    }
    for (const name of await strayNames(directory, files)) await removeEntry(join(directory, name));
    await syncDirectory(directory);
  });
}

/** Whether {@link replaceFileSet} would leave everything as it is. @throws VaultError store-unreachable */
export async function holdsFileSet(directory: string, files: readonly SetFile[], access: SetAccess): Promise<boolean> {
  let holds = false;
  await failingAs(directory, async () => {
    const version = await linkTarget(join(directory, CURRENT));
    if (version === undefined || !VERSION.test(version)) return;
    const within = join(directory, version);
    if (!await hasAccess(directory, access) || !await hasAccess(within, access)) return;
    if ((await readdir(within)).length !== files.length) return;
    for (const { name, bytes, ...options } of files) {
      if (await linkTarget(join(directory, name)) !== `${CURRENT}/${name}` || !await holdsFile(join(within, name), bytes, options)) return;
    }
    holds = (await strayNames(directory, files)).length === 0;
  });
  return holds;
}

/** Removes a set, and its directory where nothing else is in it. @throws VaultError store-unreachable */
export async function removeFileSet(directory: string): Promise<void> {
  await failingAs(directory, async () => {
    const current = await linkTarget(join(directory, CURRENT));
    for (const name of [...await strayNames(directory, []), CURRENT, ...(current !== undefined && VERSION.test(current) ? [current] : [])]) await removeEntry(join(directory, name));
    await rmdir(directory).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemCode(error) ?? '')) throw error;
    });
  });
}

/** Names that {@link replaceFileSet} made and that do not belong to the set of `files`: old directories, and links of files that are gone. */
async function strayNames(directory: string, files: readonly SetFile[]): Promise<string[]> {
  const wanted = new Set(files.map(({ name }) => name));
  const current = await linkTarget(join(directory, CURRENT));
  const stray: string[] = [];
  for (const name of await namesIn(directory)) {
    if (name === CURRENT || name === current || wanted.has(name)) continue;
    const target = await linkTarget(join(directory, name));
    if (target === undefined ? VERSION.test(name) : target.startsWith(`${CURRENT}/`) || VERSION.test(target)) stray.push(name);
  }
  return stray;
}

async function replaceLink(directory: string, name: string, target: string): Promise<void> {
  const neighbour = join(directory, `.${name}.new`);
  await removeEntry(neighbour);
  await symlink(target, neighbour);
  try {
    await rename(neighbour, join(directory, name));
  } catch (error) {
    await unlink(neighbour).catch(() => undefined);
    throw error;
  }
}

/** A link, or a directory of files; nothing happens where there is none. */
async function removeEntry(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return;
    if (code !== 'EISDIR' && code !== 'EPERM') throw error;
    await removeVersion(path);
  }
}

async function removeVersion(path: string): Promise<void> {
  for (const name of await namesIn(path)) await unlink(join(path, name));
  await rmdir(path);
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'EINVAL') return undefined;
    throw error;
  }
}

async function hasAccess(directory: string, { mode, gid }: SetAccess): Promise<boolean> {
  const found = await lstat(directory);
  return (found.mode & 0o777) === mode && (gid === undefined || found.gid === gid);
}

async function setAccess(directory: string, access: SetAccess): Promise<void> {
  if (await hasAccess(directory, access)) return;
  if (access.gid !== undefined) await chown(directory, -1, access.gid);
  await chmod(directory, access.mode);
}
