// `vault create iam` where AWS loses replies, throttles, refuses or is slow, and where files cannot be written.
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { codesOf, describeEnd, type Finished } from '../scripts/vaultProcess.ts';
import { assertInPlace, assertNothingLeftOver, keysOf, planOf, stateOf } from '../scripts/vaultChecks.ts';
import { ITEM, openScenes, succeed, USER, type Scene, type Scenes } from '../scripts/vaultScene.ts';

const AT_ONCE = 2;

/** The actions of one run for a new user, in order. */
const ACTIONS = ['GetCallerIdentity', 'GetUser', 'GetGroup', 'CreateGroup', 'PutGroupPolicy', 'CreateUser', 'AddUserToGroup', 'CreateAccessKey', 'GetCallerIdentity'] as const;

/** How often the sandbox was asked for something, whether it did it or not. */
function countOf({ server }: Scene, action: string): number {
  return server.sandbox.calls().filter((call) => call.action === action).length;
}

function assertFailed(end: Finished, exitCode: number, code: string): void {
  assert.equal(end.exitCode, exitCode, describeEnd(end));
  assert.deepEqual(codesOf(end), [code], describeEnd(end));
}

/** The state but for the times at which keys were used: reading uses one. */
function stateIn({ server }: Scene): unknown {
  return JSON.parse(JSON.stringify(server.sandbox.summary(), (key, value: unknown) => (key === 'lastUsedAt' ? undefined : value)));
}

/** Puts a directory where a file is to be written: unlike a mode, that stops root too. */
async function obstruct(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}

const obstructPending = ({ repository }: Scene): Promise<string> => obstruct(join(repository, 'data_bags', ITEM.vault, `..${ITEM.item}.pending.new`));

/** Asserts that a run that failed left no key and no journal behind, and that the next one, undisturbed, finishes. */
async function assertCleanAndFinish(scene: Scene): Promise<void> {
  assert.deepEqual(keysOf(scene), []);
  await assertNothingLeftOver(scene);
  await succeed(scene.createIam());
  await assertInPlace(scene);
}

