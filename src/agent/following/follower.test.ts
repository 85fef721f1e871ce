import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { VaultError } from '../../errors.ts';
import { asRecipient, bob, carol, db, forge, rosterOf, signedRoster, stranger, web } from '../../items/example.testing.ts';
import { parseKeys, type ItemDocuments } from '../../items/model.ts';
import { recipientNames, recipientsDigest } from '../../items/recipients.ts';
import { digestOf, utf8 } from '../../sealing/encoding.ts';
import { rosterDigest } from '../../trust/roster.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Source } from '../source.ts';
import { alice, assertFollowed, count, example, first, followScene, ref, repository, type Followed, type FollowScene } from './scene.testing.ts';

const other = { vault: 'vault', item: 'other' } as const;
const two = rosterOf(2, [alice, bob], 1, repository);

async function refreshed(followed: Followed, ...expected: Parameters<typeof assertFollowed> extends [Followed, ...infer R] ? R : never): Promise<void> {
  await followed.follower.refresh();
  assertFollowed(followed, ...expected);
}

describe('what fails verification', () => {
  const bad: Readonly<Record<string, readonly [string, () => ItemDocuments]>> = {
    'signed by a stranger': ['signer-unknown', () => example({ generation: 3, signer: stranger })],
    'signed with a stranger\'s key under an admin\'s name': ['signature-invalid', () => forge(example({ generation: 3 }), { signer: stranger })],
    'older than what was seen': ['generation-rollback', () => example({ generation: 1 })],
    'of another repository': ['repository-mismatch', () => example({ generation: 3, repository: rosterDigest(two) })],
    'another item\'s files': ['document-invalid', () => example({ generation: 3, item: 'other' })],
    'the item of another generation': ['item-digest-mismatch', () => ({ keys: example({ generation: 3 }).keys, item: example().item })],
    'truncated': ['document-invalid', () => ({ keys: example({ generation: 3 }).keys.subarray(0, 200), item: example().item })],
    'empty': ['document-invalid', () => ({ keys: new Uint8Array(), item: new Uint8Array() })],
    'no longer sealed to this node': ['not-a-recipient', () => example({ generation: 3, recipients: [asRecipient('admin', alice), asRecipient('client', db)] })],
    'one of its fields cannot be opened': ['field-unopenable', () => {
      const good = example({ generation: 3, fields: { data: 'x', broken: 'y' } });
      const broken = forge(good, { item: ({ fields }) => ({ fields: { ...fields, broken: fields['data'] ?? assert.fail() } }) });
      return forge(broken, { header: { item_digest: digestOf(broken.item) } });
    }],
  };
  for (const [what, [code, make]] of Object.entries(bad)) {
    test(`is not handed on, and the last good one stays: ${what}`, async (t) => {
      const scene = await followScene(t);
      await scene.replace(example({ generation: 2 }));
      const followed = await scene.begin();
      assertFollowed(followed, 2, undefined);
      await writeBoth(scene, make());
      await refreshed(followed, 2, code);
      await refreshed(followed, 2, code);
      assert.equal(count(followed, 'item-failed'), 1, 'told once');
      // After a start, with and without the source.
      assertFollowed(await scene.begin({ source: null }), 2, undefined);
      assertFollowed(await scene.begin(), 2, code);
      await writeBoth(scene, example({ generation: 4 }));
      await refreshed(followed, 4, undefined);
      assert.deepEqual(followed.generations, [2, 4]);
      assert.equal(count(followed, 'item-recovered'), 1);
    });
  }

  test('an older generation is refused also where the newer one could not be opened', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example({ generation: 2 }));
    const followed = await scene.begin();
    await writeBoth(scene, example({ generation: 3, recipients: [asRecipient('admin', alice)] }));
    await refreshed(followed, 2, 'not-a-recipient');
    await writeBoth(scene, example({ generation: 2 }));
    await refreshed(followed, 2, 'generation-rollback');
  });

  test('an item that is gone, and one that never was', async (t) => {
    const scene = await followScene(t);
    const documents = example();
    await scene.replace(documents);
    const followed = await scene.begin({ refs: [ref, other] });
    await rm(join(scene.store.location, 'data_bags'), { recursive: true });
    await refreshed(followed, 1, 'item-missing');
    assert.equal(followed.follower.state(other)?.problem?.code, 'item-not-found');
    await scene.replace(documents);
    await refreshed(followed, 1, undefined);
    assert.deepEqual(followed.generations, [1], 'the same content is handed on once');
  });
});

