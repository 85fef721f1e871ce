import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { parseJson } from '../json/parse.ts';
import { validate } from '../json/validate.ts';
import { FORMAT } from '../sealing/encoding.ts';
import type { Store } from '../stores/store.ts';
import { variable, type Environment } from './environment.ts';

/** Name of the file that marks the root of a vault repository. */
export const CONFIG_FILE = 'vault.json';

const configSchema = z.strictObject({ format: z.literal(FORMAT), store: z.strictObject({ engine: z.literal('file') }) });

/** What vault.json holds. */
export type VaultConfig = z.output<typeof configSchema>;

/** The configuration that `vault init` writes. */
export const DEFAULT_CONFIG: VaultConfig = { format: FORMAT, store: { engine: 'file' } };

/** A repository that was found. */
export interface OpenRepository {
  /** Absolute path, without symbolic links. */
  readonly root: string;
  readonly store: Store;
}

/**
 * Finds the repository: the one named, the one that VAULT_REPOSITORY names, or the nearest vault.json upward from the
 * working directory; and opens its store.
 * @throws VaultError repository-missing, repository-foreign, input-*
 */
export async function openRepository(environment: Environment, named?: string): Promise<OpenRepository> {
  const root = await findRoot(environment, named ?? variable(environment, 'VAULT_REPOSITORY'));
  const path = join(root, CONFIG_FILE);
  const file = await readRegularFile(path, { maxBytes: 1 << 16 });
  if (file === undefined) throw missing(root);
  validate(configSchema, parseJson(file.bytes, path), () => ['format', 'store', 'engine']);
  const { openFileStore } = await import('../stores/file/fileStore.ts');
  return { root, store: openFileStore(root) };
}

async function findRoot(environment: Environment, named: string | undefined): Promise<string> {
  if (named !== undefined) {
    try {
      return await realpath(resolve(environment.cwd, named));
    } catch (cause) {
      throw missing(named, cause);
    }
  }
  const start = await realpath(environment.cwd);
  for (let directory = start; ; directory = dirname(directory)) {
    const file = await readRegularFile(join(directory, CONFIG_FILE), { maxBytes: 1 << 16 });
    if (file !== undefined) {
      requireOwn(environment, directory, file.uid);
      return directory;
    }
    if (dirname(directory) === directory) throw missing(start);
  }
}

/** A repository that was met by chance must not be somebody else's: whoever owns a directory above could have put it there. */
function requireOwn({ uid }: Environment, root: string, owner: number): void {
  if (uid === undefined || owner === uid || owner === 0) return;
  throw new VaultError('repository-foreign', `The vault repository that was found at ${root} belongs to another user (${String(owner)}).`, {
    hint: `If you mean that one, name it: --repository ${root}, or VAULT_REPOSITORY.`, details: { root, owner },
  });
}

function missing(place: string, cause?: unknown): VaultError {
  return new VaultError('repository-missing', `There is no vault repository at ${place}: no ${CONFIG_FILE} there or above.`, {
    cause, hint: 'Run "vault init" there, change into a repository, or name one with --repository.', details: { place },
  });
}
