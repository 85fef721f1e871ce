import { join } from 'node:path';
import type * as z from 'zod';
import { layoutJson, type Json } from '../json/canonical.ts';
import { parseDocument } from '../json/document.ts';
import { isVaultError, VaultError } from '../errors.ts';
import { acquireLock } from '../files/lock.ts';
import { listDirectory, readRegularFileNow } from '../files/read.ts';
import { ensureDirectory, removeFile, replaceFile } from '../files/write.ts';

const PRIVATE = { mode: 0o600 };
/** The agent keeps sealed items here, which can have as much as a stored document. */
const MAX_BYTES = 64 << 20;

/**
 * What one user of one machine remembers between runs: which roster was trusted, which generations were seen, which
 * access keys were being made. Small JSON documents, private to the user. None holds a secret.
 */
export interface StateDirectory {
  readonly path: string;
  /** The document's value; undefined where there is none. */
  read<S extends z.core.$ZodType>(schema: S, ...name: readonly string[]): Promise<z.output<S> | undefined>;
  /** Names of the files and directories in the directory `name`, sorted; documents end in `.json`. */
  list(...name: readonly string[]): Promise<string[]>;
  /** Two writers of one name must hold its lock. @throws VaultError state-unwritable */
  write(value: { readonly [key: string]: Json }, ...name: readonly string[]): Promise<void>;
  remove(...name: readonly string[]): Promise<void>;
  /**
   * Runs `work` while nobody else does under the same name, in this process or another. `signal` ends the wait for that.
   * @throws VaultError state-unwritable, interrupted
   */
  locked<T>(work: () => Promise<T>, name: readonly string[], signal?: AbortSignal): Promise<T>;
}

/** Opens the state directory at `path`; it is made at the first write. Every part of a name must be a checked name or a digest. */
export function openStateDirectory(path: string): StateDirectory {
  const fileOf = (name: readonly string[]): string => `${join(path, ...name)}.json`;
  const prepare = (name: readonly string[]): Promise<void> => ensureDirectory(join(path, ...name.slice(0, -1)), 0o700);
  return {
    path,
    read: (schema, ...name) => Promise.resolve().then(() => {
      const file = readRegularFileNow(fileOf(name), { maxBytes: MAX_BYTES });
      return file === undefined ? undefined : parseDocument(schema, file.bytes, fileOf(name));
    }),
    list: (...name) => listDirectory(join(path, ...name)),
    async write(value, ...name) {
      await failingAsState(path, async () => {
        await prepare(name);
        await replaceFile(fileOf(name), new TextEncoder().encode(layoutJson(value)), PRIVATE);
      });
    },
    remove: (...name) => failingAsState(path, () => removeFile(fileOf(name))),
    async locked(work, name, signal) {
      const release = await failingAsState(path, async () => {
        await prepare(name);
        return await acquireLock(`${join(path, ...name)}.lock`, signal);
      });
      try {
        return await work();
      } finally {
        await release();
      }
    },
  };
}

async function failingAsState<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isVaultError(cause, 'store-unreachable')) throw cause;
    throw new VaultError('state-unwritable', `What this program remembers cannot be written: ${cause.message}`, {
      cause, hint: 'Check the permissions and the free space there, or name another directory with VAULT_STATE_DIR.', details: { path },
    });
  }
}
