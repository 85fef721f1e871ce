import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateSeed, identityFromSeed } from '../../sealing/identity.ts';
import { openStateDirectory } from '../../state/stateDirectory.ts';
import type { Source } from '../source.ts';
import { openFollower } from './follower.ts';
import { openMemory } from './memory.ts';

test('a follower whose source hangs is overdue; one that waits to ask again is not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-overdue-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const hangs of [true, false]) {
    const memory = openMemory({ roster: 'r', report: () => undefined, state: openStateDirectory(join(folder, 'state')), witness: openStateDirectory(join(folder, 'witness')) });
    let asked: () => void = () => undefined;
    const wasAsked = new Promise<void>((resolve) => { asked = resolve; });
    const readRoster: Source['readRoster'] = (_version, signal) => {
      asked();
      return hangs ? new Promise((_, reject) => { signal.addEventListener('abort', () => { reject(new Error('aborted')); }); }) : Promise.resolve(undefined);
    };
    const source: Source = { location: 'x', pollMs: 60_000, readRoster, readItem: () => Promise.resolve({ kind: 'absent' }), follow: () => () => undefined };
    const follower = openFollower({ roster: 'r', source, identity: identityFromSeed(generateSeed()), memory, refs: [], report: () => undefined, now: () => new Date() }, () => undefined);
    if (hangs) {
      follower.start();
      await wasAsked;
    } else await follower.refresh();
    const before = performance.now();
    while (performance.now() === before); // The clock goes on.
    assert.equal(follower.overdueMs > 0, hangs);
    await follower.stop();
  }
});
