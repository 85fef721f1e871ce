import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity } from '../../src/config/identities.ts';
import { isVaultError } from '../../src/errors.ts';
import { openItem } from '../../src/items/verify.ts';
import type { Json } from '../../src/json/canonical.ts';
import { readItem } from '../../src/operations/openItem.ts';
import { verifyRepository } from '../../src/operations/verify/verifyRepository.ts';
import type { Workspace } from '../../src/operations/workspace.ts';
import type { Identity } from '../../src/sealing/identity.ts';
import { openStateDirectory } from '../../src/state/stateDirectory.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import type { RepositoryScene } from './repositoryScene.ts';
import type { Finished } from './vaultProcess.ts';

/** The vault of all items in these tests. */
export const VAULT = 'vault';

/** An item as everybody sees it. */
export interface ItemState {
  readonly generation: number;
  /** Names of those who can open it: alice and nodes. Whoever is not among them is refused. */
  readonly readers: readonly string[];
  readonly values: Readonly<Record<string, Json>>;
}

/** Identities of everybody in a scene, by name: of alice, and of all that were ever made. */
export async function everybody({ admin, at }: RepositoryScene): Promise<Map<string, Identity>> {
  const people = new Map([['alice', await loadIdentity(admin)]]);
  for (const entry of await readdir(at('config'), { withFileTypes: true })) {
    if (entry.isFile()) people.set(entry.name, await loadIdentity(at('config', entry.name)));
  }
  return people;
}

function workspaceOf({ repository }: RepositoryScene, state: string): Workspace {
  return { store: openFileStore(repository), state: openStateDirectory(state), now: () => new Date(), notice: () => undefined, warn: () => undefined };
}

/** Places of state directories of readers who see a repository for the first time. */
let newcomers = 0;

/** What a reader who knows nothing of the repository finds: the item's state, by opening it with everybody's identity. Undefined where there is no such item. */
export async function stateOfItem(scene: RepositoryScene, people: ReadonlyMap<string, Identity>, item: string): Promise<ItemState | undefined> {
  const workspace = workspaceOf(scene, scene.at('readers', String(newcomers++)));
  let verified;
  try {
    ({ verified } = await readItem(workspace, { vault: VAULT, item }));
  } catch (error) {
    if (isVaultError(error, 'item-not-found')) return undefined;
    throw error;
  }
  const readers: string[] = [];
  let values: Record<string, Json> | undefined;
  for (const [name, identity] of people) {
    try {
      const open = openItem(verified, identity, name);
      const found = open.all();
      open.wipe();
      if (values !== undefined) assert.deepEqual(found, values);
      values = found;
      readers.push(name);
    } catch (error) {
      if (!isVaultError(error, 'not-a-recipient', 'recipient-key-changed')) throw error;
    }
  }
  assert.ok(values, `${item} is open to nobody`);
  return { generation: verified.header.generation, readers: readers.sort(), values };
}

/** What `vault verify` would say to the operator, without remembering it. */
export async function problemsOf(scene: RepositoryScene): Promise<readonly string[]> {
  const { problems } = await verifyRepository(workspaceOf(scene, scene.at('state', 'iam-vault')), { forget: true });
  return problems.map(({ code, item = '' }) => `${item}: ${code}`);
}

/** Files below these directories of a scene that a writer had not finished. */
export async function unfinishedFiles({ at }: RepositoryScene, ...parts: readonly string[]): Promise<string[]> {
  return (await filesBelow(parts.map((part) => at(part)))).filter((file) => /\.(new|pending)$/.test(file));
}

/** No secret is in a file, but for those that a person keeps, and in nothing that was printed. */
export async function assertSecret({ at }: RepositoryScene, secrets: readonly string[], printed: readonly Finished[]): Promise<void> {
  for (const file of await filesBelow(['repository', 'state', 'config'].map((part) => at(part)))) {
    const bytes = await readFile(file);
    for (const secret of secrets) assert.ok(!bytes.includes(secret), `a secret is in ${file}`);
  }
  for (const { stdout, stderr } of printed) {
    for (const secret of secrets) assert.ok(!stdout.includes(secret) && !stderr.includes(secret), 'a secret was printed');
  }
}

async function filesBelow(directories: readonly string[]): Promise<string[]> {
  const found = await Promise.all(directories.map(async (directory) => (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))));
  return found.flat().sort();
}
