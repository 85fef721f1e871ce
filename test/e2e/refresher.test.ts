// `vault refresh --watch` as processes of their own, with a real etcd: who is sealed to and who is not, several of them, kills, stops, and what is never taken.
import assert from 'node:assert/strict';
import { readFile, rename } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadIdentity } from '../../src/config/identities.ts';
import { isVaultError } from '../../src/errors.ts';
import { parseItemDocuments } from '../../src/items/verify.ts';
import { encodeAdmission, signAdmission } from '../../src/joining/admission.ts';
import { readAdmission } from '../../src/operations/joining/admissions.ts';
import { newNodeDocuments } from '../../src/operations/nodes.ts';
import { trustRoster, type Trust, type Workspace } from '../../src/operations/workspace.ts';
import { exitCodeOf } from '../../src/reporting/exitCodes.ts';
import { generateSeed, identityFromSeed, type Identity } from '../../src/sealing/identity.ts';
import type { Campaign } from '../../src/stores/election.ts';
import type { Store } from '../../src/stores/store.ts';
import { openStateDirectory } from '../../src/state/stateDirectory.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { untilHealthy } from '../scripts/etcdCluster.ts';
import { openRefresherScene, type RefresherScene, type RunningRefresher } from '../scripts/refresherScene.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';

const PRELOAD = fileURLToPath(new URL('../scripts/killAtEtcdCall.mjs', import.meta.url));

interface Shown { readonly generation: number; readonly clients: readonly string[] }

