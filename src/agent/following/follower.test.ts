import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { generateSeed, identityFromSeed } from '../../sealing/identity.ts';
import type { Source } from '../source.ts';
import { openFollower } from './follower.ts';
import type { Memory } from './memory.ts';

test('a follower whose source hangs is overdue; one that waits to ask again is not', async () => {
  const memory: Memory = {
    cache: { readItem: () => Promise.resolve(undefined), readRoster: () => Promise.resolve(undefined) },
    pin: () => Promise.resolve(undefined), seen: () => Promise.resolve(0), keepRoster: () => Promise.resolve(), keepItem: () => Promise.resolve(), problem: undefined,
  };
  for (const hangs of [true, false]) {
    const readRoster: Source['readRoster'] = (_version, signal) => (hangs ? new Promise((_, reject) => { signal.addEventListener('abort', () => { reject(new Error('aborted')); }); }) : Promise.resolve(undefined));
    const source: Source = { location: 'x', pollMs: 60_000, readRoster, readItem: () => Promise.resolve({ kind: 'absent' }), follow: () => () => undefined };
    const follower = openFollower({ roster: 'r', source, identity: identityFromSeed(generateSeed()), memory, refs: [], report: () => undefined, now: () => new Date() }, () => undefined);
    follower.start();
    await delay(5);
    assert.equal(follower.overdueMs > 0, hangs);
    await follower.stop();
  }
});
