// Two runs of `vault create iam` at once, and runs that a person interrupts.
import assert from 'node:assert/strict';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CreateUserCommand } from '@aws-sdk/client-iam';
import { parseRoster, rosterDigest } from '../../src/trust/roster.ts';
import { startAndHold } from '../scripts/killPoints.ts';
import { assertInPlace, assertNothingLeftOver, keysOf, stateOf } from '../scripts/vaultChecks.ts';
import { codesOf, describeEnd, type Finished } from '../scripts/vaultProcess.ts';
import { openScenes, succeed, USER, type Scene, type Scenes } from '../scripts/vaultScene.ts';

const AT_ONCE = 2;

const countOf = ({ server }: Scene, action: string): number => server.sandbox.calls().filter((call) => call.action === action).length;

/** Resolves once the sandbox holds `count` calls. */
async function waitUntilHeld({ server: { sandbox } }: Scene, count: number): Promise<void> {
  const patience = AbortSignal.timeout(30_000);
  while ((await sandbox.waitForHeld(patience)).length < count) {
    patience.throwIfAborted();
    await delay(10);
  }
}

/** Where the second of two operators keeps the state. */
const otherState = (scene: Scene): string => join(scene.directory, 'state', 'other');

/** Two operators' runs of one repository, with a state directory each. The second has never seen its roster, and names it. */
async function startBoth(scene: Scene): Promise<Finished[]> {
  const { roster } = parseRoster(await readFile(join(scene.repository, 'trust', '1.json')), 'trust/1.json');
  const args = scene.createArguments('--pin', rosterDigest(roster));
  return await Promise.all( [scene.start(args).finished, scene.start(args, { variables: { VAULT_STATE_DIR: otherState(scene) } }).finished]);
}

describe('create iam, run twice at once', { concurrency: AT_ONCE }, () => {
  let scenes: Scenes;
  before(async () => { scenes = await openScenes(AT_ONCE, () => Promise.resolve()); });
  after(() => scenes.close());
  const inScene = (work: (scene: Scene) => Promise<void>) => (): Promise<void> => scenes.use(work);

  it('by one operator: the second waits, and finds all done', inScene(async (scene) => {
    await Promise.all([succeed(scene.createIam()), succeed(scene.createIam())]);
    assert.equal(countOf(scene, 'CreateAccessKey'), 1);
    await assertInPlace(scene);
  }));

  it('by two operators who get a key each: one stores it, the other deletes it again', inScene(async (scene) => {
    scene.server.sandbox.setFaults({ hold: [{ action: 'CreateAccessKey', call: 1 }, { action: 'CreateAccessKey', call: 2 }] });
    const runs = startBoth(scene);
    await waitUntilHeld(scene, 2);
    assert.equal(keysOf(scene).length, 2);
    scene.server.sandbox.release();
    const ends = await runs;
    assert.deepEqual(ends.map(({ exitCode }) => exitCode).sort(), [0, 7]);
    assert.deepEqual(ends.flatMap(codesOf).filter((code) => code !== undefined), ['store-conflict']);
    await assertInPlace(scene, { states: [stateOf(scene), otherState(scene)], printed: ends });
  }));

  for (const round of [1, 2, 3]) {
    it(`by two operators, as it happens (${String(round)})`, inScene(async (scene) => {
      const ends = await startBoth(scene);
      // One of them may lose at any step; nothing of it stays, and running it again is all there is to do.
      for (const end of ends) assert.ok(end.exitCode === 0 || codesOf(end).join() === 'store-conflict', describeEnd(end));
      assert.ok(ends.some(({ exitCode }) => exitCode === 0));
      await assertInPlace(scene, { states: [stateOf(scene), otherState(scene)], printed: ends });
      for (const end of await startBoth(scene)) assert.equal(end.exitCode, 0, describeEnd(end));
      await assertInPlace(scene);
    }));
  }

  it('leaves a user alone that somebody else makes at the same moment', inScene(async (scene) => {
    scene.server.sandbox.setFaults({ hold: [{ action: 'CreateUser', when: 'before' }] });
    const run = scene.createIam();
    await waitUntilHeld(scene, 1);
    const iam = scene.operator();
    await iam.send(new CreateUserCommand({ UserName: USER }));
    iam.destroy();
    scene.server.sandbox.release();
    const end = await run;
    assert.equal(end.exitCode, 6, describeEnd(end));
    assert.deepEqual(codesOf(end), ['iam-user-not-ours']);
    const user = scene.server.sandbox.summary().accounts[0]?.users.find(({ name }) => name === USER);
    assert.deepEqual(user, { name: USER, path: '/', tags: {}, groups: [] });
    assert.deepEqual(keysOf(scene), []);
    await assertNothingLeftOver(scene);
  }));
});

describe('create iam, interrupted', { concurrency: AT_ONCE }, () => {
  let scenes: Scenes;
  before(async () => { scenes = await openScenes(AT_ONCE, () => Promise.resolve()); });
  after(() => scenes.close());
  const inScene = (work: (scene: Scene) => Promise<void>) => (): Promise<void> => scenes.use(work);

  function assertInterrupted(end: Finished): void {
    assert.equal(end.exitCode, 1, describeEnd(end));
    assert.deepEqual(codesOf(end), ['interrupted'], describeEnd(end));
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    for (const [action, number, when] of [
      ['GetUser', 1, 'before'], ['CreateUser', 1, 'after'], ['CreateAccessKey', 1, 'before'], ['CreateAccessKey', 1, 'after'],
      ['GetCallerIdentity', 2, 'after'],
    ] as const) {
      it(`by ${signal}, ${when} ${action} is carried out`, inScene(async (scene) => {
        const { finished } = await startAndHold(scene, scene.createArguments(), { action, number, when }, signal);
        const end = await finished;
        assertInterrupted(end);
        scene.server.sandbox.setFaults({ hold: [] });
        const again = await succeed(scene.createIam());
        await assertInPlace(scene, { printed: [end, again] });
      }));
    }
  }

  it('while it waits for a new key to work', inScene(async (scene) => {
    scene.server.sandbox.setFaults({ propagationDelayMs: 3_600_000 });
    const { child, finished } = scene.start(scene.createArguments());
    const { sandbox } = scene.server;
    while (!sandbox.calls().some(({ outcome }) => outcome === 'InvalidClientTokenId')) await delay(10);
    child.kill('SIGTERM');
    assertInterrupted(await finished);
    sandbox.setFaults({ propagationDelayMs: 0 });
    await succeed(scene.createIam());
    await assertInPlace(scene);
  }));

  it('while it waits for another run', { skip: process.platform !== 'linux' && 'needs /proc, to see that it waits' }, inScene(async (scene) => {
    scene.server.sandbox.setFaults({ hold: [{ action: 'CreateAccessKey' }] });
    const first = scene.createIam();
    await waitUntilHeld(scene, 1);
    const { child, finished } = scene.start(scene.createArguments());
    while (!await hasOpen(child.pid, 'run.lock')) await delay(10);
    child.kill('SIGINT');
    assertInterrupted(await finished);
    scene.server.sandbox.release();
    await succeed(first);
    await assertInPlace(scene);
  }));
});

/** Whether a process has a file of this name open. */
async function hasOpen(pid: number | undefined, name: string): Promise<boolean> {
  const directory = `/proc/${String(pid)}/fd`;
  const files = await Promise.all((await readdir(directory)).map((fd) => readlink(join(directory, fd)).catch(() => '')));
  return files.some((file) => file.endsWith(`/${name}`));
}