describe('a refresher', () => {
  let scene: RefresherScene;
  let one: RunningRefresher;
  before(async () => {
    scene = await openRefresherScene();
    const { world } = scene;
    for (const [item, ...flags] of [['db'], ['grouped', '--audience', 'group']] as const) {
      await world.result('create item', ['create', 'item', 'vault', item, '--search', 'role:web', '--allow-empty', '--from', '-', ...flags], { input: '{"password":"one-one-one"}' });
    }
    await scene.policy({ most_retired_at_once: '100%' });
    one = scene.refresher();
    await one.logged('checked');
  });
  after(() => scene.close());

  const show = async (item: string): Promise<Shown> => await scene.world.result('show', ['show', 'vault', item]) as unknown as Shown;
  const reads = async (identity: string, item = 'db'): Promise<boolean> => {
    const end = await scene.world.run(['decrypt', 'vault', item, '--identity', identity]);
    return end.exitCode === 0;
  };
  const written = (item: string, fits: (line: Readonly<Record<string, unknown>>) => boolean = () => true, from = 0): Promise<unknown> => one.logged('item-written', (line) => line['item'] === item && fits(line), from);

  it('has the right to seal alone', async () => {
    const { world, identity } = scene;
    const { admins } = await world.result('admin list', ['admin', 'list']) as { admins: { name: string; rights?: string[] }[] };
    assert.deepEqual(admins.map(({ name, rights }) => [name, rights]), [['alice', undefined], ['refresher', ['seal']]]);
    for (const args of [['admin', 'quorum', '1'], ['admin', 'add', 'mallory', '--key', (await world.key('mallory')).line, '--yes'], ['node', 'invite', '--role', 'web']]) {
      const end = await world.run([...args, '--json', '--identity', identity]);
      assert.notEqual(end.exitCode, 0, describeEnd(end));
    }
    await world.refused('not-an-admin', ['admin', 'remove', 'alice', '--identity', identity, '--yes']);
    await world.refused('not-an-admin', ['node', 'invite', '--role', 'web', '--identity', identity]);
    await world.result('init', ['init', 'files', '--admin', 'alice'], { cwd: world.directory });
    const files = await world.run(['refresh', '--watch', '-r', world.at('files')]);
    assert.match(files.stderr, /etcd/, describeEnd(files));
    assert.notEqual(files.exitCode, 0);
    await world.refused('usage', ['refresh', 'vault', '--watch']);
  });

  it('seals to a node that an admin approved, and to none that only lies in the inventory', async () => {
    const { world } = scene;
    const web01 = await scene.approvedNode('web01');
    await written('db');
    await one.logged('item-written', (line) => String(line['item']).startsWith('audience-'));
    assert.deepEqual([await reads(web01), await reads(web01, 'grouped')], [true, true]);
    await world.addNode('web02', '--role', 'web');
    await one.logged('node-unadmitted', ({ node }) => node === 'web02');
    await scene.approvedNode('web03');
    await written('db', (line) => line['generation'] === 3);
    assert.deepEqual((await show('db')).clients, ['web01', 'web03']);

    // An admin changed it and did not say so to anybody: it keeps what it has.
    await world.result('node add', ['node', 'add', 'web03', '--force', '--tag', 'x', '--key', await clientKey('web03')]);
    await one.logged('node-unadmitted', ({ node }) => node === 'web03');
    // Another key that nobody admitted is not sealed to, and the old one goes.
    const other = await world.key('other');
    await world.result('node add', ['node', 'add', 'web03', '--force', '--key', other.line]);
    await one.logged('node-retired', ({ node }) => node === 'web03');
    assert.deepEqual((await show('db')).clients, ['web01']);
    const from = one.log.length;
    await world.result('node approve', ['node', 'approve', 'web03', '--yes']);
    await written('db', () => true, from);
    assert.equal(await reads(other.file), true);
  });

  it('lets a node in that was invited', async () => {
    const { world } = scene;
    await world.result('node invite', ['node', 'invite', '--role', 'web', '--uses', '2', '--output', world.at('web.token')]);
    world.secrets.add((await readFile(world.at('web.token'), 'utf8')).trim().slice(46, 96));
    const node = { variables: { VAULT_STATE_DIR: world.at('state', 'of-web04') } };
    const joined = await world.result('agent join', ['agent', 'join', '--token-file', world.at('web.token'), '--name', 'web04', '--identity', world.at('keys', 'web04'), '--wait', '30s'], node);
    assert.equal(joined['state'], 'admitted');
    await one.logged('node-admitted', (line) => line['node'] === 'web04');
    await written('db', ({ gained, generation }) => gained === 1 && Number(generation) > 4);
    assert.deepEqual([await reads(world.at('keys', 'web04')), await reads(world.at('keys', 'web04'), 'grouped')], [true, true]);
  });

  it('takes from a node that is removed, and says which items it could open', async () => {
    const { world } = scene;
    const from = one.log.length;
    await world.result('node remove', ['node', 'remove', 'web01', '--yes']);
    const { items } = await one.logged('node-retired', ({ node }) => node === 'web01', from);
    assert.ok(Array.isArray(items) && items.length > 0);
    assert.ok(!(await show('db')).clients.includes('web01'));
    const { problems } = await world.result('verify', ['verify']) as { problems: unknown[] };
    assert.deepEqual(problems, []);
  });

  it('goes on where the repository was moved to, under another prefix: who was admitted is, what was asked is answered, and a token is as used as it was', async () => {
    const { world, etcd } = scene;
    await one.stop();
    const join = (name: string): string[] => ['agent', 'join', '--token-file', world.at('web.token'), '--name', name, '--identity', world.at('keys', name)];
    const node = (name: string): { variables: Record<string, string> } => ({ variables: { VAULT_STATE_DIR: world.at('state', `of-${name}`) } });
    await world.result('agent join', join('web07'), node('web07'));
    const moved = await world.write('repository/moved.json', JSON.stringify({ format: 'iam-vault/1', store: { engine: 'etcd', endpoints: etcd.endpoints, prefix: '/iam-vault/moved/' } }));
    const migrate = ['migrate', '--from', '.', '--to', 'moved.json'];
    await etcd.etcdctl('put', '/iam-vault/moved/sealed/admissions/web01', 'another\'s');
    await world.refused('repository-exists', migrate);
    await etcd.etcdctl('del', '/iam-vault/moved/sealed/admissions/web01');
    for (const kill of ['48', '56']) {
      const { signal } = await world.run(migrate, { nodeOptions: ['--import', PRELOAD], variables: { KILL_AT_ETCD_CALL: kill } });
      assert.equal(signal, 'SIGKILL');
    }
    const { joining } = await world.result('migrate', migrate) as { joining: object };
    assert.deepEqual(joining, { invitations: 1, requests: 1, admissions: 2, moved: true });
    assert.equal((await world.result('migrate', migrate))['changed'], 0);
    const { invitations } = await world.result('node invitations', ['node', 'invitations']) as { invitations: { id: string }[] };
    await rename(moved, world.at('repository', 'vault.json'));
    assert.deepEqual((await world.result('node invitations', ['node', 'invitations']))['invitations'], invitations);

    one = scene.refresher();
    await one.logged('node-admitted', (line) => line['node'] === 'web07');
    await one.logged('checked');
    await written('db', ({ gained }) => gained === 1);
    assert.deepEqual(one.log.filter(({ type }) => type === 'node-unadmitted').map((line) => line['node']), ['web02']);
    assert.equal(await reads(world.at('keys', 'web07')), true);
    const end = await world.run([...join('web08'), '--wait', '30s', '--json'], node('web08'));
    assert.equal((JSON.parse(end.stdout) as { error: { reason: string } }).error.reason, 'used-up', describeEnd(end));
    // Files have no place for it: that is said, and all else is there.
    const copy = await world.result('migrate', ['migrate', '--from', '.', '--to', world.at('copy')]) as { joining: object };
    assert.deepEqual(copy.joining, { invitations: 1, requests: 0, admissions: 3, moved: false });
  });

  it('goes on after etcd was away, and after a restart', async () => {
    const { etcd } = scene;
    await etcd.members[0]?.kill();
    await one.logged('store-failed');
    await etcd.members[0]?.start();
    await untilHealthy(etcd);
    const web05 = await scene.approvedNode('web05');
    await one.logged('item-written', ({ item, gained }) => item === 'db' && Number(gained) > 0, one.log.findIndex(({ type }) => type === 'store-failed'));
    assert.equal(await reads(web05), true);
    await one.stop();
    const web06 = await scene.approvedNode('web06');
    one = scene.refresher();
    await one.logged('checked');
    assert.deepEqual([await reads(web06), await reads(web06, 'grouped')], [true, true]);
    // Nothing is done twice: all was as it should be.
    const generation = (await show('db')).generation;
    await one.stop();
    one = scene.refresher();
    await one.logged('checked');
    assert.equal((await show('db')).generation, generation);
    // Who is taken off the roster ends, so that another can be elected.
    await scene.world.result('admin remove', ['admin', 'remove', 'refresher', '--yes']);
    await one.logged('roster-failed');
    assert.equal((await one.finished).exitCode, exitCodeOf('not-an-admin'));
  });

  async function clientKey(name: string): Promise<string> {
    const text = await scene.etcd.etcdctl('get', `${scene.prefix}inventory/clients/${name}`, '--print-value-only');
    return (JSON.parse(text) as { public_key: string }).public_key;
  }
});

