// What concerns the etcd engine alone: how an item is divided, killed and late writers, premises, the size of requests.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isVaultError, VaultError, type ErrorCode } from '../../src/errors.ts';
import { example, ref } from '../../src/items/example.testing.ts';
import { parseKeys, type ItemDocuments } from '../../src/items/model.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { JOIN_KINDS } from '../../src/stores/joining.ts';
import { startEtcd, type EtcdCluster } from '../scripts/etcdCluster.ts';
import { largeItem, recipient } from '../scripts/largeItem.ts';

const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const same = (a: ItemDocuments | undefined, b: ItemDocuments): void => {
  for (const which of ['item', 'keys'] as const) assert.ok(a !== undefined && Buffer.compare(a[which], b[which]) === 0, which);
};

interface KeyValue { readonly key: string; readonly value?: string; readonly mod_revision: number }

describe('a store in etcd', () => {
  let etcd: EtcdCluster;
  let prefixes = 0;
  const opened: EtcdStore[] = [];
  before(async () => { etcd = await startEtcd(); });
  after(async () => {
    for (const store of opened) store.close();
    await etcd.close();
  });

  const open = (prefix: string): EtcdStore => {
    const store = openEtcdStore('/here', { endpoints: etcd.endpoints, prefix });
    opened.push(store);
    return store;
  };
  const newPrefix = (): string => `/iam-vault/test-${String(prefixes++)}/`;
  /** As etcdctl prints them: base64. */
  const stored = async (prefix: string): Promise<KeyValue[]> => (JSON.parse(await etcd.etcdctl('get', '--prefix', prefix, '-w', 'json')) as { kvs?: KeyValue[] }).kvs ?? [];
  const size = (kvs: readonly KeyValue[]): number => kvs.reduce((sum, { key, value = '' }) => sum + Buffer.from(key, 'base64').length + Buffer.from(value, 'base64').length, 0);
  const nameOf = ({ key }: KeyValue): string => Buffer.from(key, 'base64').toString();
  const parts = async (prefix: string): Promise<string[]> => (await stored(`${prefix}sealed/parts/`)).map(nameOf).sort();

  test('writes what changed: one of a thousand recipients costs one of many parts', async () => {
    const prefix = newPrefix();
    const store = open(prefix);
    const one = largeItem(1, 1, 1000);
    await store.writeItem(ref, one, 0);
    same(await store.readItem(ref), one);
    assert.ok(size(await stored(prefix)) > 200_000);

    const two = largeItem(2, 1, 1000, [recipient('another', 1)]);
    await store.writeItem(ref, two, 1);
    same(await store.readItem(ref), two);
    const now = await stored(prefix);
    const last = Math.max(...now.map(({ mod_revision }) => mod_revision));
    const written = now.filter(({ mod_revision }) => mod_revision === last);
    assert.ok(written.length <= 4 && size(written) < 16_000, `${String(written.length)} keys, ${String(size(written))} bytes`);

    // Everybody's entry is another; then the same as at first; then few.
    for (const [i, next] of [largeItem(3, 2, 1000), largeItem(4, 1, 1000), example({ generation: 5 })].entries()) {
      await store.writeItem(ref, next, i + 2);
      same(await store.readItem(ref), next);
    }
    assert.deepEqual(await parts(prefix), [], 'nothing is left of what was replaced');
  });

  test('gives back any bytes', async () => {
    const store = open(newPrefix());
    const { item, keys } = largeItem(1, 1, 40);
    const text = new TextDecoder().decode(keys);
    const strange: Uint8Array[] = [
      new Uint8Array(), new Uint8Array([0xff, 0xfe, 0]), bytes('\ufeff{}'), bytes('"'.repeat(5000)), new Uint8Array(1_700_000).fill(0x41), crypto.getRandomValues(new Uint8Array(60_000)),
      bytes(text.replaceAll('\n', '\r\n')), bytes(`\ufeff${text}`), bytes(text.slice(0, -3)), bytes(`${text}more`), bytes(text.replace('"clients"', '"Clients"')), bytes(text.replace('node-1.', 'nöde-1.')),
      Buffer.concat([keys.subarray(0, 3000), new Uint8Array([0xc3]), keys.subarray(3000)]), largeItem(1, 1, 31).keys, largeItem(1, 1, 32).keys,
    ];
    for (const [i, each] of strange.entries()) {
      const named = { vault: 'vault', item: `strange${String(i)}` };
      for (const documents of [{ item: each, keys }, { item, keys: each }]) {
        await store.writeItem({ ...named, item: `${named.item}${documents.keys === keys ? 'a' : 'b'}` }, documents, 0);
        same(await store.readItem({ ...named, item: `${named.item}${documents.keys === keys ? 'a' : 'b'}` }), documents);
      }
    }
    assert.equal((await store.listItems()).length, 2 * strange.length);
    await assert.rejects(store.writeItem(ref, { item, keys: new Uint8Array((64 << 20) + 1) }, 0), failsWith('input-too-large'));
  });

  test('many recipients with one key, and with keys that begin alike, are kept too', async () => {
    const store = open(newPrefix());
    const twin = recipient('twin', 1);
    for (const [i, count] of [30, 3000].entries()) {
      const documents = largeItem(i + 1, 1, 20, Array.from({ length: count }, (_, n) => ({ ...twin, name: `twin${String(n)}` })));
      await store.writeItem(ref, documents, i);
      same(await store.readItem(ref), documents);
    }
  });

  test('a writer may be killed anywhere; the next one clears up, and no reader does', async () => {
    const prefix = newPrefix();
    const store = open(prefix);
    const write = async (generation: number, kill: number): Promise<boolean> => {
      const child = spawn(process.execPath, ['--import', 'tsx', '--import', fileURLToPath(new URL('../scripts/killAtEtcdCall.mjs', import.meta.url)), fileURLToPath(new URL('../scripts/etcdWriter.ts', import.meta.url)), etcd.endpoints[0] ?? '', prefix, String(generation)],
        { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, KILL_AT_ETCD_CALL: String(kill) } });
      const [code, signal] = await once(child, 'exit') as [number | null, string | null];
      assert.ok(code === 0 || signal === 'SIGKILL');
      return code === 0;
    };
    let leftovers = 0;
    let generation = 1;
    await store.writeItem(ref, largeItem(1, 1), 0);
    for (let kill = 3, done = false; !done; kill += 3) {
      done = await write(generation + 1, kill);
      const documents = await store.readItem(ref);
      const found = parseKeys(documents?.keys ?? new Uint8Array(), 'keys').header.generation;
      assert.ok(found === generation || found === generation + 1);
      same(documents, largeItem(found, found));
      generation = found;
      const before = await parts(prefix);
      await store.readItem(ref);
      assert.deepEqual(await parts(prefix), before);
      const head = JSON.parse(Buffer.from((await stored(`${prefix}sealed/heads/`))[0]?.value ?? '', 'base64').toString()) as { stored: number };
      if (before.length > head.stored) leftovers++;
      await store.writeItem(ref, largeItem(generation + 1, generation + 1), generation++);
      const [after] = await stored(`${prefix}sealed/heads/`);
      assert.equal((await parts(prefix)).length, (JSON.parse(Buffer.from(after?.value ?? '', 'base64').toString()) as { stored: number }).stored, 'nothing is left over');
    }
    assert.ok(leftovers >= 2, String(leftovers));
    await store.removeItem(ref, generation);
    assert.deepEqual(await parts(prefix), []);
  });

  test('a late writer of parts loses, and spoils nothing', async () => {
    const prefix = newPrefix();
    const [store, other] = [open(prefix), open(prefix)];
    await store.writeItem(ref, largeItem(1, 1), 0);
    // While the late one is asked for its premises, another one writes twice: what it comes to is what the late one has.
    await assert.rejects(store.writeItem(ref, largeItem(2, 2), 1, async () => {
      if (parseKeys((await other.readItem(ref))?.keys ?? new Uint8Array(), 'keys').header.generation > 1) return;
      await other.writeItem(ref, largeItem(2, 3), 1);
      await other.writeItem(ref, largeItem(3, 2), 2);
    }), failsWith('store-conflict'));
    same(await other.readItem(ref), largeItem(3, 2));
    // One that was removed and made anew meanwhile is another, though its generation is the expected one.
    const late = { vault: 'vault', item: 'late' };
    let once = true;
    await store.writeItem(late, largeItem(1, 5), 0, async () => {
      if (!once) return;
      once = false;
      await other.writeItem(late, largeItem(1, 6), 0);
      await other.removeItem(late, 1);
    });
    same(await other.readItem(late), largeItem(1, 5));
  });

  test('what a writer goes by is asked again where it changed meanwhile, and where it did not, once', async () => {
    const prefix = newPrefix();
    const [store, other] = [open(prefix), open(prefix)];
    await other.writeInventory('clients', 'a', bytes('key'));
    const disturbances: Readonly<Record<string, () => Promise<unknown>>> = {
      removed: () => other.removeInventory('clients', 'a'),
      changed: () => other.writeInventory('clients', 'b', bytes('another')),
      roster: () => other.writeRoster(1, bytes('roster')),
    };
    await other.writeInventory('clients', 'b', bytes('key'));
    for (const [name, disturb] of Object.entries(disturbances)) {
      let asked = 0;
      await assert.rejects(store.writeItem(ref, example(), 0, async () => {
        if (++asked === 1) await disturb();
        else throw new VaultError('store-conflict', name);
      }), failsWith('store-conflict'), name);
      assert.equal(await store.readItem(ref), undefined, name);
    }
    let asked = 0;
    await store.writeItem(ref, example(), 0, async () => {
      asked++;
      await other.writeInventory('clients', 'new', bytes('key'));
      await other.writeInventory('clients', 'b', bytes('another')); // As it is.
      await other.writeInventory('nodes', 'a', bytes(String(asked)));
      assert.equal(await other.removeInventory('clients', 'nobody'), false);
    });
    assert.equal(asked, 1);
  });

  test('lists many documents, small and large, page by page', async () => {
    const store = open(newPrefix());
    const names = Array.from({ length: 400 }, (_, i) => `n${String(i).padStart(4, '0')}`);
    await Promise.all(names.map((name) => store.writeInventory('nodes', name, bytes(name))));
    for (const name of ['n0003', 'n0200', 'n0399']) await store.writeInventory('nodes', name, new Uint8Array(1_300_000).fill(0x61));
    const found: string[] = [];
    for await (const { name } of store.listInventory('nodes')) found.push(name);
    assert.deepEqual(found, names);
    assert.deepEqual(await store.listInventoryNames('nodes'), names);
    await assert.rejects(store.writeInventory('nodes', 'large', new Uint8Array(1_500_000)), failsWith('input-too-large'));
  });

  test('what somebody else put under the prefix is told, or passed over', async () => {
    const prefix = newPrefix();
    const store = open(prefix);
    await store.writeItem(ref, largeItem(1, 1), 0);
    const [part] = await parts(prefix);
    for (const key of ['sealed/heads/vault/a b', 'sealed/heads/x', 'sealed/heads/vault/a/b', 'inventory/nodes/.x', 'inventory/nodes/a/b', 'proposals/x', 'elsewhere']) await etcd.etcdctl('put', prefix + key, 'x');
    assert.deepEqual(await store.listItems(), [ref]);
    assert.deepEqual(await store.listInventoryNames('nodes'), []);
    for await (const { name } of store.listInventory('nodes')) assert.fail(name);
    assert.deepEqual(await store.listProposals(), []);
    await etcd.etcdctl('put', `${prefix}sealed/heads/vault/junk`, '{"format":"iam-vault/1"}');
    const junk = { vault: 'vault', item: 'junk' };
    for (const work of [() => store.readItem(junk), () => store.writeItem(junk, example(), 0), () => store.removeItem(junk, 1)]) await assert.rejects(work(), failsWith('document-invalid'));
    assert.equal(new TextDecoder().decode((await store.readRaw(junk)).keys), '{"format":"iam-vault/1"}');
    await etcd.etcdctl('put', part ?? '', 'damaged');
    await assert.rejects(store.readItem(ref), failsWith('document-invalid'));
    await etcd.etcdctl('del', part ?? '');
    await assert.rejects(store.readItem(ref), failsWith('document-invalid'));
  });

  test('what lies where nodes write or ask is passed over, and what is about joining is copied by its name alone', async () => {
    const prefix = newPrefix();
    const store = open(prefix);
    const [digest, id] = ['A'.repeat(43), 'ab'.repeat(16)];
    const good = { invitations: id, uses: `${id}/${digest}`, requests: `web01/${digest}`, admissions: 'web01', refusals: digest };
    for (const kind of JOIN_KINDS) await store.joining.restore(kind, good[kind], bytes(kind));
    await store.reports.writer('web02', { ttlSeconds: 60 }).write(bytes('{}'));
    for (const key of ['invitations/a/b', 'joined/x', 'joins/web01', 'joins/web01/x', 'joins/.x/y', 'sealed/admissions/a b', 'sealed/refusals/x', 'reports/status', 'reports/.x/status']) await etcd.etcdctl('put', prefix + key, 'x');
    assert.deepEqual([...await store.reports.list()].map(([node, report]) => [node, Buffer.from(report).toString()]), [['web02', '{}']]);
    for (const kind of JOIN_KINDS) {
      const found: string[] = [];
      for await (const { name, bytes: stored } of store.joining.listKind(kind)) found.push(`${name} ${Buffer.from(stored).toString()}`);
      assert.deepEqual(found, [`${good[kind]} ${kind}`]);
      await assert.rejects(store.joining.restore(kind, '../basis', bytes('x')), failsWith('name-invalid'));
      await store.joining.restore(kind, good[kind], undefined);
      for await (const { name } of store.joining.listKind(kind)) assert.fail(name);
    }
  });
});
