import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { VaultError } from '../errors.ts';
import { pathKind, readRegularFile, realPath } from '../files/read.ts';
import { createFile } from '../files/write.ts';
import { layoutJson, type Json } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';
import { validate } from '../json/validate.ts';
import { FORMAT } from '../sealing/encoding.ts';
import type { Store } from '../stores/store.ts';
import { variable, type Environment } from './environment.ts';
import { etcdStoreSchema, readEtcdSettings } from './etcdSettings.ts';

/** Name of the file that marks the root of a vault repository. */
export const CONFIG_FILE = 'vault.json';

const fileStoreSchema = z.strictObject({ engine: z.literal('file') });
const configSchema = z.strictObject({ format: z.literal(FORMAT), store: z.discriminatedUnion('engine', [fileStoreSchema, etcdStoreSchema]) });

/** What vault.json holds. */
export type VaultConfig = z.output<typeof configSchema>;

/** The configuration that `vault init` writes. */
export const DEFAULT_CONFIG = { format: FORMAT, store: { engine: 'file' } } as const satisfies VaultConfig;

/** The bytes of a vault.json. @throws VaultError input-invalid, where it would not be read again */
export function encodeConfig(config: VaultConfig): Uint8Array {
  // Members that are undefined are left out, as JSON does.
  const bytes = new TextEncoder().encode(layoutJson(JSON.parse(JSON.stringify(config)) as { [key: string]: Json }));
  parseConfig(bytes, CONFIG_FILE);
  return bytes;
}

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
  const { store } = parseConfig(file.bytes, path);
  return { root, store: await openStore(environment, root, store) };
}

/** A store that a person named, for `vault migrate`. */
export interface NamedStore extends OpenRepository {
  /** Writes a vault.json, which makes the place a repository; undefined where there is one. */
  readonly make: (() => Promise<void>) | undefined;
  /** The file that was named, where it lies beside the vault.json that the directory has. */
  readonly besides: string | undefined;
}

/**
 * Opens the store that `name` names: a directory with a vault.json, or a file in its form, which stands for the directory that it lies in. A directory without
 * one, or none at all, is an empty file store to be.
 * @throws VaultError repository-missing, input-*
 */
export async function openNamedStore(environment: Environment, name: string): Promise<NamedStore> {
  const named = resolve(environment.cwd, name);
  const isFile = await pathKind(named, true) === 'file';
  const root = await realPath(isFile ? dirname(named) : named) ?? named;
  const path = isFile ? named : join(root, CONFIG_FILE);
  const file = await readRegularFile(path, { maxBytes: 1 << 16, followLink: isFile });
  if (file !== undefined) return { root, store: await openStore(environment, root, parseConfig(file.bytes, path).store), make: undefined, besides: isFile && basename(named) !== CONFIG_FILE ? name : undefined };
  return {
    root, store: await openStore(environment, root, DEFAULT_CONFIG.store),
    besides: undefined,
    async make() { await createFile(path, encodeConfig(DEFAULT_CONFIG), { mode: 0o644 }); },
  };
}

/** @throws VaultError input-* */
function parseConfig(bytes: Uint8Array, source: string): VaultConfig {
  return validate(configSchema, parseJson(bytes, source), () => ['format', 'store', 'engine', 'endpoints', 'prefix', 'tls', 'credentials_file']);
}

/**
 * Opens the store of a repository.
 * @param root its directory: pins are kept by that place, which whoever writes vault.json cannot choose
 */
export async function openStore(environment: Environment, root: string, config: VaultConfig['store']): Promise<Store> {
  if (config.engine === 'etcd') {
    const { openEtcdStore } = await import('../stores/etcd/etcdStore.ts');
    return openEtcdStore(root, await readEtcdSettings(environment, root, config));
  }
  const { openFileStore } = await import('../stores/file/fileStore.ts');
  return openFileStore(root);
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