describe('create iam, disturbed', { concurrency: AT_ONCE }, () => {
  let scenes: Scenes;
  before(async () => { scenes = await openScenes(AT_ONCE, () => Promise.resolve()); });
  after(() => scenes.close());
  const inScene = (work: (scene: Scene) => Promise<void>) => (): Promise<void> => scenes.use(work);

  for (const [i, action] of ACTIONS.entries()) {
    for (const fault of ['lostReply', 'beforeReply'] as const) {
      it(`ends well in one run: ${fault === 'lostReply' ? 'the reply is lost' : 'the connection breaks before anything is done'} at call ${String(i + 1)}, ${action}`, inScene(async (scene) => {
        scene.server.sandbox.setFaults({ [fault]: [{ action: '*', call: i + 1 }] });
        const end = await succeed(scene.createIam());
        assert.deepEqual(scene.server.sandbox.faults()[fault], [], 'the fault did not strike');
        await assertInPlace(scene, { printed: [end] });
      }));
    }
  }

  it('gives up, and leaves no key, where every reply to CreateAccessKey is lost', inScene(async (scene) => {
    scene.server.sandbox.setFaults({ lostReply: [1, 2, 3].map((call) => ({ action: 'CreateAccessKey', call })) });
    assertFailed(await scene.createIam(), 6, 'aws-unreachable');
    assert.equal(countOf(scene, 'CreateAccessKey'), 3);
    assert.equal(countOf(scene, 'DeleteAccessKey'), 3);
    await assertCleanAndFinish(scene);
  }));

  for (const action of ['CreateUser', 'CreateGroup']) {
    it(`tries again where ${action} says that it exists, and a look says that it does not`, inScene(async (scene) => {
      scene.server.sandbox.setFaults({ fail: [{ action, code: 'EntityAlreadyExists' }] });
      await succeed(scene.createIam());
      await assertInPlace(scene);
    }));

    it(`gives up, with no key made, where ${action} says so each time`, inScene(async (scene) => {
      scene.server.sandbox.setFaults({ fail: [{ action, code: 'EntityAlreadyExists', times: 100 }] });
      assertFailed(await scene.createIam(), 6, 'aws-refused');
      assert.equal(countOf(scene, 'CreateAccessKey'), 0);
      scene.server.sandbox.setFaults({ fail: [] });
      await assertCleanAndFinish(scene);
    }));
  }

  it('leaves nothing behind where IAM allows no key', inScene(async (scene) => {
    scene.server.sandbox.setFaults({ limits: { accessKeysPerUser: 0 } });
    assertFailed(await scene.createIam(), 6, 'aws-refused');
    assert.equal(countOf(scene, 'CreateAccessKey'), 1);
    scene.server.sandbox.setFaults({ limits: { accessKeysPerUser: 2 } });
    await assertCleanAndFinish(scene);
  }));

  it('makes a key beside one that somebody else made, and touches neither from then on', inScene(async (scene) => {
    await succeed(scene.createIam());
    const foreign = await scene.addForeignKey();
    await succeed(scene.createIam());
    await assertInPlace(scene, { foreign: [foreign] });
    assert.equal(countOf(scene, 'DeleteAccessKey'), 0);
  }));

  it('changes nothing where two keys that somebody else made leave no room', inScene(async (scene) => {
    await succeed(scene.createIam());
    const [own] = keysOf(scene);
    assert.ok(own);
    await scene.deleteKey(own.id);
    const foreign = [await scene.addForeignKey(), await scene.addForeignKey()];
    const state = stateIn(scene);
    assertFailed(await scene.createIam(), 6, 'iam-key-limit');
    assert.deepEqual(stateIn(scene), state);
    assert.deepEqual(keysOf(scene), foreign);
    await assertNothingLeftOver(scene);
    assert.deepEqual((await planOf(scene)).map(({ error }) => error?.code), ['iam-key-limit']);
  }));

  it('waits until a new key works', inScene(async (scene) => {
    scene.server.sandbox.setFaults({ propagationDelayMs: 1500 });
    await succeed(scene.createIam());
    const trials = scene.server.sandbox.calls().filter(({ action, number }) => action === 'GetCallerIdentity' && number > 1).map(({ outcome }) => outcome);
    assert.ok(trials.length > 1, trials.join());
    assert.equal(trials.pop(), 'ok');
    assert.deepEqual([...new Set(trials)], ['InvalidClientTokenId']);
    await assertInPlace(scene);
  }));

  it('does not wait with --no-verify', inScene(async (scene) => {
    scene.server.sandbox.setFaults({ propagationDelayMs: 3_600_000 });
    await succeed(scene.createIam('--no-verify'));
    assert.equal(countOf(scene, 'GetCallerIdentity'), 1);
    await assertInPlace(scene);
  }));

  it('deletes the key again where its item cannot be stored', inScene(async (scene) => {
    const obstacle = await obstructPending(scene);
    assertFailed(await scene.createIam(), 7, 'store-unreachable');
    assert.equal(countOf(scene, 'CreateAccessKey'), 1);
    assert.deepEqual(await readdir(join(scene.repository, 'data_bags', ITEM.vault)), [basename(obstacle)]);
    await rm(obstacle, { recursive: true });
    await assertCleanAndFinish(scene);
  }));

  it('says what went wrong first where the key cannot be deleted again either, and the next run deletes it', inScene(async (scene) => {
    const obstacle = await obstructPending(scene);
    scene.server.sandbox.setFaults({ fail: [{ action: 'DeleteAccessKey', code: 'AccessDenied' }] });
    assertFailed(await scene.createIam(), 7, 'store-unreachable');
    const [orphan, ...others] = keysOf(scene);
    assert.ok(orphan);
    assert.deepEqual(others, []);
    await rm(obstacle, { recursive: true });
    await succeed(scene.createIam());
    assert.ok(!keysOf(scene).some(({ id }) => id === orphan.id));
    await assertInPlace(scene);
  }));

  for (const [what, code, put] of [
    ['its files cannot be put in place', 'store-unreachable', (scene: Scene) => obstruct(join(scene.repository, 'data_bags', ITEM.vault, `.${ITEM.item}.json.new`))],
    ['its generation cannot be remembered', 'state-unwritable', async (scene: Scene) => {
      const obstacle = join(stateOf(scene), 'seen');
      await writeFile(obstacle, ''); // A file where a directory is to be made.
      return obstacle;
    }],
  ] as const) {
    it(`keeps the key where the item is stored and ${what}`, inScene(async (scene) => {
      const obstacle = await put(scene);
      assertFailed(await scene.createIam(), 7, code);
      const keys = keysOf(scene);
      assert.equal(keys.length, 1);
      await rm(obstacle, { recursive: true });
      await succeed(scene.createIam());
      assert.deepEqual(keysOf(scene), keys);
      await assertInPlace(scene);
    }));
  }

  it('makes no key where it cannot be written down first', inScene(async (scene) => {
    await succeed(scene.createIam()); // Makes the journal's directory.
    const [own] = keysOf(scene);
    assert.ok(own);
    await scene.deleteKey(own.id);
    const [repository] = await readdir(join(stateOf(scene), 'journal'));
    const [account] = scene.server.accounts;
    const obstacle = await obstruct(join(stateOf(scene), 'journal', repository ?? '', account?.id ?? '', `.${USER}.json.new`));
    assertFailed(await scene.createIam(), 7, 'state-unwritable');
    assert.equal(countOf(scene, 'CreateAccessKey'), 1);
    await rm(obstacle, { recursive: true });
    await assertCleanAndFinish(scene);
  }));
});

test('create iam for ten users where AWS throttles', async () => {
  const scenes = await openScenes(1, () => Promise.resolve(), { users: 10 });
  try {
    await scenes.use(async (scene) => {
      scene.server.sandbox.setFaults({ throttle: { ratePerSecond: 12, burst: 6 } });
      const end = await succeed(scene.createIam());
      assert.ok(scene.server.sandbox.calls().some(({ outcome }) => outcome === 'Throttling'));
      scene.server.sandbox.setFaults({ throttle: null });
      for (const user of scene.users) await assertInPlace(scene, { user, printed: [end] });
    });
  } finally {
    await scenes.close();
  }
});
