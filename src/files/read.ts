import { constants } from 'node:fs';
import { open, readdir, realpath, type FileHandle } from 'node:fs/promises';
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
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (limits.followLink === true ? 0 : constants.O_NOFOLLOW);
  let handle;
  try {
    handle = await open(path, flags);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined;
    throw unreadable(path, systemCode(cause) === 'ELOOP' ? 'it is a symbolic link' : systemCode(cause), cause);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unreadable(path, 'it is not a regular file');
    if (stat.size > limits.maxBytes) {
      throw new VaultError('input-too-large', `${path} has ${String(stat.size)} bytes; at most ${String(limits.maxBytes)} are allowed.`, {
        details: { source: path, size: stat.size, maxBytes: limits.maxBytes },
      });
    }
    return { bytes: await readWhole(handle, stat.size), mode: stat.mode & 0o7777, uid: stat.uid };
  } catch (error) {
    if (error instanceof VaultError) throw error;
    throw unreadable(path, systemCode(error), error);
  } finally {
    await handle.close();
  }
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
