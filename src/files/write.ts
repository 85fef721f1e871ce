import { constants } from 'node:fs';
import { chmod, chown, link, lstat, mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isVaultError, VaultError } from '../errors.ts';
import { pathKind, readRegularFile, systemCode } from './read.ts';

export interface WriteOptions {
  /** Permission bits of the file, whatever the umask. */
  readonly mode: number;
  /** Numbers of its owner and group, set before anything is in it; ours where they are left out. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/**
 * Replaces a file so that a reader sees the old or the new content and nothing else, also after a crash:
 * a neighbour is written and synced, renamed over it, and the directory synced.
 * Two writers of one path must hold a lock: they would share the neighbour's name.
 * @throws VaultError store-unreachable
 */
export async function replaceFile(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  // Always the same name, so that a crash leaves at most one behind.
  const neighbour = join(dirname(path), `.${basename(path)}.new`);
  await failingAs(path, async () => {
    try {
      await writeSynced(neighbour, bytes, options);
      await rename(neighbour, path);
    } catch (error) {
      await unlink(neighbour).catch(() => undefined);
      throw error;
    }
    await syncDirectory(dirname(path));
  });
}

/**
 * Creates a file that must not exist yet. Needs no lock.
 * @returns false where something is already there; nothing was changed then
 */
export async function createFile(path: string, bytes: Uint8Array, options: WriteOptions): Promise<boolean> {
  // A name of its own: of two that create one path, neither may link what the other is writing.
  const neighbour = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.new`);
  try {
    await writeSynced(neighbour, bytes, options);
    await link(neighbour, path);
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false;
    throw unwritable(path, cause);
  } finally {
    await removeFile(neighbour);
  }
  return true;
}

/**
 * Whether {@link replaceFile} would leave everything as it is: a regular file with these bytes, permissions and owner, not a link to one. One that
 * cannot be read is none.
 * @throws VaultError input-unreadable
 */
export async function holdsFile(path: string, bytes: Uint8Array, { mode, uid = process.geteuid?.(), gid }: WriteOptions): Promise<boolean> {
  if (await pathKind(path) !== 'file') return false;
  const found = await readRegularFile(path, { maxBytes: bytes.byteLength }).catch((error: unknown) => {
    if (isVaultError(error, 'input-too-large', 'input-unreadable')) return undefined;
    throw error;
  });
  return found?.mode === mode && (uid === undefined || found.uid === uid) && (gid === undefined || found.gid === gid) && Buffer.compare(found.bytes, bytes) === 0;
}

/** Removes a file; nothing happens where there is none. */
export async function removeFile(path: string): Promise<void> {
  await failingAs(path, async () => {
    try {
      await unlink(path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      return;
    }
    await syncDirectory(dirname(path));
  });
}

/**
 * Makes a directory below `root` where it is missing. No part below `root` may be a symbolic link: what is written would land
 * where somebody else chose.
 * @throws VaultError store-unreachable
 */
export async function ensureDirectoryWithin(root: string, ...parts: readonly string[]): Promise<void> {
  let path = root;
  for (const part of parts) {
    path = join(path, part);
    await ensureDirectory(path);
    if ((await lstat(path)).isDirectory()) continue;
    throw new VaultError('store-unreachable', `${path} is a symbolic link; nothing was written.`, {
      hint: 'Put the directory itself there.', details: { path },
    });
  }
}

/**
 * Puts a socket at `path`, in the place of one that a dead process left: nobody else can connect before it belongs to whom it is for.
 * @param bind binds a socket to the path that it is given
 * @throws VaultError store-unreachable
 */
export async function placeSocket(path: string, { mode, uid, gid }: WriteOptions, bind: (path: string) => Promise<void>): Promise<void> {
  const neighbour = join(dirname(path), `.${basename(path)}.new`);
  await failingAs(path, async () => {
    await removeFile(neighbour);
    try {
      await bindClosed(neighbour, bind);
      if (uid !== undefined || gid !== undefined) await chown(neighbour, uid ?? -1, gid ?? -1);
      await chmod(neighbour, mode);
      await rename(neighbour, path);
    } catch (error) {
      await unlink(neighbour).catch(() => undefined);
      throw error;
    }
  });
}

/** The mask is the process's: it is back before anything else runs, for a socket is bound at once. */
function bindClosed(path: string, bind: (path: string) => Promise<void>): Promise<void> {
  const before = process.umask(0o777);
  try {
    return bind(path);
  } finally {
    process.umask(before);
  }
}

/** Makes a directory and its parents where they are missing. */
export async function ensureDirectory(path: string, mode = 0o777): Promise<void> {
  await failingAs(path, async () => {
    const first = await mkdir(path, { recursive: true, mode });
    if (first === undefined) return;
    // Each new directory is an entry in the one above it.
    for (let made = resolve(path); made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
  });
}

/** Writes a new file and syncs it; its name is not on the disk before its directory is synced. Errors are the system's. */
export async function writeSynced(path: string, bytes: Uint8Array, { mode, uid, gid }: WriteOptions): Promise<void> {
  // Nobody's but ours until it belongs to whom it is for.
  const handle = await openNew(path, mode & 0o700);
  try {
    if (uid !== undefined || gid !== undefined) await handle.chown(uid ?? -1, gid ?? -1);
    await handle.writeFile(bytes);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * What is there already is removed, never written to: it may be a link, a pipe, a file that somebody else holds open, or,
 * after a crash, another name of a file that is in use.
 */
async function openNew(path: string, mode: number): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    return await open(path, flags, mode);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  await unlink(path);
  return await open(path, flags, mode);
}

/** So that what was named, renamed or removed in it stays so after a crash. Errors are the system's. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws VaultError store-unreachable where the system refuses something in `work` */
export async function failingAs(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (isVaultError(cause)) throw cause;
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): VaultError {
  return new VaultError('store-unreachable', `${path} cannot be written: ${systemCode(cause) ?? 'unknown reason'}.`, {
    cause, hint: 'Check the permissions, the free space, and that the file system is not read-only.', details: { path },
  });
}
