import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { VaultError } from '../../errors.ts';
import { bob, rosterOf, signedRoster } from '../../items/example.testing.ts';
import { openStateDirectory, type StateDirectory } from '../../state/stateDirectory.ts';
import { alice, assertFollowed, count, example, followScene, ref, repository, type FollowScene } from './scene.testing.ts';

/** A state directory, and not the one in the runtime directory, that can be read and not written, as on a disk that is full. */
function full({ state }: FollowScene): (path: string) => StateDirectory {
  const fail = (): Promise<never> => Promise.reject(new VaultError('state-unwritable', 'full'));
  return (path) => (path === state ? { ...openStateDirectory(path), write: fail, locked: fail } : openStateDirectory(path));
}

/** As after the machine started: what is in memory is gone. */
const reboot = ({ runtime }: FollowScene): Promise<void> => rm(runtime, { recursive: true, force: true });

const itemFile = ({ state }: FollowScene): string => join(state, 'items', repository, ref.vault, `${ref.item}.json`);

describe('what the agent keeps', () => {
  test('is enough to start without a source, from a cold boot too', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example({ generation: 7 }));
    await scene.begin();
    assert.doesNotMatch(await readFile(join(scene.runtime, 'witness', 'items', repository, ref.vault, `${ref.item}.json`), 'utf8'), /"keys"/, 'what is on disk takes no memory');
    await reboot(scene);
    const cold = await scene.begin({ source: null });
    assertFollowed(cold, 7, undefined);
    assert.deepEqual([cold.follower.state(ref)?.from, cold.follower.trusted?.roster.version], ['cache', 1]);
  });

  test('is of the newest roster, whose older versions are not needed', async (t) => {
    const scene = await followScene(t);
    await scene.begin();
    await scene.store.writeRoster(2, signedRoster(rosterOf(2, [alice, bob], 1, repository), [alice]));
    await scene.replace(example({ signer: bob }));
    assertFollowed(await scene.begin(), 1, undefined);
    await reboot(scene);
    const cold = await scene.begin({ source: null });
    assert.equal(cold.follower.trusted?.roster.version, 2);
    assertFollowed(cold, 1, undefined);
  });

  test('goes by the roster that is pinned: another repository has nothing to do with it', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example());
    await scene.begin();
    assertFollowed(await scene.begin({ source: null, pinned: repository.replace(/^./, 'x') }), undefined, undefined);
    assertFollowed(await scene.begin({ source: null }), 1, undefined);
  });

  test('never lets a second process put back an older generation', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example({ generation: 1 }));
    const late = await scene.begin();
    await scene.replace(example({ generation: 5 }));
    await scene.begin();
    await scene.replace(example({ generation: 2 }));
    await late.follower.refresh(); // It saw 1; what is kept is 5.
    assertFollowed(await scene.begin({ source: null }), 5, undefined);
  });

  test('is no plaintext', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example());
    assertFollowed(await scene.begin(), 1, undefined);
    for (const root of [scene.state, scene.runtime]) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) assert.doesNotMatch(await readFile(join(entry.parentPath, entry.name), 'utf8'), /PLANTED/);
      }
    }
  });
});