describe('several refreshers, and a large fleet', () => {
  const FLEET = 120;
  const ITEMS = ['a', 'b', 'c', 'd'];
  let scene: RefresherScene;
  let store: EtcdStore;
  let workspace: Workspace;
  let trust: Trust;
  let admin: Identity;
  before(async () => {
    scene = await openRefresherScene();
    const { world, etcd, prefix } = scene;
    for (const item of ITEMS) await world.result('create item', ['create', 'item', 'vault', item, '--search', 'role:web', '--allow-empty', '--from', '-'], { input: '{"password":"one-one-one"}' });
    store = openEtcdStore(world.repository, { endpoints: etcd.endpoints, prefix });
    workspace = { store, state: openStateDirectory(world.at('state', 'of-test')), now: () => new Date(), notice: () => undefined, warn: () => undefined };
    trust = await trustRoster(workspace);
    admin = await loadIdentity(world.admin);
  });
  after(async () => {
    store.close();
    admin.wipe();
    await scene.close();
  });

  const addNodes = (from: number, to: number): Promise<unknown> => Promise.all(Array.from({ length: to - from }, async (_, i) => {
    const name = `n${String(from + i).padStart(4, '0')}`;
    const identity = identityFromSeed(generateSeed());
    const documents = newNodeDocuments({ name, publicKey: identity.publicKey }, { chef_environment: '_default', run_list: ['role[web]'], normal: {} });
    await store.writeInventory('clients', name, documents.client);
    await store.writeInventory('nodes', name, documents.node);
    const admission = signAdmission({ repository: trust.repository, name, fingerprint: identity.publicKey.fingerprint, invitation: null, documents, time: new Date() }, { name: 'alice', identity: admin });
    await store.joining.writeAdmission(name, encodeAdmission(admission));
  }));
  const show = async (item: string): Promise<Shown> => await scene.world.result('show', ['show', 'vault', item]) as unknown as Shown;
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 60_000; ;) {
      if (await holds()) return;
      assert.ok(Date.now() < end, what);
    }
  };
  const recipients = async (item: string): Promise<number> => parseItemDocuments({ vault: 'vault', item }, await store.readItem({ vault: 'vault', item }) ?? assert.fail()).keys.clients.length;
  const have = async (count: number): Promise<boolean> => (await Promise.all(ITEMS.map(recipients))).every((found) => found === count);
  const writes = (log: RunningRefresher['log'], item: string): number => log.filter((line) => line.type === 'item-written' && line['item'] === item).length;

  it('the one that is killed in the middle of a batch is replaced; nothing is lost, and nothing done twice', async () => {
    const first = scene.refresher();
    await first.logged('checked');
    const other = scene.refresher();
    await other.logged('standing-by');
    const written = first.logged('item-written');
    await addNodes(0, FLEET);
    await written;
    first.signal('SIGKILL');
    await other.logged('elected');
    await other.logged('checked');
    await until('every item is sealed to everybody', () => have(FLEET));
    for (const item of ITEMS) {
      const { generation, clients } = await show(item);
      assert.equal(clients.length, FLEET);
      // Of the one that was killed, one write may not have been told.
      assert.ok(generation - 1 <= writes(first.log, item) + writes(other.log, item) + 1, `${item}: generation ${String(generation)}`);
      assert.ok(generation <= 12, `a batch is not a node: generation ${String(generation)}`);
    }
    const { problems } = await scene.world.result('verify', ['verify']) as { problems: unknown[] };
    assert.deepEqual(problems, []);
    await other.stop();
  });

  it('one that stood still for longer than its lease writes nothing after it', async () => {
    const first = scene.refresher();
    await first.logged('checked');
    const other = scene.refresher();
    await other.logged('standing-by');
    const before = (await show('a')).generation;
    first.signal('SIGSTOP');
    await addNodes(FLEET, FLEET + 5);
    await other.logged('checked');
    await until('the other one does it', () => have(FLEET + 5));
    first.signal('SIGCONT');
    await first.logged('election-lost');
    await first.logged('standing-by');
    assert.equal(writes(first.log, 'a'), 0);
    assert.equal((await show('a')).generation, before + writes(other.log, 'a'));
    await first.stop();
    await other.stop();
  });

  it('more nodes than the policy lets go at once keep what they have, until a person says otherwise', async () => {
    await scene.policy({ most_retired_at_once: '10%', monitor: { port: 0 } });
    const one = scene.refresher();
    const { port } = await one.logged('monitor-listening');
    await one.logged('checked');
    const ask = async (path: string): Promise<{ status: number; text: string }> => {
      const reply = await fetch(`http://127.0.0.1:${String(port)}${path}`);
      return { status: reply.status, text: await reply.text() };
    };
    assert.equal((await ask('/readyz')).status, 200);
    // A share of the nodes that somebody signed for, not of what lies in the inventory.
    await Promise.all(Array.from({ length: 400 }, (_, i) => store.writeInventory('clients', `junk${String(i)}`, new TextEncoder().encode('{}'))));
    const gone = Array.from({ length: 30 }, (_, i) => `n${String(i).padStart(4, '0')}`);
    // Each kind in one transaction: no batch sees a part of them.
    for (const kind of ['nodes', 'clients']) await scene.etcd.etcdctl('del', `${scene.prefix}inventory/${kind}/n0000`, `${scene.prefix}inventory/${kind}/n0030`);
    await one.logged('retirement-held', ({ nodes }) => nodes === 30);
    // Who comes meanwhile is sealed to all the same.
    await addNodes(500, 501);
    await until('the newcomer is sealed to', () => have(FLEET + 6));
    const ready = await ask('/readyz');
    assert.equal(ready.status, 503);
    assert.deepEqual((JSON.parse(ready.text) as { reasons: unknown }).reasons, [{ code: 'retirements-held', count: 30 }]);
    const { text } = await ask('/metrics');
    assert.match(text, /^iam_vault_refresher_retirements_held 30$/m);
    assert.match(text, /^iam_vault_refresher_elected 1$/m);

    await scene.policy({ most_retired_at_once: '50%', monitor: { port: 0 } });
    one.signal('SIGHUP');
    await one.logged('retirement-released');
    await until('they are gone', () => have(FLEET + 6 - 30));
    const retired = one.log.filter(({ type }) => type === 'node-retired');
    assert.deepEqual([...new Set(retired.map(({ node }) => node))].sort(), gone);
    await one.stop();

    // Another refresher does not begin to count anew; and of whoever is held, nothing is forgotten.
    await scene.policy({ most_retired_at_once: '20%' });
    const other = scene.refresher();
    await other.logged('checked');
    const documents = await Promise.all(['n0030', 'n0031'].flatMap((name) => (['nodes', 'clients'] as const).map(async (kind) => ({ kind, name, bytes: (await store.readInventory(kind, name))?.bytes ?? assert.fail() }))));
    for (const kind of ['nodes', 'clients']) await scene.etcd.etcdctl('del', `${scene.prefix}inventory/${kind}/n0030`, `${scene.prefix}inventory/${kind}/n0032`);
    await other.logged('retirement-held', ({ nodes }) => nodes === 2);
    for (const { kind, name, bytes } of documents) await store.writeInventory(kind, name, bytes);
    await other.logged('retirement-released');
    assert.equal(await have(FLEET + 6 - 30), true);
    assert.equal((await readAdmission(store, trust, 'n0031')).kind, 'admitted');
    await other.stop();
  });

  it('a node that reported and is silent for too long is retired, and none that never reported', async () => {
    await scene.policy({ retire_silent_after: '1500ms', within: '1s' });
    const one = scene.refresher();
    await one.logged('checked');
    const report = store.reports.writer('n0050', { ttlSeconds: 1 });
    await report.write(new TextEncoder().encode('{}'));
    const { silentSeconds } = await one.logged('node-removed', ({ node }) => node === 'n0050');
    assert.ok(Number(silentSeconds) >= 1);
    await one.logged('node-retired', ({ node }) => node === 'n0050');
    assert.equal(await store.readInventory('nodes', 'n0050'), undefined);
    assert.equal(one.log.filter(({ type }) => type === 'node-removed').length, 1);
    await one.stop();
  });

  it('etcd itself writes for nobody who is not elected any more', async () => {
    const other = openEtcdStore(scene.world.repository, { endpoints: scene.etcd.endpoints, prefix: scene.prefix });
    const elected: Store[] = [];
    const stand = (of: EtcdStore, name: string): Promise<Campaign> => new Promise((resolve) => {
      const campaign: Campaign = of.election.campaign({ name, ttlSeconds: 5 }, {
        elected: (fenced) => {
          elected.push(fenced);
          setImmediate(() => { resolve(campaign); });
        },
        lost: () => undefined, others: () => undefined, problem: () => undefined,
      });
    });
    const first = await stand(store, 'first');
    await elected[0]?.writeInventory('nodes', 'fenced', new TextEncoder().encode('{}'));
    const second = stand(other, 'second');
    await scene.etcd.etcdctl('del', `${scene.prefix}election/refresher`);
    await assert.rejects(elected[0]?.removeInventory('nodes', 'fenced') ?? Promise.resolve(), (error) => isVaultError(error, 'store-conflict'));
    assert.notEqual(await store.readInventory('nodes', 'fenced'), undefined);
    await first.resign();
    await (await second).resign();
    await store.removeInventory('nodes', 'fenced');
    other.close();
  });
});
