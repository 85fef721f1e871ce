import assert from 'node:assert/strict';
import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { credentialsIn, stateOf } from '../scripts/vaultChecks.ts';
import { codesOf, describeEnd, type Finished } from '../scripts/vaultProcess.ts';
import { ITEM, openScene, succeed, type Scene } from '../scripts/vaultScene.ts';

/** What somebody tries who can write the store, or a directory above it. */
describe('attacks on what is sealed, and to whom', () => {
  let scene: Scene;

  before(async () => {
    scene = await openScene();
    await succeed(scene.createIam());
    await scene.save();
  });
  beforeEach(() => scene.reset());
  after(() => scene.close());

  const bag = (name: string): string => join(scene.repository, 'data_bags', 'vault', name);
  const removeItem = async (): Promise<void> => {
    for (const name of [`${ITEM.item}.json`, `${ITEM.item}_keys.json`]) await rm(bag(name));
  };
  const code = (end: Finished): unknown => (JSON.parse(end.stdout) as { error?: { code: string } }).error?.code;

  /** Puts another key in place of the node's, as whoever writes clients/ can. */
  const replaceNodeKey = async (): Promise<void> => {
    const made = await succeed(scene.vault('key', 'generate', '--output', join(scene.directory, 'config', 'mallory'), '--json'));
    const { public_key } = JSON.parse(made.stdout) as { public_key: string };
    await writeFile(join(scene.repository, 'clients', 'files01.json'), JSON.stringify({ name: 'files01', public_key }));
  };

  test('an item that is gone is not quietly made anew', async () => {
    await removeItem();
    const end = await scene.createIam('--yes');
    assert.equal(end.exitCode, 5, describeEnd(end));
    assert.deepEqual(codesOf(end), ['item-missing']);
  });

  test('an item that is made anew counts on, so that its earlier self is refused', async () => {
    const old = await Promise.all([`${ITEM.item}.json`, `${ITEM.item}_keys.json`].map((name) => readFile(bag(name))));
    await removeItem();
    await succeed(scene.createIam('--yes', '--recreate'));
    const fresh = join(scene.directory, 'state', 'fresh');
    const now = await credentialsIn(scene, scene.node, fresh);
    assert.deepEqual(now, await credentialsIn(scene, scene.admin, stateOf(scene)));
    await writeFile(bag(`${ITEM.item}.json`), old[0] ?? '');
    await writeFile(bag(`${ITEM.item}_keys.json`), old[1] ?? '');
    await assert.rejects(credentialsIn(scene, scene.node, fresh), { code: 'generation-rollback' });
  });

  test('a changed node key is not sealed to by way of an item that is new', async () => {
    await replaceNodeKey();
    const file = scene.iamFiles[0] ?? assert.fail();
    const document = JSON.parse(await readFile(join(scene.repository, file), 'utf8')) as object;
    await writeFile(join(scene.repository, 'iam-json-data', 'other.json'), JSON.stringify({ ...document, user: 'other', group: 'other' }));
    const end = await scene.vault('create', 'iam', 'iam-json-data/other.json', '--json', '--yes');
    assert.equal(end.exitCode, 5, describeEnd(end));
    assert.equal(code(end), 'key-changed');
    const { accounts: [account] } = scene.server.sandbox.summary();
    assert.equal(account?.users.some(({ name }) => name === 'other'), false);
  });

  test('nothing is sealed to a roster that was never trusted here, unless it is named', async () => {
    const elsewhere = { XDG_STATE_HOME: join(scene.directory, 'state', 'elsewhere') };
    const end = await scene.start(scene.createArguments(), { variables: elsewhere }).finished;
    assert.equal(end.exitCode, 5, describeEnd(end));
    assert.equal(code(end), 'roster-untrusted');
    const { error } = JSON.parse(end.stdout) as { error: { fingerprint: string } };
    await succeed(scene.start(scene.createArguments('--pin', error.fingerprint), { variables: elsewhere }).finished);
  });

  test('vault init does not forget a roster that was trusted', async () => {
    await rm(join(scene.repository, 'vault.json'));
    await rename(join(scene.repository, 'trust'), join(scene.repository, 'trust-aside'));
    const end = await scene.vault('init', '.', '--admin', 'mallory', '--json');
    assert.equal(end.exitCode, 5, describeEnd(end));
    assert.equal(code(end), 'roster-rollback');
  });

  test('what is written does not follow a link out of the repository', async () => {
    const outside = join(scene.directory, 'outside');
    await rename(join(scene.repository, 'nodes'), outside);
    await symlink(outside, join(scene.repository, 'nodes'));
    const { public_key } = JSON.parse((await succeed(scene.vault('key', 'generate', '--output', join(scene.directory, 'config', 'new01'), '--json'))).stdout) as { public_key: string };
    const end = await scene.vault('node', 'add', 'new01', '--key', public_key, '--json');
    assert.equal(end.exitCode, 7, describeEnd(end));
    await assert.rejects(readFile(join(outside, 'new01.json')));
  });
});