describe('a state directory', () => {
  test('that was lost is noticed by the runtime directory, and nothing older is taken', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example({ generation: 3 }));
    await scene.begin();
    await rm(scene.state, { recursive: true });
    await scene.replace(example({ generation: 2 }));
    const followed = await scene.begin();
    assertFollowed(followed, undefined, 'generation-rollback');
    assert.equal(count(followed, 'warned'), 1);
    await scene.replace(example({ generation: 3 }));
    await followed.follower.refresh();
    assertFollowed(followed, 3, undefined);
    assertFollowed(await scene.begin({ source: null }), 3, undefined);
  });

  test('that was put back from a backup is noticed too, and what is in it is not served', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example({ generation: 1 }));
    await scene.begin();
    const backup = join(scene.root, 'backup');
    await cp(scene.state, backup, { recursive: true });
    await scene.replace(example({ generation: 2 }));
    await scene.begin();
    await rm(scene.state, { recursive: true });
    await cp(backup, scene.state, { recursive: true });
    const followed = await scene.begin({ source: null });
    assertFollowed(followed, undefined, 'generation-rollback');
    assert.equal(count(followed, 'warned'), 1);
    await followed.follower.refresh();
    assertFollowed(followed, 2, undefined);
    await reboot(scene); // From then on nobody can tell.
    assertFollowed(await scene.begin({ source: null }), 2, undefined);
  });

  test('that is damaged is as good as lost, is told, and is mended', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example({ generation: 2 }));
    await scene.begin();
    await writeFile(itemFile(scene), '{"generation":');
    const [rosterFile = ''] = (await readdir(join(scene.state, 'rosters'))).filter((name) => name.endsWith('.json'));
    await writeFile(join(scene.state, 'rosters', rosterFile), 'x');
    const offline = await scene.begin({ source: null });
    assert.equal(offline.stateProblem(), 'document-invalid');
    const followed = await scene.begin();
    assertFollowed(followed, 2, undefined);
    assert.equal(followed.stateProblem(), undefined);
    await reboot(scene);
    assertFollowed(await scene.begin({ source: null }), 2, undefined);
  });

  test('that is full or read-only stops nothing: the problem is told, and tried again in each round until it is over', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example({ generation: 2 }));
    await scene.begin();
    await scene.replace(example({ generation: 3 }));
    let isFull = true;
    const bad = full(scene);
    const openState = (path: string): StateDirectory => {
      const [good, failing] = [openStateDirectory(path), bad(path)];
      return { ...good, write: (...args) => (isFull ? failing : good).write(...args), locked: (...args) => (isFull ? failing : good).locked(...args) };
    };
    const followed = await scene.begin({ openState });
    assertFollowed(followed, 3, undefined);
    assert.equal(followed.stateProblem(), 'state-unwritable');
    await followed.follower.refresh();
    assert.equal(count(followed, 'state-failed'), 1, 'told once');
    // A start without a source, while the machine runs: the runtime directory has what the state directory has not.
    const again = await scene.begin({ source: null, openState });
    assertFollowed(again, 3, undefined);
    assert.equal(count(again, 'warned'), 0);

    isFull = false;
    await followed.follower.refresh();
    assert.equal(followed.stateProblem(), undefined);
    assert.deepEqual([count(followed, 'state-recovered'), followed.generations], [1, [2, 3]]);
    await reboot(scene);
    assertFollowed(await scene.begin({ source: null }), 3, undefined);
  });

  test('that cannot be, below a file, stops nothing either', async (t) => {
    const scene = await followScene(t);
    await writeFile(scene.state, '');
    await scene.replace(example());
    const followed = await scene.begin();
    assertFollowed(followed, 1, undefined);
    assert.equal(followed.stateProblem(), 'state-unwritable');
    assertFollowed(await scene.begin({ source: null }), 1, undefined);
  });

  test('may be without the runtime directory', async (t) => {
    const scene = await followScene(t);
    await mkdir(scene.runtime);
    await writeFile(join(scene.runtime, 'witness'), '');
    await scene.replace(example());
    const followed = await scene.begin();
    assertFollowed(followed, 1, undefined);
    assert.equal(followed.stateProblem(), undefined);
    assertFollowed(await scene.begin({ source: null }), 1, undefined);
  });
});

test('a follower that takes the place of another keeps what that had, and takes nothing older, though nothing could be kept', async (t) => {
  const scene = await followScene(t);
  await writeFile(scene.state, '');
  await writeFile(scene.runtime, '');
  await scene.replace(example({ generation: 4 }));
  const before = await scene.begin();
  await scene.replace(example({ generation: 3 }));
  const next = await scene.begin({ previous: before.follower });
  assertFollowed(next, 4, 'generation-rollback');
  assert.deepEqual(next.generations, []);
});