describe('the roster', () => {
  test('is never trusted on first use', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example());
    const followed = await scene.begin({ pinned: rosterDigest(two) });
    assertFollowed(followed, undefined, undefined);
    assert.equal(followed.follower.sourceProblem?.code, 'roster-pin-mismatch');
  });

  test('a new admin signs, a former one does not, and all items are judged anew', async (t) => {
    const scene = await followScene(t);
    await scene.replace(example());
    const followed = await scene.begin();
    await scene.replace(example({ generation: 2, signer: bob }));
    await refreshed(followed, 1, 'signer-unknown');
    await scene.store.writeRoster(2, signedRoster(two, [alice]));
    await refreshed(followed, 2, undefined);
    await scene.store.writeRoster(3, signedRoster(rosterOf(3, [alice, carol], 1, rosterDigest(two)), [alice]));
    await refreshed(followed, 2, 'signer-unknown');
    await scene.replace(example({ generation: 3 }));
    await refreshed(followed, 3, undefined);
  });

  const rosters: Readonly<Record<string, readonly [string, (scene: FollowScene) => Promise<void>]>> = {
    'missing': ['roster-rollback', ({ store }) => rm(join(store.location, 'trust'), { recursive: true })],
    'rolled back': ['roster-rollback', ({ store }) => rm(join(store.location, 'trust', '2.json'))],
    'forked': ['roster-fork', ({ store }) => writeFile(join(store.location, 'trust', '2.json'), signedRoster(rosterOf(2, [alice, carol], 1, repository), [alice]))],
    'forged': ['roster-broken', ({ store }) => writeFile(join(store.location, 'trust', '3.json'), signedRoster(rosterOf(3, [stranger], 1, rosterDigest(two)), [stranger]))],
    'a page of a web server': ['document-invalid', ({ store }) => writeFile(join(store.location, 'trust', '3.json'), '<html>')],
    'gone with its folder': ['store-unreachable', ({ store }) => rm(store.location, { recursive: true })],
  };
  for (const [what, [code, damage]] of Object.entries(rosters)) {
    test(`stops the taking of anything new: ${what}`, async (t) => {
      const scene = await followScene(t);
      await scene.store.writeRoster(2, signedRoster(two, [alice]));
      await scene.replace(example());
      const followed = await scene.begin();
      await scene.replace(example({ generation: 2 }));
      await damage(scene);
      await refreshed(followed, 1, undefined);
      assert.equal(followed.follower.sourceProblem?.code, code);
      assertFollowed(await scene.begin(), 1, undefined);
      await rm(scene.store.location, { recursive: true, force: true });
      await scene.store.writeRoster(1, signedRoster(first, [alice]));
      await scene.store.writeRoster(2, signedRoster(two, [alice]));
      await scene.replace(example({ generation: 2 }));
      await refreshed(followed, 2, undefined);
      assert.equal(followed.follower.sourceProblem, undefined);
      assert.equal(count(followed, 'source-recovered'), 1);
    });
  }
});

