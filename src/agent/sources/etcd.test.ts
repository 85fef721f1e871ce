import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { FollowListener, LiveReply, LiveStore, ToldHead } from '../../stores/live.ts';
import { etcdSource } from './etcd.ts';

const ref: ItemRef = { vault: 'vault', item: 'db' };
const audience: ItemRef = { vault: 'vault', item: 'audience-00000000000000000000000000000000' };
const documents = { item: new Uint8Array(), keys: new Uint8Array() };
const { signal } = new AbortController();

function fake(): { store: LiveStore; asked: string[]; state: { now: number; written: number }; listener: () => FollowListener } {
  const asked: string[] = [];
  const state = { now: 10, written: 5 };
  let listener: FollowListener | undefined;
  return {
    asked, state,
    listener: () => listener ?? assert.fail(),
    store: {
      location: 'here',
      readItemAs({ item }, _, known, told?: ToldHead): Promise<LiveReply> {
        asked.push(told === undefined ? item : `told ${String(told.revision)}`);
        const at = told?.revision ?? state.now;
        const revision = told?.revision ?? state.written;
        return Promise.resolve(known === revision ? { kind: 'unchanged', at } : { kind: 'found', documents, revision, at });
      },
      readRosterAt(version) {
        asked.push(`roster ${String(version)}`);
        return Promise.resolve({ bytes: version === 1 ? new Uint8Array() : undefined, at: state.now });
      },
      follow(_, next) {
        listener = next;
        return () => { listener = undefined; };
      },
      close: () => undefined,
    },
  };
}

test('what the watch vouches for is not asked for; what it told is taken as it was told', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { store, asked, state, listener } = fake();
  let time = 0;
  const source = etcdSource({ store, reader: 'x', pollMs: 1000, clock: () => time });
  const looks: string[] = [];
  const end = source.follow([ref], (refs) => { looks.push(refs?.map(({ item }) => item).join() ?? '*'); });
  const took = (): string[] => asked.splice(0);

  // Before it is followed, and read before that: asked again.
  const first = await source.readItem(ref, undefined, signal);
  assert.ok(first.kind === 'found' && first.version === '5');
  listener().anew(11);
  assert.deepEqual(looks.splice(0), ['*'], 'the first look is at once');
  state.now = 11;
  assert.equal((await source.readItem(ref, '5', signal)).kind, 'unchanged');
  for (const version of [1, 2]) await source.readRoster(version, signal);
  assert.deepEqual(took(), ['db', 'db', 'roster 1', 'roster 2']);
  assert.equal((await source.readItem(ref, '5', signal)).kind, 'unchanged');
  for (const version of [1, 2]) await source.readRoster(version, signal);
  assert.deepEqual(took(), []);
  // What is not followed is asked for, and so is what a new roster judges anew.
  for (let i = 0; i < 2; i++) await source.readItem(audience, '5', signal);
  assert.equal((await source.readItem(ref, undefined, signal)).kind, 'found');
  assert.deepEqual(took(), [audience.item, audience.item, 'db']);

  listener().item(ref, 12, new Uint8Array());
  const told = await source.readItem(ref, '5', signal);
  assert.ok(told.kind === 'found' && told.version === '12');
  assert.equal((await source.readItem(ref, '12', signal)).kind, 'unchanged');
  assert.deepEqual([took(), looks.splice(0)], [['told 12'], ['db']]);

  // A round asks for the roster; and once in a while for everything.
  time = 900;
  await source.readRoster(1, signal);
  time = 14_000;
  state.written = 12;
  await source.readItem(ref, '12', signal);
  assert.deepEqual(took(), ['roster 1', 'db']);

  // Without a connection everything is asked for. What was forgotten meanwhile: one look at everything, after a while.
  listener().problem(undefined);
  assert.deepEqual(looks.splice(0), ['']);
  listener().anew(20);
  listener().roster(21);
  listener().anew(22);
  assert.deepEqual(looks, []);
  t.mock.timers.tick(10_000);
  assert.deepEqual(looks, ['*']);
  await source.readItem(ref, '12', signal);
  assert.deepEqual(took(), ['db']);
  end();
  const over = AbortSignal.abort();
  await assert.rejects(source.readItem(ref, '12', over), { code: 'interrupted' });
});
