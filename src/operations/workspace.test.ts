import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { DEFAULT_CONFIG } from '../config/repository.ts';
import { isVaultError, VaultError, type ErrorCode } from '../errors.ts';
import { alice, asRecipient, bob, carol, db, example, fields, mac, ref, rosterOf, signedRoster, stranger, web, type Person } from '../items/example.testing.ts';
import type { NewGeneration } from '../items/seal.ts';
import { layoutJson } from '../json/canonical.ts';
import { rosterDigest } from '../trust/roster.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';
import { openFileStore } from '../stores/file/fileStore.ts';
import { chooseAdmins, chooseRecipients } from './chooseRecipients.ts';
import { initRepository, type InitRequest } from './initRepository.ts';
import { addNode, listNodes, removeNode, showNode, type NewNode } from './nodes.ts';
import { openItem } from './openItem.ts';
import { readVerifiedItem, signerOf, trustRoster, type Workspace } from './workspace.ts';

const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);
const RSA = '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vault-operations-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function requestFor(path: string, changes: Partial<InitRequest> = {}): InitRequest {
  return {
    root: join(path, 'repository'), adminName: 'alice', identity: () => Promise.resolve(alice.identity), now: new Date('2026-01-02T03:04:05Z'),
    state: openStateDirectory(join(path, 'state')), openStore: openFileStore, ...changes,
  };
}

interface World extends Workspace {
  readonly root: string;
  readonly notices: string[];
  readonly repository: string;
  /** The same repository, seen by somebody who remembers nothing. */
  newcomer(pin?: string): Workspace;
  seal(changes?: Partial<NewGeneration>): Promise<void>;
}

async function world(t: TestContext, now = new Date('2026-01-02T03:04:05Z')): Promise<World> {
  const path = await folder(t);
  const { root, roster: repository } = await initRepository(requestFor(path, { now }));
  const notices: string[] = [];
  const base = { store: openFileStore(root), now: () => new Date(), notice: (text: string) => { notices.push(text); }, warn: (text: string) => { notices.push(text); } };
  let newcomers = 0;
  return {
    ...base, root, notices, repository, state: openStateDirectory(join(path, 'state')),
    newcomer: (pin) => ({ ...base, pin, state: openStateDirectory(join(path, `newcomer${String(newcomers++)}`)) }),
    seal: (changes = {}) => base.store.writeItem(ref, example({ repository, ...changes }), (changes.generation ?? 1) - 1),
  };
}

async function* given(...people: readonly Person[]): AsyncGenerator<{ identity: Person['identity'] }> {
  for (const { identity } of people) yield await Promise.resolve({ identity });
}

/** Adds version 2 to the roster. @returns the fingerprints of both versions */
async function grow(w: World): Promise<readonly [string, string]> {
  const two = rosterOf(2, [alice, bob], 1, w.repository);
  await w.store.writeRoster(2, signedRoster(two, [alice]));
  return [w.repository, rosterDigest(two)];
}

describe('making a repository', () => {
  test('leaves what a chef-repo has as it is', async (t) => {
    const path = await folder(t);
    await mkdir(join(path, 'repository', 'nodes'), { recursive: true });
    await writeFile(join(path, 'repository', '.gitignore'), 'mine\n');
    const { root, admin, roster } = await initRepository(requestFor(path));
    assert.equal(await readFile(join(root, '.gitignore'), 'utf8'), 'mine\n');
    assert.deepEqual((await readdir(root)).filter((name) => name !== '.vault.lock'), ['.gitattributes', '.gitignore', 'data_bags', 'iam-json-data', 'nodes', 'trust', 'users', 'vault.json']);
    assert.deepEqual(admin, { name: 'alice', public_key: alice.identity.publicKey.line, signing_key: alice.identity.signingKey?.line });
    assert.equal(roster.length, 43);
    await assert.rejects(initRepository(requestFor(path)), failsWith('repository-exists'));
  });

  test('goes on where it was interrupted, for the same admin', async (t) => {
    const path = await folder(t);
    const { root, roster } = await initRepository(requestFor(path));
    await unlink(join(root, 'vault.json'));
    await assert.rejects(initRepository(requestFor(path, { identity: () => Promise.resolve(carol.identity) })), failsWith('repository-exists'));
    await assert.rejects(initRepository(requestFor(path, { adminName: 'bob' })), failsWith('repository-exists'));
    await rm(join(root, 'users'), { recursive: true });
    assert.equal((await initRepository(requestFor(path, { now: new Date() }))).roster, roster);
    assert.equal(await readFile(join(root, 'vault.json'), 'utf8'), layoutJson(DEFAULT_CONFIG));
    assert.deepEqual(await readdir(join(root, 'users')), ['alice.json']);
  });

  test('needs a name and an identity that can sign, and makes nothing otherwise', async (t) => {
    const path = await folder(t);
    await assert.rejects(initRepository(requestFor(path, { identity: () => Promise.resolve(mac.identity) })), failsWith('not-an-admin'));
    for (const adminName of ['', '../x', '__proto__', '.x']) await assert.rejects(initRepository(requestFor(path, { adminName })), failsWith('name-invalid'));
    assert.deepEqual(await readdir(path), []);
  });
});

