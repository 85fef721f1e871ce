/** What every store must do, run on each engine. What concerns one engine alone stands beside it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { isVaultError, VaultError, type ErrorCode } from '../../src/errors.ts';
import { example, ref, repository, roster } from '../../src/items/example.testing.ts';
import { parseKeys, type ItemDocuments } from '../../src/items/model.ts';
import { parseItemDocuments, verifyItem } from '../../src/items/verify.ts';
import type { ItemRef } from '../../src/sealing/dataKey.ts';
import { openEtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import type { Store } from '../../src/stores/store.ts';
import { startEtcd, type EtcdCluster } from '../scripts/etcdCluster.ts';

interface Engine {
  readonly name: string;
  /** An empty store, and another client of the same one. */
  open(t: TestContext): Promise<readonly [Store, Store]>;
}

async function folder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'vault-store-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

const engines: readonly Engine[] = [{
  name: 'file',
  async open(t) {
    const root = await folder(t);
    return [openFileStore(root), openFileStore(root)];
  },
}, etcd('etcd', 1), etcd('etcd of three members', 3)];

/** One etcd for all tests; each has a prefix of its own. */
function etcd(name: string, members: number): Engine {
  let starting: Promise<EtcdCluster> | undefined;
  let prefixes = 0;
  after(async () => { await (await starting)?.close(); });
  return {
    name,
    async open(t) {
      const { endpoints } = await (starting ??= startEtcd({ members }));
      const prefix = `/iam-vault/test-${String(prefixes++)}/`;
      // The second one prefers other members.
      const stores = [openEtcdStore('/here', { endpoints, prefix }), openEtcdStore('/there', { endpoints: [...endpoints].reverse(), prefix })] as const;
      t.after(() => { for (const store of stores) store.close(); });
      return stores;
    },
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);
const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const generationOf = (documents: ItemDocuments | undefined): number => (documents === undefined ? 0 : parseKeys(documents.keys, 'keys').header.generation);
const assertWhole = (documents: ItemDocuments | undefined): void => {
  assert.ok(documents !== undefined);
  verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration: 0 });
};
const same = (a: ItemDocuments | undefined, b: ItemDocuments): void => {
  assert.equal(text(a?.keys), text(b.keys));
  assert.equal(text(a?.item), text(b.item));
};

