// Following items in etcd: through lost members, compaction, and an etcd that was put back.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { VaultError } from '../../src/errors.ts';
import { example, ref } from '../../src/items/example.testing.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import type { ItemRef } from '../../src/sealing/dataKey.ts';
import { startEtcd, untilHealthy } from '../scripts/etcdCluster.ts';

const other: ItemRef = { vault: 'vault', item: 'other' };
const unwatched: ItemRef = { vault: 'vault', item: 'unwatched' };

/** What a follower was told: names of items, `roster`, `*` for anything, and `!` and `ok` for its connection. */
function follow(t: TestContext, store: EtcdStore, refs: readonly ItemRef[]): { readonly told: string[]; until(event: string): Promise<void> } {
  const told: string[] = [];
  let wake = (): void => undefined;
  const tell = (...events: string[]): void => {
    told.push(...events);
    wake();
  };
  t.after(store.follow(refs, {
    item({ item }) { tell(item); },
    roster() { tell('roster'); },
    anew() { tell('*'); },
    problem(problem: VaultError | undefined) { tell(problem === undefined ? 'ok' : '!'); },
  }));
  return {
    told,
    async until(event) {
      while (!told.includes(event)) await new Promise<void>((resolve) => { wake = resolve; });
    },
  };
}

function open(t: TestContext, endpoints: readonly string[]): EtcdStore {
  const store = openEtcdStore('/here', { endpoints, prefix: '/iam-vault/watched/' });
  t.after(() => { store.close(); });
  return store;
}

test('each change is told once, and what is not followed is not', { timeout: 60_000 }, async (t) => {
  const etcd = await startEtcd();
  t.after(() => etcd.close());
  const store = open(t, etcd.endpoints);
  const { told, until } = follow(t, store, [ref, other]);
  await until('*');
  for (let generation = 1; generation <= 3; generation++) {
    told.length = 0;
    const began = Date.now();
    await store.writeItem(unwatched, example({ ...unwatched, generation }), generation - 1);
    await store.writeItem(ref, example({ generation }), generation - 1);
    await until(ref.item);
    await store.writeItem(other, example({ ...other, generation }), generation - 1);
    await until(other.item);
    assert.deepEqual(told, [ref.item, other.item]);
    assert.ok(Date.now() - began < 5000);
  }
  told.length = 0;
  await store.removeItem(other, 3);
  await until(other.item);
  await store.writeRoster(1, new TextEncoder().encode('roster'));
  await until('roster');
  assert.deepEqual(told, [other.item, 'roster']);

  // Down for a moment: what happened is told, and nothing else is.
  told.length = 0;
  await etcd.members[0]?.kill();
  await until('!');
  await etcd.members[0]?.start();
  await untilHealthy(etcd);
  await until('ok');
  await store.writeItem(ref, example({ generation: 4 }), 3);
  await until(ref.item);
  assert.deepEqual(told, ['!', 'ok', ref.item]);

  // Down while all was forgotten that could be told: one look at everything.
  told.length = 0;
  await etcd.members[0]?.kill();
  await until('!');
  const place = await mkdtemp(join(tmpdir(), 'vault-etcd-'));
  t.after(() => rm(place, { recursive: true, force: true }));
  const data = join(etcd.directory, 'm0');
  const twin = await startEtcd({ data });
  await open(t, twin.endpoints).writeItem(ref, example({ generation: 5 }), 4);
  const [status] = JSON.parse(await twin.etcdctl('endpoint', 'status', '-w', 'json')) as [{ Status: { header: { revision: number } } }];
  await twin.etcdctl('compact', String(status.Status.header.revision));
  await Promise.all(twin.members.map((member) => member.kill()));
  await etcd.members[0]?.start();
  await untilHealthy(etcd);
  await until('*');
  assert.deepEqual(told, ['!', 'ok', '*']);
  await twin.close();
});

test('an etcd that was put back to an older state is looked at as a whole', { timeout: 60_000 }, async (t) => {
  const place = await mkdtemp(join(tmpdir(), 'vault-etcd-'));
  t.after(() => rm(place, { recursive: true, force: true }));
  const etcd = await startEtcd();
  t.after(() => etcd.close());
  const store = open(t, etcd.endpoints);
  const { told, until } = follow(t, store, [ref]);
  await until('*');
  await etcd.etcdctl('snapshot', 'save', join(place, 'snapshot'));
  for (let generation = 1; generation <= 5; generation++) await store.writeItem(ref, example({ generation }), generation - 1);
  told.length = 0;
  await etcd.members[0]?.kill();
  await rm(join(etcd.directory, 'm0'), { recursive: true });
  await etcd.etcdctl('snapshot', 'restore', join(place, 'snapshot'), '--data-dir', join(etcd.directory, 'm0'), '--name', 'm0', ...etcd.bootstrap);
  await etcd.members[0]?.start();
  await untilHealthy(etcd);
  await until('*');
  told.length = 0;
  await store.writeItem(ref, example(), 0);
  await until(ref.item);
  assert.deepEqual(told.filter((each) => each !== 'ok'), [ref.item]);
});

test('three members: whichever is killed or cut off, no change goes untold', { timeout: 120_000 }, async (t) => {
  const etcd = await startEtcd({ members: 3 });
  t.after(() => etcd.close());
  const store = open(t, etcd.endpoints);
  // Ten followers, spread over the members by chance.
  const followers = Array.from({ length: 10 }, () => follow(t, open(t, etcd.endpoints), [ref, other]));
  await Promise.all(followers.map(({ until }) => until('*')));
  let generation = 0;
  const change = async (): Promise<void> => {
    for (const each of followers) each.told.length = 0;
    await store.writeItem(ref, example({ generation: generation + 1 }), generation++);
    await Promise.all(followers.map(({ until }) => until(ref.item)));
  };
  await change();
  for (const member of etcd.members) {
    await member.kill();
    await change();
    await member.start();
    await untilHealthy(etcd);
    await change();
  }
  // It answers nothing, and closes nothing.
  etcd.members[1]?.signal('SIGSTOP');
  await change();
  etcd.members[1]?.signal('SIGCONT');
  await change();
  for (const { told } of followers) assert.deepEqual(told.filter((each) => each === '*'), [], 'nobody had to look at everything');
});