describe('a source that does not answer', () => {
  const names = Array.from({ length: 20 }, (_, i): ItemRef => ({ vault: 'vault', item: `item${String(i)}` }));
  const unreachable = new VaultError('store-unreachable', 'down');

  /** Over the folder; `broken` items are not answered for. */
  function flaky(scene: FollowScene, broken: ReadonlySet<string>, asked: string[]): Source {
    return {
      location: 'flaky', pollMs: 3_600_000,
      async readItem({ vault, item }) {
        asked.push(item);
        if (broken.has(item)) throw unreachable;
        const documents = await scene.store.readItem({ vault, item });
        return documents === undefined ? { kind: 'absent' } : { kind: 'found', documents, version: undefined };
      },
      readRoster: (version) => scene.store.readRoster(version),
      follow: () => () => undefined,
    };
  }

  test('for some items keeps the others from nothing, however they are ordered', async (t) => {
    const scene = await followScene(t);
    for (const name of names) await scene.replace(example({ ...name }), name);
    const broken = new Set(names.slice(0, 8).map(({ item }) => item));
    const asked: string[] = [];
    const followed = await scene.begin({ source: flaky(scene, broken, asked), refs: names });
    assert.ok(asked.length < 10, 'what would wait only for the same is not asked for');
    const { follower } = followed;
    for (let round = 0; round < 3; round++) await follower.refresh();
    assert.deepEqual(names.filter((name) => follower.state(name)?.content === undefined).map(({ item }) => item), [...broken]);
    assert.equal(follower.sourceProblem, undefined);
    assert.ok(follower.states.some(({ problem }) => problem?.code === 'store-unreachable'));
    broken.clear();
    await follower.refresh();
    assert.ok(follower.states.every(({ content, problem }) => content !== undefined && problem === undefined));
  });

  test('an error of ours in one item does not keep the others from being looked at', async (t) => {
    const scene = await followScene(t);
    for (const name of [ref, other]) await scene.replace(example({ ...name }), name);
    const source = flaky(scene, new Set(), []);
    const followed = await scene.begin({
      refs: [ref, other],
      source: { ...source, readItem: (each, ...more) => (each.item === ref.item ? Promise.reject(new TypeError('a secret')) : source.readItem(each, ...more)) },
    });
    assertFollowed(followed, undefined, 'internal');
    assert.equal(followed.follower.state(other)?.content?.generation, 1);
    assert.doesNotMatch(String(followed.follower.state(ref)?.problem?.message), /secret/);
  });
});

test('documents are not held: an item with many recipients takes no more memory than another', async (t) => {
  const scene = await followScene(t);
  const many = manyRecipients(10_000);
  const names = Array.from({ length: 12 }, (_, i): ItemRef => ({ vault: 'vault', item: `item${String(i)}` }));
  const source: Source = {
    location: 'memory', pollMs: 3_600_000,
    readItem: ({ item }) => Promise.resolve({ kind: 'found', documents: many(item), version: item }),
    readRoster: (version) => scene.store.readRoster(version),
    follow: () => () => undefined,
  };
  const few = await scene.begin({ source, refs: names.slice(0, 1) });
  const before = await memoryInUse();
  const followed = await scene.begin({ source, refs: names });
  assert.ok(followed.follower.states.every(({ content }) => content !== undefined));
  assert.equal(few.generation(), 1);
  const grown = await memoryInUse() - before;
  assert.ok(grown < 6 << 20, `${String(names.length)} items of 2.5 MB each hold ${String(grown)} bytes`);
});

/** Bytes that are still in use after everything that can be freed was, some of which takes a turn of the event loop. */
async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 4; i++) {
    gc();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function manyRecipients(count: number): (item: string) => ItemDocuments {
  const fake = Array.from({ length: count }, (_, i) => ({ name: `node${String(i).padStart(6, '0')}`, fingerprint: digestOf(utf8(String(i))), sealed_key: 'A'.repeat(150) }));
  return (item) => {
    const small = example({ item, recipients: [asRecipient('admin', alice), asRecipient('client', web)] });
    const { admins, clients } = parseKeys(small.keys, 'keys');
    const all = [...fake, ...clients].sort((a, b) => (a.name < b.name ? -1 : 1));
    return forge(small, { keys: () => ({ clients: all }), header: { recipients_count: all.length + admins.length, recipients_digest: recipientsDigest(recipientNames({ admins, clients: all })) } });
  };
}

async function writeBoth(scene: FollowScene, { keys, item }: ItemDocuments): Promise<void> {
  const bag = join(scene.store.location, 'data_bags', ref.vault);
  await writeFile(join(bag, `${ref.item}.json`), item);
  await writeFile(join(bag, `${ref.item}_keys.json`), keys);
}