for (const engine of engines) {
  describe(`a store of the ${engine.name} engine`, () => {
    test('has nothing at first', async (t) => {
      const [store] = await engine.open(t);
      assert.equal(await store.readItem(ref), undefined);
      assert.deepEqual(await store.listItems(), []);
      assert.deepEqual(await store.listItems('vault'), []);
      assert.equal(await store.readRoster(1), undefined);
      assert.equal(await store.readInventory('nodes', 'a'), undefined);
      assert.deepEqual(await store.listInventoryNames('clients'), []);
      assert.equal(await store.removeInventory('nodes', 'a'), false);
    });

    test('keeps an item to the byte, for every client', async (t) => {
      const [store, other] = await engine.open(t);
      const [one, two] = [example(), example({ generation: 2 })];
      await store.requireFree(ref);
      await store.writeItem(ref, one, 0);
      await store.requireFree(ref);
      same(await other.readItem(ref), one);
      await other.writeItem(ref, two, 1);
      same(await store.readItem(ref), two);
    });

    test('replaces only the generation that is expected', async (t) => {
      const [store] = await engine.open(t);
      const [one, two] = [example(), example({ generation: 2 })];
      await assert.rejects(store.writeItem(ref, two, 1), failsWith('store-conflict'));
      assert.equal(await store.readItem(ref), undefined);
      await store.writeItem(ref, one, 0);
      for (const expected of [0, 2, 7]) {
        await assert.rejects(store.writeItem(ref, two, expected), (error) => {
          assert.ok(error instanceof VaultError && error.code === 'store-conflict');
          assert.equal(error.details['found'], 1);
          return true;
        });
      }
      same(await store.readItem(ref), one);
    });

    test('lets one of many writers through', async (t) => {
      const stores = await engine.open(t);
      const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => (stores[i % 2] ?? stores[0]).writeItem(ref, example(), 0)));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const each of outcomes) if (each.status === 'rejected') assert.ok(isVaultError(each.reason, 'store-conflict'));
      assertWhole(await stores[0].readItem(ref));
    });

    test('shows readers whole items while writers work', async (t) => {
      const [store, other] = await engine.open(t);
      await store.writeItem(ref, example(), 0);
      let writing = true;
      const write = async (): Promise<void> => {
        for (let generation = 2; generation <= 25; generation++) await store.writeItem(ref, example({ generation }), generation - 1);
        writing = false;
      };
      const read = async (): Promise<number> => {
        let seen = 0;
        for (let reads = 0; writing || reads === 0; reads++) {
          const documents = await other.readItem(ref);
          assertWhole(documents);
          const generation = generationOf(documents);
          assert.ok(generation >= seen, 'never an older one');
          seen = generation;
        }
        return seen;
      };
      await Promise.all([write(), read(), read()]);
      assert.equal(generationOf(await other.readItem(ref)), 25);
    });

    test('has nothing to finish where no write was cut off', async (t) => {
      const [store, other] = await engine.open(t);
      await store.finishItem(ref);
      assert.equal(await store.readItem(ref), undefined);
      const one = example();
      await store.writeItem(ref, one, 0);
      await other.finishItem(ref);
      await other.finishItems();
      same(await store.readItem(ref), one);
    });

    test('lists items by vault and name', async (t) => {
      const [store] = await engine.open(t);
      const refs: ItemRef[] = [{ vault: 'b', item: 'z' }, { vault: 'b', item: 'A.x' }, { vault: 'a', item: '-q' }, { vault: 'a', item: 'keys' }];
      for (const each of refs) await store.writeItem(each, example(each), 0);
      assert.deepEqual(await store.listItems(), [{ vault: 'a', item: '-q' }, { vault: 'a', item: 'keys' }, { vault: 'b', item: 'A.x' }, { vault: 'b', item: 'z' }]);
      assert.deepEqual(await store.listItems('b'), [{ vault: 'b', item: 'A.x' }, { vault: 'b', item: 'z' }]);
    });

    test('refuses names that are none', async (t) => {
      const [store] = await engine.open(t);
      for (const name of ['', '.', '..', '../x', 'a/b', '.hidden', 'a b', 'a\0', '__proto__', 'x'.repeat(129)]) {
        const documents = example();
        await assert.rejects(async () => await store.readItem({ vault: name, item: 'x' }), failsWith('name-invalid'), name);
        await assert.rejects(async () => await store.readItem({ vault: 'x', item: name }), failsWith('name-invalid'), name);
        await assert.rejects(async () => { await store.writeItem({ vault: 'x', item: name }, documents, 0); }, failsWith('name-invalid'), name);
        await assert.rejects(async () => await store.listItems(name), failsWith('name-invalid'), name);
        await assert.rejects(async () => await store.readInventory('nodes', name), failsWith('name-invalid'), name);
        await assert.rejects(async () => { await store.writeInventory('nodes', name, bytes('{}')); }, failsWith('name-invalid'), name);
        await assert.rejects(async () => await store.removeInventory('nodes', name), failsWith('name-invalid'), name);
      }
      await assert.rejects(async () => await store.readItem({ vault: 'x', item: 'y_keys' }), failsWith('name-invalid'));
    });

    test('writes a version of the roster once', async (t) => {
      const [store, other] = await engine.open(t);
      const outcomes = await Promise.allSettled([store.writeRoster(1, bytes('one')), other.writeRoster(1, bytes('two'))]);
      const reasons = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
      assert.equal(reasons.length, 1);
      assert.ok(isVaultError(reasons[0], 'store-conflict'));
      assert.ok(['one', 'two'].includes(text(await store.readRoster(1))));
      assert.equal(await other.readRoster(2), undefined);
    });

    test('removes the generation that is expected, and no other', async (t) => {
      const [store, other] = await engine.open(t);
      const one = example();
      await store.writeItem(ref, one, 0);
      for (const expected of [0, 2]) {
        await assert.rejects(other.removeItem(ref, expected), (error) => {
          assert.ok(error instanceof VaultError && error.code === 'store-conflict');
          assert.equal(error.details['found'], 1);
          return true;
        });
      }
      same(await store.readItem(ref), one);
      await other.removeItem(ref, 1);
      assert.equal(await store.readItem(ref), undefined);
      assert.deepEqual(await store.listItems(), []);
      assert.deepEqual(await store.readRaw(ref), {});
      await assert.rejects(store.removeItem(ref, 1), failsWith('store-conflict'));
      await store.writeItem(ref, one, 0);
      same(await other.readItem(ref), one);
    });

    test('lets one of many who remove or write through', async (t) => {
      const stores = await engine.open(t);
      await stores[0].writeItem(ref, example(), 0);
      const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => {
        const store = stores[i % 2] ?? stores[0];
        return i % 3 === 0 ? store.removeItem(ref, 1) : store.writeItem(ref, example({ generation: 2 }), 1);
      }));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const each of outcomes) if (each.status === 'rejected') assert.ok(isVaultError(each.reason, 'store-conflict'), String(each.reason));
    });

    test('shows what lies under a name as it is', async (t) => {
      const [store, other] = await engine.open(t);
      assert.deepEqual(await store.readRaw(ref), {});
      const one = example();
      await store.writeItem(ref, one, 0);
      const { item, keys } = await other.readRaw(ref);
      assert.deepEqual([text(item), text(keys)], [text(one.item), text(one.keys)]);
      assert.deepEqual(await store.listForeign(ref.vault), []);
      assert.deepEqual(await store.listForeign('nowhere'), []);
      for (const name of ['..', 'a/b']) {
        await assert.rejects(async () => await store.readRaw({ vault: name, item: 'x' }), failsWith('name-invalid'));
        await assert.rejects(async () => await store.listForeign(name), failsWith('name-invalid'));
        await assert.rejects(async () => { await store.removeItem({ vault: 'x', item: name }, 1); }, failsWith('name-invalid'));
      }
    });

    test('keeps proposals under their digests, and changes them one at a time', async (t) => {
      const [store, other] = await engine.open(t);
      const [a, b] = [repository, `${repository.startsWith('A') ? 'B' : 'A'}${repository.slice(1)}`];
      assert.deepEqual(await store.listProposals(), []);
      assert.equal(await store.readProposal(a), undefined);
      for (const digest of [a, b]) {
        await store.changeProposal(digest, (present) => {
          assert.equal(present, undefined);
          return bytes('0');
        });
      }
      assert.deepEqual(await other.listProposals(), [a, b].sort());
      const add = (present: Uint8Array | undefined): Uint8Array => bytes(String(Number(text(present)) + 1));
      await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? store : other).changeProposal(a, add)));
      assert.equal(text(await store.readProposal(a)), '12', 'no change is lost');
      await assert.rejects(store.changeProposal(a, () => { throw new VaultError('not-an-admin', 'no'); }), failsWith('not-an-admin'));
      assert.equal(text(await other.readProposal(a)), '12');
      await other.changeProposal(a, () => undefined);
      await other.changeProposal(a, (present) => present);
      assert.equal(await store.readProposal(a), undefined);
      assert.deepEqual(await store.listProposals(), [b]);
      assert.equal(await store.readRoster(1), undefined, 'no proposal is a roster');
      for (const digest of ['', '..', '../1', `${a}/`, `${a}x`]) {
        await assert.rejects(async () => await store.readProposal(digest), failsWith('proposal-not-found'), digest);
        await assert.rejects(async () => { await store.changeProposal(digest, () => bytes('x')); }, failsWith('proposal-not-found'), digest);
      }
    });

    test('keeps the inventory', async (t) => {
      const [store, other] = await engine.open(t);
      for (const name of ['n10', 'n2', 'N1', 'a.example.org']) await store.writeInventory('nodes', name, bytes(name));
      await store.writeInventory('nodes', 'n2', bytes('changed'));
      assert.deepEqual(await other.listInventoryNames('nodes'), ['N1', 'a.example.org', 'n10', 'n2']);
      const listed: string[] = [];
      for await (const document of other.listInventory('nodes')) listed.push(`${document.name}=${text(document.bytes)}`);
      assert.deepEqual(listed, ['N1=N1', 'a.example.org=a.example.org', 'n10=n10', 'n2=changed']);
      assert.deepEqual(await other.listInventoryNames('clients'), []);
      assert.equal(await other.removeInventory('nodes', 'n2'), true);
      assert.equal(await store.readInventory('nodes', 'n2'), undefined);
    });
  });
}
