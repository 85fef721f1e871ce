// What etcd does for agents: an item as one recipient needs it, and reports under leases.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asRecipient, alice, db, example, mac, ref, repository, roster, stranger, web } from '../../src/items/example.testing.ts';
import type { Recipient } from '../../src/items/recipients.ts';
import { openItem, parseItemDocuments, verifyItem } from '../../src/items/verify.ts';
import { identityFromSeed } from '../../src/sealing/identity.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { startEtcd, type EtcdCluster } from '../scripts/etcdCluster.ts';

const PREFIX = '/iam-vault/live/';
let etcd: EtcdCluster;
let store: EtcdStore;
before(async () => {
  etcd = await startEtcd();
  store = openEtcdStore('/here', { endpoints: etcd.endpoints, prefix: PREFIX });
});
after(async () => {
  store.close();
  await etcd.close();
});

/** Many, so that the list of recipients is divided. */
function crowd(count: number): Recipient[] {
  return Array.from({ length: count }, (_, i) => {
    const identity = identityFromSeed(new Uint8Array(32).fill(1).map((byte, at) => (at === 0 ? i & 255 : at === 1 ? i >> 8 : byte)));
    return { role: 'client', name: `crowd${String(i)}`, publicKey: identity.publicKey };
  });
}

test('a recipient reads its own entry of a divided list, verifies, and opens the item', { timeout: 60_000 }, async () => {
  const recipients = [asRecipient('admin', alice), ...[web, db, mac].map((each) => asRecipient('client', each)), ...crowd(300)];
  const { fingerprint } = web.identity.publicKey;
  assert.equal((await store.readItemAs(ref, fingerprint)).kind, 'absent');
  await store.writeItem(ref, example({ recipients }), 0);

  const found = await store.readItemAs(ref, fingerprint);
  assert.ok(found.kind === 'found' && found.documents.isPartial === true);
  assert.ok(found.documents.keys.length < 3000, String(found.documents.keys.length));
  const judge = { roster, repository, seenGeneration: 0 };
  const verified = verifyItem(parseItemDocuments(ref, found.documents), judge);
  assert.equal(verified.header.recipients_count, 304);
  const open = openItem(verified, web.identity);
  assert.deepEqual(open.fields, ['data', 'search_query']);
  open.field('data');
  open.wipe();
  // The same bytes as a whole list are refused: what is missing there was taken out.
  assert.throws(() => verifyItem(parseItemDocuments(ref, { ...found.documents, isPartial: false }), judge), { code: 'recipients-digest-mismatch' });
  const none = await store.readItemAs(ref, stranger.identity.publicKey.fingerprint);
  assert.ok(none.kind === 'found');
  assert.throws(() => openItem(verifyItem(parseItemDocuments(ref, none.documents), judge), stranger.identity), { code: 'not-a-recipient' });
  const admin = await store.readItemAs(ref, alice.identity.publicKey.fingerprint);
  assert.ok(admin.kind === 'found');
  openItem(verifyItem(parseItemDocuments(ref, admin.documents), judge), alice.identity).wipe();

  assert.equal((await store.readItemAs(ref, fingerprint, found.revision)).kind, 'unchanged');
  const told = await new Promise<{ revision: number; value: Uint8Array }>((resolve, reject) => {
    const end = store.follow([ref], {
      anew: () => { store.writeItem(ref, example({ recipients, generation: 2 }), 1).catch(reject); }, roster: reject, problem: reject,
      item(_, revision, value) {
        end();
        if (value !== undefined) resolve({ revision, value });
      },
    });
  });
  const next = await store.readItemAs(ref, fingerprint, found.revision, told);
  assert.ok(next.kind === 'found' && next.revision === told.revision);
  assert.equal(verifyItem(parseItemDocuments(ref, next.documents), judge).header.generation, 2);
  // What was told and is forgotten is read as it is now.
  await store.writeItem(ref, example({ recipients, generation: 3 }), 2);
  const { at } = await store.readItemAs(ref, fingerprint, told.revision);
  await etcd.etcdctl('compact', String(at));
  const newest = await store.readItemAs(ref, fingerprint, undefined, told);
  assert.ok(newest.kind === 'found');
  assert.equal(verifyItem(parseItemDocuments(ref, newest.documents), judge).header.generation, 3);
  await store.removeItem(ref, 3);
  assert.equal((await store.readItemAs(ref, fingerprint, newest.revision)).kind, 'absent');
});

test('a report is there as long as it is kept, and followers are told each', { timeout: 60_000 }, async (t) => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const writers = ['web01', 'web02'].map((node) => store.reports.writer(node, { ttlSeconds: 2 }));
  const [one, two] = writers;
  assert.ok(one !== undefined && two !== undefined);
  assert.equal(await one.keep(), false);
  await one.write(bytes('first'));
  await etcd.etcdctl('put', `${PREFIX}reports/web03/other`, 'x');
  const told: string[] = [];
  let wake = (): void => undefined;
  t.after(store.reports.follow({
    changed(reports) {
      told.push(reports.size === 0 ? '-' : [...reports].map(([node, value]) => `${node}=${value === undefined ? '' : new TextDecoder().decode(value)}`).join());
      wake();
    },
    problem: () => undefined,
  }));
  const until = async (count: number): Promise<void> => { while (told.length < count) await new Promise<void>((resolve) => { wake = resolve; }); };
  await until(1);
  await two.write(bytes('second'));
  await until(2);
  await one.write(bytes('third'));
  await until(3);
  assert.deepEqual(told, ['web01=first', 'web02=second', 'web01=third']);
  assert.deepEqual([...(await store.reports.list()).keys()], ['web01', 'web02']);
  // Kept through more than its time; the other one is not, and goes.
  for (const end = Date.now() + 20_000; told.length < 4 && Date.now() < end;) {
    assert.equal(await one.keep(), true);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.deepEqual(told.slice(3), ['web02=']);
  // A lease that was lost: the report is written anew.
  const { leases: [lease] } = JSON.parse(await etcd.etcdctl('lease', 'list', '-w', 'json')) as { leases: { id: number }[] };
  await etcd.etcdctl('lease', 'revoke', (lease?.id ?? 0).toString(16));
  await until(5);
  assert.equal(await one.keep(), false);
  await one.write(bytes('fourth'));
  await until(6);
  assert.deepEqual(told.slice(4), ['web01=', 'web01=fourth']);
});
