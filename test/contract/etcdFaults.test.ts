// What can go wrong with an etcd, and who may do what there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { isVaultError, VaultError, type ErrorCode } from '../../src/errors.ts';
import { example, ref } from '../../src/items/example.testing.ts';
import { parseKeys, type ItemDocuments } from '../../src/items/model.ts';
import type { EtcdSettings } from '../../src/stores/etcd/client.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { startEtcd, untilHealthy, type EtcdCluster, type EtcdOptions } from '../scripts/etcdCluster.ts';
import { largeItem } from '../scripts/largeItem.ts';

const run = promisify(execFile);
const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const failsFor = (...reasons: string[]) => (error: unknown): boolean => {
  assert.ok(error instanceof VaultError && error.code === 'store-unreachable', String(error));
  assert.ok(reasons.includes(String(error.details['reason'])), `${String(error.details['reason'])}: ${error.message}`);
  assert.ok(error.hint !== undefined && !JSON.stringify([error.message, error.hint, error.details]).includes(PASSWORD));
  return true;
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const generationOf = (documents: ItemDocuments | undefined): number => (documents === undefined ? 0 : parseKeys(documents.keys, 'keys').header.generation);
const PREFIX = '/iam-vault/prod/';
const PASSWORD = 'PLANTED-PASSWORD';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vault-etcd-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function etcd(t: TestContext, options: EtcdOptions = {}): Promise<EtcdCluster> {
  const cluster = await startEtcd(options);
  t.after(() => cluster.close());
  return cluster;
}

function open(t: TestContext, settings: Omit<EtcdSettings, 'prefix'>): EtcdStore {
  const store = openEtcdStore('/here', { prefix: PREFIX, ...settings });
  t.after(() => { store.close(); });
  return store;
}

/** The commands of docs/etcd.md under a heading, as they stand there. */
async function documented(heading: string): Promise<string> {
  const text = await readFile(new URL('../../docs/etcd.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf(`\n## ${heading}\n`));
  const [, commands] = /```sh\n([^]*?)```/.exec(section) ?? [];
  assert.ok(commands !== undefined, heading);
  return commands;
}

test('who may do what: the roles of docs/etcd.md', async (t) => {
  const place = await directory(t);
  const { endpoints } = await etcd(t, { flags: ['--bcrypt-cost', '4'] });
  for (const name of ['root', 'alice', 'web01']) await writeFile(join(place, `${name}.password`), `${PASSWORD}-${name}`);
  const environment = { PATH: process.env['PATH'], ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoints.join(',') };
  await run('bash', ['-euc', await documented('Who may do what')], { cwd: place, env: environment });

  const as = (name: string, password = `${PASSWORD}-${name}`): EtcdStore => open(t, { endpoints, user: { name, password } });
  const [alice, node, nobody] = [as('alice'), as('web01'), open(t, { endpoints })];
  await alice.writeRoster(1, bytes('roster'));
  await alice.writeItem(ref, largeItem(1, 1), 0);
  await alice.writeInventory('clients', 'web01', bytes('key'));
  assert.equal(generationOf(await node.readItem(ref)), 1);
  assert.deepEqual(await node.listItems(), [ref]);
  assert.ok(await node.readRoster(1));
  const refused: (() => Promise<unknown>)[] = [
    () => node.writeItem(ref, largeItem(2, 2), 1), () => node.removeItem(ref, 1), () => node.writeRoster(2, bytes('x')), () => node.readInventory('clients', 'web01'),
    () => node.listInventoryNames('nodes'), () => node.writeInventory('clients', 'web01', bytes('mine')), () => node.listProposals(), () => node.changeProposal('A'.repeat(43), () => bytes('x')), () => node.withdrawRoster(),
  ];
  for (const work of refused) await assert.rejects(work(), failsFor('permission-denied'));
  const ctl = async (...args: string[]): Promise<unknown> => await run('etcdctl', ['--user', `web01:${PASSWORD}-web01`, ...args], { env: environment });
  await ctl('put', `${PREFIX}reports/web01/status`, 'mine');
  await assert.rejects(ctl('put', `${PREFIX}reports/web02/status`, 'another\'s'));
  assert.equal(generationOf(await alice.readItem(ref)), 1);
  await assert.rejects(nobody.readItem(ref), failsFor('user-missing'));
  await assert.rejects(as('alice', 'wrong').readItem(ref), failsFor('credentials'));
  // etcd forgets the tokens of a user whose roles change, as it forgets those that were not used for five minutes.
  const root = ['--user', `root:${PASSWORD}-root`];
  await run('etcdctl', [...root, 'role', 'add', 'another'], { env: environment });
  for (const user of ['alice', 'web01']) await run('etcdctl', [...root, 'user', 'grant-role', user, 'another'], { env: environment });
  await new Promise<void>((resolve, reject) => {
    t.after(node.follow([ref], {
      // The first look is at everything: from then on a change is told. Before, it may be refused once for the old token.
      anew() { alice.writeItem(ref, largeItem(2, 2), 1).catch(reject); },
      item() { resolve(); }, roster: reject, problem: () => undefined,
    }));
  });
  assert.equal(generationOf(await node.readItem(ref)), 2);
});

test('TLS: certificates, and who asks by one', async (t) => {
  const place = await directory(t);
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: place });
  await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-subj', '/CN=ca', '-days', '2');
  for (const [name, subject, extension] of [['server', '/CN=etcd', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth'], ['alice', '/CN=alice', 'extendedKeyUsage=clientAuth']] as const) {
    await writeFile(join(place, `${name}.ext`), extension);
    await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', subject);
    await openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-out', `${name}.pem`, '-days', '2', '-extfile', `${name}.ext`);
  }
  const pem = (name: string): Promise<Uint8Array> => readFile(join(place, `${name}.pem`));
  const { endpoints, etcdctl } = await etcd(t, { certificates: place });
  const [ca, certificate, key] = [await pem('ca'), await pem('alice'), await pem('alice-key')];
  await open(t, { endpoints, tls: { ca } }).writeItem(ref, example(), 0);
  await assert.rejects(open(t, { endpoints }).listItems(), failsFor('certificate'));
  await assert.rejects(open(t, { endpoints, tls: { ca: await pem('server') } }).listItems(), failsFor('certificate'));
  await assert.rejects(open(t, { endpoints, tls: { ca: bytes('-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n') } }).listItems(), failsFor('certificate'));
  await assert.rejects(open(t, { endpoints: endpoints.map((each) => each.replace('https', 'http')) }).listItems(), failsFor('unreachable', 'certificate'));
  assert.equal(await etcdctl('get', `${PREFIX}sealed/heads/vault/none`), '');

  const strict = await etcd(t, { certificates: place, flags: ['--client-cert-auth', '--trusted-ca-file', join(place, 'ca.pem')], clientCertificate: 'alice' });
  await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'mallory-key.pem', '-out', 'mallory.pem', '-subj', '/CN=alice', '-days', '2');
  for (const own of [{}, { certificate: await pem('mallory'), key: await pem('mallory-key') }]) {
    await assert.rejects(open(t, { endpoints: strict.endpoints, tls: { ca, ...own } }).listItems(), failsFor('unreachable', 'certificate'));
  }
  for (const args of [['user', 'add', 'root', '--no-password'], ['user', 'add', 'alice', '--no-password'], ['role', 'add', 'vault-admin'], ['role', 'grant-permission', 'vault-admin', '--prefix=true', 'readwrite', PREFIX], ['user', 'grant-role', 'alice', 'vault-admin']]) await strict.etcdctl(...args);
  await strict.etcdctl('auth', 'enable');
  const alice = open(t, { endpoints: strict.endpoints, tls: { ca, certificate, key } });
  await alice.writeItem(ref, example(), 0);
  assert.equal(generationOf(await alice.readItem(ref)), 1);
  const elsewhere = openEtcdStore('/here', { endpoints: strict.endpoints, prefix: '/elsewhere/', tls: { ca, certificate, key } });
  t.after(() => { elsewhere.close(); });
  await assert.rejects(elsewhere.listItems(), failsFor('permission-denied'));
});

test('nobody there, and an etcd without users that one is named for', async (t) => {
  const { endpoints, members } = await etcd(t);
  await assert.rejects(open(t, { endpoints, user: { name: 'alice', password: PASSWORD } }).listItems(), failsFor('authentication-off'));
  await members[0]?.kill();
  const began = Date.now();
  await assert.rejects(open(t, { endpoints: [...endpoints, 'http://127.0.0.1:1'] }).listItems(), failsFor('refused'));
  assert.ok(Date.now() - began < 3000);
});

test('a full etcd takes no writes, keeps what it has, and goes on when it has space', async (t) => {
  const { endpoints, etcdctl } = await etcd(t, { flags: ['--quota-backend-bytes', String(3 << 20)] });
  const store = open(t, { endpoints });
  let generation = 0;
  await assert.rejects(async () => {
    for (;;) await store.writeItem(ref, largeItem(generation + 1, generation + 1), generation++);
  }, failsFor('no-space'));
  generation--;
  assert.equal(generationOf(await store.readItem(ref)), generation);
  await assert.rejects(store.writeInventory('nodes', 'a', bytes('{}')), failsFor('no-space'));
  const commands = (await documented('When it is full')).replaceAll('etcdctl ', `etcdctl --endpoints ${endpoints.join(',')} `);
  await run('bash', ['-euc', commands], { env: { PATH: process.env['PATH'], ETCDCTL_API: '3' } });
  assert.equal(generationOf(await store.readItem(ref)), generation, 'of an item that was not written since the compaction');
  await store.writeItem(ref, largeItem(generation + 1, generation + 1), generation);
  assert.equal(generationOf(await store.readItem(ref)), generation + 1);
  assert.match(await etcdctl('alarm', 'list'), /^\s*$/);
});

test('an etcd that was put back to an older state is noticed, and a backup is whole', async (t) => {
  const place = await directory(t);
  const first = await etcd(t);
  const store = open(t, { endpoints: first.endpoints });
  await store.writeItem(ref, largeItem(1, 1), 0);
  const commands = await documented('Backup and restore');
  const [save = '', restore = ''] = commands.split('\n').filter((line) => line.startsWith('etcdctl '));
  await run('bash', ['-euc', save], { cwd: place, env: { PATH: process.env['PATH'], ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: first.endpoints.join(',') } });
  await store.writeItem(ref, largeItem(2, 2), 1);
  await run('bash', ['-euc', restore], { cwd: place, env: { PATH: process.env['PATH'], ETCDCTL_API: '3' } });
  const restored = open(t, { endpoints: (await etcd(t, { data: join(place, 'restored') })).endpoints });
  const documents = await restored.readItem(ref);
  assert.deepEqual([generationOf(documents), documents?.keys.length], [1, largeItem(1, 1).keys.length]);
});

describe('three members', () => {
  let cluster: EtcdCluster;
  before(async () => { cluster = await startEtcd({ members: 3 }); });
  after(() => cluster.close());

  test('no acknowledged write is lost, and none is done twice, whichever member is killed, stopped or cut off', async (t) => {
    const { endpoints, members } = cluster;
    const stores = [open(t, { endpoints }), open(t, { endpoints })] as const;
    let [acknowledged, over, unreachable] = [0, false, 0];
    const write = async (): Promise<void> => {
      while (!over) {
        try {
          await stores[0].writeItem(ref, example({ generation: acknowledged + 1 }), acknowledged);
          acknowledged++;
        } catch (error) {
          // Of a write whose end is unknown: it is there, or it is not.
          if (!isVaultError(error, 'store-unreachable')) throw error;
          unreachable++;
          const found = generationOf(await stores[1].readItem(ref).catch(() => undefined));
          assert.ok(found === 0 || found === acknowledged || found === acknowledged + 1);
          if (found > 0) acknowledged = found;
        }
      }
    };
    const read = async (): Promise<void> => {
      for (let seen = 0; !over;) {
        const found = generationOf(await stores[1].readItem(ref).catch(() => undefined));
        if (found === 0) continue;
        assert.ok(found >= seen, 'never an older one');
        seen = found;
      }
    };
    const until = async (count: number): Promise<void> => {
      for (const from = acknowledged; acknowledged < from + count;) await new Promise((resolve) => setImmediate(resolve));
    };
    const working = Promise.all([write(), read()]);
    await until(20);
    for (const member of members) {
      await member.kill();
      await until(5);
      await member.start();
      await untilHealthy(cluster);
    }
    members[0]?.signal('SIGSTOP');
    await until(5);
    members[0]?.signal('SIGCONT');
    over = true;
    await working;
    assert.equal(generationOf(await stores[1].readItem(ref)), acknowledged);
    assert.equal(unreachable, 0, 'one of three can always be missed');
    await Promise.all(members.map((member) => member.kill()));
    await assert.rejects(stores[1].readItem(ref), failsWith('store-unreachable'));
    await Promise.all(members.map((member) => member.start()));
    await untilHealthy(cluster);
    assert.equal(generationOf(await stores[1].readItem(ref)), acknowledged);
  });
});