describe('trust', () => {
  test('its maker trusts it without a word; a newcomer is told once', async (t) => {
    const w = await world(t);
    assert.equal((await trustRoster(w)).repository, w.repository);
    assert.equal(w.notices.length, 0);
    const newcomer = w.newcomer();
    await trustRoster(newcomer);
    await trustRoster(newcomer);
    assert.equal(w.notices.length, 1);
    assert.ok(w.notices[0]?.includes(w.repository));
  });

  test('many at once, on first use', async (t) => {
    const w = await world(t);
    const newcomer = w.newcomer();
    const trusted = await Promise.all(Array.from({ length: 10 }, () => trustRoster(newcomer)));
    assert.ok(trusted.every(({ repository }) => repository === w.repository));
  });

  test('moves on with the roster, and not back', async (t) => {
    const w = await world(t);
    await trustRoster(w);
    await grow(w);
    const { roster, repository } = await trustRoster(w);
    assert.equal(roster.version, 2);
    assert.equal(repository, w.repository, 'the repository is still the same');
    await unlink(join(w.root, 'trust', '2.json'));
    await assert.rejects(trustRoster(w), failsWith('roster-rollback'));
    await writeFile(join(w.root, 'trust', '2.json'), signedRoster(rosterOf(2, [stranger], 1, w.repository), [stranger]));
    await assert.rejects(trustRoster(w), failsWith('roster-pin-mismatch'));
    await assert.rejects(trustRoster(w.newcomer()), failsWith('roster-broken'));
  });

  test('a fingerprint that is named must be of one of the versions, remembered or not', async (t) => {
    const w = await world(t);
    const [first, second] = await grow(w);
    for (const pin of [first, second]) {
      const newcomer = w.newcomer(pin);
      assert.equal((await trustRoster(newcomer)).roster.version, 2);
      for (const again of [first, second]) assert.equal((await trustRoster({ ...newcomer, pin: again })).roster.version, 2);
      await assert.rejects(trustRoster({ ...newcomer, pin: second.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A')) }), failsWith('roster-pin-mismatch'));
    }
    assert.equal(w.notices.length, 0, 'a roster that was compared is no surprise');
    const wrong = w.newcomer('x');
    await assert.rejects(trustRoster(wrong), failsWith('roster-pin-mismatch'));
    await assert.rejects(stat(join(wrong.state.path, 'pins')), { code: 'ENOENT' }, 'and nothing is remembered of it');
  });

  test('a signer is who holds an admin\'s signing key', async (t) => {
    const { roster } = await trustRoster(await world(t));
    assert.equal(signerOf(roster, alice.identity).name, 'alice');
    for (const { identity } of [bob, stranger]) assert.throws(() => signerOf(roster, identity), failsWith('not-an-admin'));
  });
});

describe('opening an item', () => {
  test('by whoever it is sealed to, with the identity that fits', async (t) => {
    const w = await world(t);
    await w.seal();
    for (const people of [[alice], [web], [stranger, db], [db, stranger]]) {
      const opened = await openItem(w, ref, given(...people));
      assert.deepEqual(opened.all(), fields);
      assert.equal(opened.verified.header.generation, 1);
      opened.wipe();
    }
  });

  test('tells a stranger the name that the inventory knows', async (t) => {
    const w = await world(t);
    await w.seal();
    const name = async (): Promise<unknown> => await openItem(w, ref, given(stranger)).then(() => assert.fail(), (error: unknown) => {
      assert.ok(error instanceof VaultError);
      return [error.code, error.details['name']];
    });
    assert.deepEqual(await name(), ['not-a-recipient', undefined]);
    await w.store.writeInventory('clients', 'other', new TextEncoder().encode(JSON.stringify({ name: 'other', public_key: RSA })));
    await w.store.writeInventory('clients', 'web9', new TextEncoder().encode(JSON.stringify({ name: 'web9', public_key: stranger.identity.publicKey.line })));
    assert.deepEqual(await name(), ['not-a-recipient', 'web9']);
    await w.store.removeInventory('clients', 'web9');
    await w.store.writeInventory('clients', 'web1', new TextEncoder().encode(JSON.stringify({ name: 'web1', public_key: stranger.identity.publicKey.line })));
    assert.deepEqual(await name(), ['recipient-key-changed', 'web1']);
  });

  test('remembers the generation, for each reader', async (t) => {
    const w = await world(t);
    await w.seal();
    const old = await w.store.readItem(ref);
    assert.ok(old !== undefined);
    await w.seal({ generation: 2 });
    const newcomer = w.newcomer();
    for (const workspace of [w, newcomer]) (await openItem(workspace, ref, given(web))).wipe();
    await writeFile(join(w.root, 'data_bags', 'vault', `${ref.item}.json`), old.item);
    await writeFile(join(w.root, 'data_bags', 'vault', `${ref.item}_keys.json`), old.keys);
    for (const workspace of [w, newcomer]) await assert.rejects(openItem(workspace, ref, given(web)), failsWith('generation-rollback'));
    assert.equal((await openItem(w.newcomer(), ref, given(web))).verified.header.generation, 1, 'one who never saw the newer cannot know');
    await assert.rejects(readVerifiedItem(w, await trustRoster(w), ref), failsWith('generation-rollback'));
  });

  test('a forged item leaves no trace in what is remembered', async (t) => {
    const w = await world(t);
    await w.seal({ generation: 1, signer: stranger });
    await assert.rejects(openItem(w, ref, given(web)), failsWith('signer-unknown'));
    await rm(join(w.root, 'data_bags'), { recursive: true });
    await w.store.writeItem(ref, example({ repository: w.repository, generation: 9, signer: stranger }), 0);
    await assert.rejects(openItem(w, ref, given(web)), failsWith('signer-unknown'));
    await rm(join(w.root, 'data_bags'), { recursive: true });
    await w.seal();
    assert.equal((await openItem(w, ref, given(web))).verified.header.generation, 1);
  });

  test('an item of another repository of the same admin is not taken', async (t) => {
    const [w, elsewhere] = [await world(t), await world(t, new Date('2026-09-09T00:00:00Z'))];
    await elsewhere.seal();
    const item = await elsewhere.store.readItem(ref);
    assert.ok(item !== undefined);
    await w.store.writeItem(ref, item, 0);
    await assert.rejects(openItem(w, ref, given(web)), failsWith('repository-mismatch'));
  });

  test('what is not there is said, with what is near', async (t) => {
    const w = await world(t);
    await w.seal();
    await assert.rejects(openItem(w, { ...ref, item: 'acount_user' }, given(web)), (error) => error instanceof VaultError && error.code === 'item-not-found' && error.hint?.includes(ref.item) === true);
    await assert.rejects(openItem(w, { vault: 'valt', item: ref.item }, given(web)), (error) => error instanceof VaultError && error.code === 'item-not-found' && error.hint?.includes('vault') === true);
    await assert.rejects(openItem(w, { vault: '../x', item: 'y' }, given(web)), failsWith('name-invalid'));
    await assert.rejects(openItem(w, ref, given()), failsWith('identity-missing'));
  });
});

describe('nodes and recipients', () => {
  const node = (person: Person, changes: Partial<NewNode> = {}): NewNode => ({
    name: person.name, publicKey: person.identity.publicKey, environment: 'prod', runList: ['role[web]'], tags: [], attributes: {}, replace: false, ...changes,
  });
  const options = { skipUnsealable: false, allowEmpty: false };

  test('nodes are added, shown, listed and removed', async (t) => {
    const w = await world(t);
    const added = await addNode(w.store, node(web, { tags: ['a'], attributes: { deep: { x: 1 } } }));
    assert.equal(added.fingerprint, web.identity.publicKey.fingerprint);
    await assert.rejects(addNode(w.store, node(web)), failsWith('party-exists'));
    await addNode(w.store, node({ ...db, name: 'web1' }, { replace: true }));
    assert.equal((await showNode(w.store, 'web1')).key_type, 'ssh-ed25519');
    await assert.rejects(addNode(w.store, node(web, { name: '../x' })), failsWith('name-invalid'));
    await assert.rejects(showNode(w.store, 'web2'), (error) => error instanceof VaultError && error.code === 'party-not-found' && error.hint?.includes('web1') === true);
    assert.deepEqual((await listNodes(w.store)).map(({ name }) => name), ['web1']);
    await removeNode(w.store, 'web1');
    await assert.rejects(removeNode(w.store, 'web1'), failsWith('party-not-found'));
    assert.deepEqual(await listNodes(w.store), []);
  });

  test('a downloaded chef-repo: what matches and cannot be sealed to is named', async (t) => {
    const w = await world(t);
    const write = (kind: 'nodes' | 'clients' | 'roles', name: string, value: object): Promise<void> => w.store.writeInventory(kind, name, new TextEncoder().encode(JSON.stringify({ name, ...value })));
    for (const name of ['rsa', 'bare', 'weak', 'good', 'outside']) await write('nodes', name, { run_list: name === 'outside' ? [] : ['role[all]'], chef_environment: 'prod' });
    await write('roles', 'all', { run_list: ['role[web]'], env_run_lists: {} });
    await write('clients', 'rsa', { public_key: RSA });
    await write('clients', 'weak', { public_key: 'vaultseal1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq' });
    await write('clients', 'good', { public_key: web.identity.publicKey.line });
    const { roster } = await trustRoster(w);
    await assert.rejects(chooseRecipients(w.store, roster, 'roles:web', options), (error) => {
      assert.ok(error instanceof VaultError, String(error));
      assert.equal(error.code, 'node-unsealable');
      assert.deepEqual((error.details['nodes'] as { name: string }[]).map(({ name }) => name), ['bare', 'rsa', 'weak']);
      return true;
    });
    const chosen = await chooseRecipients(w.store, roster, 'roles:web', { ...options, skipUnsealable: true });
    assert.deepEqual(chosen.recipients.map(({ role, name }) => `${role} ${name}`), ['admin alice', 'client good']);
    assert.deepEqual(chosen.skipped.map(({ name }) => name), ['bare', 'rsa', 'weak']);
    assert.equal((await listNodes(w.store)).filter(({ problem }) => problem !== undefined).length, 4);
  });

  test('a query that selects nobody, and admins that are none', async (t) => {
    const w = await world(t);
    const { roster } = await trustRoster(w);
    await assert.rejects(chooseRecipients(w.store, roster, 'role:web', options), failsWith('query-selects-nobody'));
    assert.deepEqual((await chooseRecipients(w.store, roster, 'role:web', { ...options, allowEmpty: true })).recipients.map(({ name }) => name), ['alice']);
    await assert.rejects(chooseRecipients(w.store, roster, 'web', options), failsWith('query-invalid'));
    await assert.rejects(chooseRecipients(w.store, roster, 'role:web', { ...options, admins: ['alcie'] }), (error) => error instanceof VaultError && error.code === 'party-not-found' && error.hint?.includes('alice') === true);
    assert.deepEqual(chooseAdmins(roster, []), []);
    assert.deepEqual(chooseAdmins(roster, undefined), [asRecipient('admin', alice)].map(({ role, name }) => ({ role, name, publicKey: chooseAdmins(roster, ['alice'])[0]?.publicKey })));
  });
});
