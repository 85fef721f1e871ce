import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { lstat, open, readdir, realpath, stat, type FileHandle } from 'node:fs/promises';
import { VaultError } from '../errors.ts';

export interface ReadLimits {
  readonly maxBytes: number;
  /** Follow a symbolic link in the last part of the path. Off: what others can write may point anywhere. */
  readonly followLink?: boolean;
}

/** Facts about a file that decide whether its content may be trusted. */
export interface ReadFile {
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What the operating system said, as `ENOENT`; undefined for other errors. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Reads a regular file; undefined where there is none.
 * @throws VaultError input-unreadable, input-too-large
 */
export async function readRegularFile(path: string, limits: ReadLimits): Promise<ReadFile | undefined> {
  let handle;
  try {
    handle = await open(path, flagsFor(limits));
  } catch (cause) {
    noFile(path, cause); return;
  }
  try {
    const stat = await handle.stat();
    requireReadable(path, stat, limits);
    return { bytes: await readWhole(handle, stat.size), mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  } catch (error) {
    if (error instanceof VaultError) throw error;
    throw unreadable(path, systemCode(error), error);
  } finally {
    await handle.close();
  }
}

/**
 * {@link readRegularFile} without leaving this thread: a sixth of the time for a small file, of which there may be ten thousand. Nothing
 * else runs meanwhile.
 */
export function readRegularFileNow(path: string, limits: ReadLimits): ReadFile | undefined {
  let file;
  try {
    file = openSync(path, flagsFor(limits));
  } catch (cause) {
    noFile(path, cause); return;
  }
  try {
    const stat = fstatSync(file);
    requireReadable(path, stat, limits);
    return { bytes: readFileSync(file), mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  } catch (error) {
    if (error instanceof VaultError) throw error;
    throw unreadable(path, systemCode(error), error);
  } finally {
    closeSync(file);
  }
}

/** O_NONBLOCK: opening a named pipe must not wait for a writer. */
function flagsFor({ followLink = false }: ReadLimits): number {
  return constants.O_RDONLY | constants.O_NONBLOCK | (followLink ? 0 : constants.O_NOFOLLOW);
}

function noFile(path: string, cause: unknown): undefined {
  if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined;
  throw unreadable(path, systemCode(cause) === 'ELOOP' ? 'it is a symbolic link' : systemCode(cause), cause);
}

function requireReadable(path: string, stat: Stats, { maxBytes }: ReadLimits): void {
  if (!stat.isFile()) throw unreadable(path, 'it is not a regular file');
  if (stat.size <= maxBytes) return;
  throw new VaultError('input-too-large', `${path} has ${String(stat.size)} bytes; at most ${String(maxBytes)} are allowed.`, {
    details: { source: path, size: stat.size, maxBytes },
  });
}

/** In one step where the file has the size that it said, which is nearly always: thousands are read in a run. */
async function readWhole(handle: FileHandle, size: number): Promise<Uint8Array> {
  // One byte more, to see that it ends there; memory of its own, for the caller may wipe it.
  const buffer = Buffer.allocUnsafeSlow(size + 1);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
  if (bytesRead === size) return buffer.subarray(0, size);
  buffer.fill(0);
  // From the beginning: reading by position did not move it on.
  return await handle.readFile();
}

/** The path without symbolic links; undefined where there is nothing. */
export async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined;
    throw unreadable(path, systemCode(cause), cause);
  }
}

/**
 * What lies at a path; undefined where there is nothing.
 * @param followLink say what a symbolic link points to; where it is not set, a link is `other`
 */
export async function pathKind(path: string, followLink = false): Promise<'file' | 'directory' | 'other' | undefined> {
  try {
    const found = await (followLink ? stat(path) : lstat(path));
    return found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other';
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined;
    throw unreadable(path, systemCode(cause), cause);
  }
}

/** Names in a directory, sorted; empty where there is no such directory. Those that begin with a dot only if `hidden` is set. */
export async function listDirectory(path: string, hidden = false): Promise<string[]> {
  try {
    const names = await readdir(path);
    return names.filter((name) => hidden || !name.startsWith('.')).sort();
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return [];
    throw unreadable(path, systemCode(cause), cause);
  }
}

function unreadable(path: string, why: string | undefined, cause?: unknown): VaultError {
  return new VaultError('input-unreadable', `${path} cannot be read: ${why ?? 'unknown reason'}.`, { cause, details: { source: path } });
}
