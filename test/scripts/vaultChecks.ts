import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAwsProfiles } from '../../src/config/awsProfiles.ts';
import { loadIdentity } from '../../src/config/identities.ts';
import { openRepository } from '../../src/config/repository.ts';
import { openAccount, type AwsAccount } from '../../src/iam/client.ts';
import { checkFiles } from '../../src/operations/iam/checkFiles.ts';
import { planIam } from '../../src/operations/iam/createIam.ts';
import type { JobReport } from '../../src/operations/iam/job.ts';
import { openItem } from '../../src/operations/openItem.ts';
import type { Workspace } from '../../src/operations/workspace.ts';
import { openStateDirectory } from '../../src/state/stateDirectory.ts';
import type { Finished } from './vaultProcess.ts';
import { ACCOUNT, ITEM, USER, type KeySummary, type Scene } from './vaultScene.ts';

/** The access keys that a user has, as the sandbox knows them. */
export function keysOf({ server }: Scene, user = USER): KeySummary[] {
  const account = server.sandbox.summary().accounts.find(({ name }) => name === ACCOUNT);
  assert.ok(account);
  return account.accessKeys.filter((key) => key.user === user).map(({ id, status }) => ({ id, status }));
}

async function workspaceOf(scene: Scene, state: string): Promise<Workspace> {
  const { store } = await openRepository({ variables: scene.variables, home: scene.directory, cwd: scene.repository });
  return { store, state: openStateDirectory(state), now: () => new Date(), notice: () => undefined, warn: () => undefined };
}

/** The operator's own state directory. */
export function stateOf({ variables }: Scene): string {
  return join(variables['XDG_STATE_HOME'] ?? '', 'iam-vault');
}

/** The credentials in a user's item, opened with the identity in `identityFile` and remembered in the directory `state`. */
export async function credentialsIn(scene: Scene, identityFile: string, state: string, item = ITEM.item): Promise<unknown> {
  const identity = await loadIdentity(identityFile);
  async function* identities(): AsyncGenerator<{ identity: typeof identity }> {
    yield await Promise.resolve({ identity });
  }
  const open = await openItem(await workspaceOf(scene, state), { vault: ITEM.vault, item }, identities());
  try {
    return open.field('data');
  } finally {
    open.wipe();
  }
}

/** What `vault plan iam` says, asked in this process. */
export async function planOf(scene: Scene): Promise<JobReport[]> {
  const workspace = await workspaceOf(scene, stateOf(scene));
  const checks = await checkFiles(scene.iamFiles.map((file) => join(scene.repository, file)));
  const profiles = await readAwsProfiles(scene.variables);
  const accounts: AwsAccount[] = [];
  try {
    return await planIam(workspace, checks.map(({ file }) => file), {
      identity: await loadIdentity(scene.admin), adopt: false, recreate: false, acceptKeys: [], allowEmpty: false, skipUnsealable: false, onStep: () => undefined,
      openAccount: (name) => {
        const account = openAccount(profiles.profile(name));
        accounts.push(account);
        return account;
      },
    });
  } finally {
    for (const account of accounts) account.close();
  }
}

export interface Expected {
  /** Keys that somebody made by hand: they must be there, as they are here. */
  readonly foreign?: readonly KeySummary[];
  readonly user?: string;
  /** Identity files that must open the item. Default: the admin's and the node's. */
  readonly readers?: readonly string[];
  /** Directories in which operators' runs keep their state. Default: {@link stateOf}. */
  readonly states?: readonly string[];
  /** What the runs printed. */
  readonly printed?: readonly Finished[];
}

/**
 * Everything that must hold once a run has ended well, whatever happened before: one active key beside the foreign ones, it is
 * the one in the item, each recipient opens it, nothing is left to do, in no journal and half-written nowhere, and no secret
 * that AWS ever gave out is in any file.
 */
export async function assertInPlace(scene: Scene, expected: Expected = {}): Promise<void> {
  const { foreign = [], user = USER, readers = [scene.admin, scene.node] } = expected;
  const keys = keysOf(scene, user);
  assert.deepEqual(keys.filter(({ id }) => foreign.some((each) => each.id === id)), foreign, 'a key that is not ours was touched');
  const own = keys.filter(({ id }) => !foreign.some((each) => each.id === id));
  assert.equal(own.length, 1, `keys of ours: ${JSON.stringify(own)}`);
  const [key] = own;
  assert.equal(key?.status, 'Active');

  const secrets = await secretsOf(scene);
  for (const reader of readers) {
    const state = reader === scene.admin ? stateOf(scene) : `${reader}.state`;
    assert.deepEqual(await credentialsIn(scene, reader, state, `${ACCOUNT}_${user}`), {
      aws_access_key_id: key.id, aws_secret_access_key: secrets.get(key.id),
    });
  }

  const plan = await planOf(scene);
  assert.deepEqual(plan.map(({ changes, error }) => ({ changes, error })), plan.map(() => ({ changes: [], error: undefined })));

  await assertNothingLeftOver(scene, expected.states);
  await assertNoSecretInFiles(scene, [...secrets.values()]);
  for (const secret of secrets.values()) {
    for (const { stdout, stderr } of expected.printed ?? []) assert.ok(!stdout.includes(secret) && !stderr.includes(secret), 'a secret was printed');
  }
}

/** No journal entry, and no file that a writer had not finished. */
export async function assertNothingLeftOver(scene: Scene, states: readonly string[] = [stateOf(scene)]): Promise<void> {
  for (const state of states) {
    const journal = await filesBelow(join(state, 'journal'));
    assert.deepEqual(journal.filter((file) => !file.endsWith('.lock')), []);
  }
  const all = [...await filesBelow(scene.repository), ...(await Promise.all(states.map(filesBelow))).flat()];
  assert.deepEqual(all.filter((file) => /\.(new|pending)$/.test(file)), []);
}

/** Secrets of all keys of users that the sandbox ever made, but for the operator's. */
export async function secretsOf({ sandboxFile, server }: Scene): Promise<Map<string, string>> {
  const { accessKeys } = JSON.parse(await readFile(sandboxFile, 'utf8')) as { accessKeys: { id: string; secret: string }[] };
  const operators = new Set(server.accounts.map(({ accessKeyId }) => accessKeyId));
  return new Map(accessKeys.filter(({ id }) => !operators.has(id)).map(({ id, secret }) => [id, secret]));
}

async function assertNoSecretInFiles({ directory }: Scene, secrets: readonly string[]): Promise<void> {
  for (const part of ['repository', 'state', 'config']) {
    for (const file of await filesBelow(join(directory, part))) {
      const bytes = await readFile(file);
      for (const secret of secrets) assert.ok(!bytes.includes(secret), `a secret is in ${file}`);
    }
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
