import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isVaultError, VaultError, type ErrorCode } from '../../errors.ts';
import { adminOf, alice, asRecipient, bob, carol, example, ref, stranger, type Person } from '../../items/example.testing.ts';
import type { NewGeneration } from '../../items/seal.ts';
import { identityFromSeed } from '../../sealing/identity.ts';
import { openStateDirectory } from '../../state/stateDirectory.ts';
import { openFileStore } from '../../stores/file/fileStore.ts';
import { rosterDigest } from '../../trust/roster.ts';
import { initRepository, type InitRequest } from '../initRepository.ts';
import { readVerifiedItem, trustRoster, type Workspace } from '../workspace.ts';
import { listProposals } from './proposals.ts';
import { resealForRoster } from './resealForRoster.ts';
import type { ResealItems } from './resealItems.ts';
import { approveProposal, beginRosterWork, proposeChange, type RosterWork } from './rosterChange.ts';

const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);
const agree = (): Promise<void> => Promise.resolve();
const NOW = new Date('2026-01-02T03:04:05Z');

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vault-roster-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** As read from a file: a command wipes it. */
async function* given({ name, secret, identity }: Person): AsyncGenerator<{ identity: Person['identity'] }> {
  yield await Promise.resolve({ identity: name === bob.name ? identity : identityFromSeed(secret) });
}

interface World extends Workspace {
  readonly repository: string;
  as(person: Person, resealItems?: ResealItems): Promise<RosterWork>;
  add(...people: readonly Person[]): Promise<void>;
  seal(changes?: Partial<NewGeneration>): Promise<void>;
  generation(): Promise<number>;
}

/** Alice's repository. */
async function world(t: TestContext): Promise<World> {
  const path = await folder(t);
  const { root, roster: repository } = await initRepository({
    root: join(path, 'repository'), adminName: 'alice', identity: () => Promise.resolve(alice.identity), now: NOW, state: openStateDirectory(join(path, 'state')), openStore: openFileStore,
  });
  const workspace: Workspace = { store: openFileStore(root), state: openStateDirectory(join(path, 'state')), now: () => NOW, notice: () => undefined, warn: () => undefined };
  const w: World = {
    ...workspace, repository,
    as: (person, resealItems = resealForRoster) => beginRosterWork(workspace, given(person), resealItems),
    async add(...people) {
      for (const person of people) await proposeChange(await w.as(alice), { add: [adminOf(person)] }, agree);
    },
    seal: (changes = {}) => workspace.store.writeItem(ref, example({ repository, recipients: [alice, bob].map((each) => asRecipient('admin', each)), ...changes }), (changes.generation ?? 1) - 1),
    async generation() {
      return (await readVerifiedItem(workspace, await trustRoster(workspace), ref))?.header.generation ?? 0;
    },
  };
  return w;
}

describe('a change of the roster', () => {
  test('an item that is written while a removal is carried out is sealed anew as well', async (t) => {
    const w = await world(t);
    await w.add(bob);
    let calls = 0;
    const work = await w.as(alice, async (...args) => {
      const outcomes = await resealForRoster(...args);
      if (++calls === 1) await w.seal({ signer: bob });
      return outcomes;
    });
    const { items } = await proposeChange(work, { remove: ['bob'] }, agree);
    assert.deepEqual(items.map((outcome) => ('done' in outcome ? outcome.done : outcome.error.code)), ['resealed']);
    const trust = await trustRoster(w);
    const verified = await readVerifiedItem(w, trust, ref);
    assert.deepEqual([verified?.header.signer, verified?.keys.admins.map(({ name }) => name)], ['alice', ['alice']]);
  });

  test('nothing is written to any item as long as one cannot be', async (t) => {
    const w = await world(t);
    await w.add(bob);
    await w.seal();
    const second = { vault: 'vault', item: 'bobs' };
    await w.store.writeItem(second, example({ ...second, repository: w.repository, recipients: [asRecipient('admin', bob)], namedAdmins: ['bob'], signer: bob }), 0);
    await assert.rejects(proposeChange(await w.as(alice), { remove: ['bob'] }, agree), (error) => {
      assert.ok(error instanceof VaultError && error.code === 'not-a-recipient');
      assert.deepEqual((error.details['items'] as { item: string }[]).map(({ item }) => item), ['bobs']);
      return true;
    });
    assert.equal(await w.generation(), 1);
    assert.equal((await trustRoster(w)).roster.version, 2);
    // Signed, and so ready for whoever can.
    await w.store.removeItem(second, 1);
    assert.equal((await approveProposal(await w.as(alice), undefined, agree)).state, 'in-effect');
    assert.equal(await w.generation(), 2);
  });

  test('a newcomer who cannot be sealed to an item is an admin all the same', async (t) => {
    const w = await world(t);
    await w.add(bob);
    await w.seal({ recipients: [asRecipient('admin', alice)] });
    const { state, items } = await proposeChange(await w.as(bob), { add: [adminOf(carol)] }, agree);
    assert.equal(state, 'in-effect');
    assert.deepEqual(items.map((outcome) => ('error' in outcome ? outcome.error.code : outcome.done)), ['not-a-recipient']);
    assert.deepEqual(await w.store.listProposals(), []);
  });

  test('many approve at once: it takes effect once', async (t) => {
    const w = await world(t);
    await w.add(bob, carol);
    await proposeChange(await w.as(alice), { quorum: 2 }, agree);
    const { fingerprint } = await proposeChange(await w.as(alice), { remove: ['carol'] }, agree);
    const works = await Promise.all([w.as(bob), w.as(bob), w.as(alice), w.as(bob)]);
    const outcomes = await Promise.allSettled(works.map((work) => approveProposal(work, fingerprint, agree)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(isVaultError(outcome.reason, 'proposal-not-found', 'store-conflict'), String(outcome.reason));
    assert.ok(outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value.state === 'in-effect'));
    const { roster } = await trustRoster(w);
    assert.deepEqual([roster.version, rosterDigest(roster)], [5, fingerprint]);
    await approveProposal(await w.as(alice), fingerprint, agree);
    assert.deepEqual(await w.store.listProposals(), []);
  });

  test('of two different ones the first takes effect, and the other is told', async (t) => {
    const w = await world(t);
    await w.add(bob);
    const [one, other] = await Promise.all([w.as(alice), w.as(bob)]);
    await proposeChange(one, { add: [adminOf(carol)] }, agree);
    await assert.rejects(proposeChange(other, { add: [adminOf(stranger)] }, agree), failsWith('store-conflict'));
    const { roster } = await trustRoster(w);
    assert.deepEqual(roster.admins.map(({ name }) => name), ['alice', 'bob', 'carol']);
    const { proposals } = await listProposals(w.store, roster);
    assert.deepEqual(proposals.map(({ state }) => state), ['stale']);
  });

  test('is asked about before anything is written', async (t) => {
    const w = await world(t);
    const no = (): Promise<void> => Promise.reject(new VaultError('interrupted', 'no'));
    await assert.rejects(proposeChange(await w.as(alice), { add: [adminOf(bob)] }, no), failsWith('interrupted'));
    assert.deepEqual(await w.store.listProposals(), []);
    await assert.rejects(beginRosterWork(w, given(stranger), resealForRoster), failsWith('not-an-admin'));
  });
});

describe('a repository with a recovery identity', () => {
  const requestFor = (path: string, changes: Partial<InitRequest> = {}): InitRequest => ({
    root: join(path, 'repository'), adminName: 'alice', identity: () => Promise.resolve(alice.identity), now: NOW,
    state: openStateDirectory(join(path, 'state')), openStore: openFileStore, recovery: true, ...changes,
  });
  const recoveryKey = async (path: string): Promise<string | undefined> => {
    const { roster } = JSON.parse(await readFile(join(path, 'repository', 'trust', '1.json'), 'utf8')) as { roster: { admins: { name: string; public_key: string }[] } };
    return roster.admins.find(({ name }) => name === 'recovery')?.public_key;
  };

  test('hands the secret over before it is one; what was interrupted before that is begun anew', async (t) => {
    const path = await folder(t);
    const killed = (): never => { throw new VaultError('interrupted', 'killed'); };
    await assert.rejects(initRepository(requestFor(path, { handOver: killed })), failsWith('interrupted'));
    assert.ok(!(await readdir(join(path, 'repository'))).includes('vault.json'));
    const first = await recoveryKey(path);
    assert.ok(first !== undefined);
    const notices: string[] = [];
    const handed: string[] = [];
    const { recovery, roster } = await initRepository(requestFor(path, { handOver: (made) => { handed.push(made.roster); }, notice: (text) => { notices.push(text); } }));
    assert.deepEqual([handed, notices.length], [[roster], 1]);
    assert.notEqual(await recoveryKey(path), first);
    assert.equal(await recoveryKey(path), recovery?.admin.public_key);
  });

  test('also without one, or with one where there was none', async (t) => {
    const path = await folder(t);
    await assert.rejects(initRepository(requestFor(path, { handOver: () => { throw new VaultError('interrupted', 'killed'); } })), failsWith('interrupted'));
    await initRepository(requestFor(path, { recovery: false }));
    assert.equal(await recoveryKey(path), undefined);
    await unlink(join(path, 'repository', 'vault.json'));
    await assert.rejects(initRepository(requestFor(path)), failsWith('repository-exists'), 'it was used here');
    await rm(join(path, 'state'), { recursive: true });
    await initRepository(requestFor(path));
    assert.ok(await recoveryKey(path) !== undefined);
  });

  test('never where somebody may rely on it', async (t) => {
    const path = await folder(t);
    const { roster: repository } = await initRepository(requestFor(path));
    await openFileStore(join(path, 'repository')).writeItem(ref, example({ repository }), 0);
    await unlink(join(path, 'repository', 'vault.json'));
    const before = await recoveryKey(path);
    await assert.rejects(initRepository(requestFor(path)), failsWith('repository-exists'), 'it was used here');
    await rm(join(path, 'state'), { recursive: true });
    await assert.rejects(initRepository(requestFor(path)), failsWith('repository-exists'), 'it has an item');
    assert.equal(await recoveryKey(path), before);
    await writeFile(join(path, 'repository', 'vault.json'), '{}');
    await assert.rejects(initRepository(requestFor(path)), failsWith('repository-exists'));
    await assert.rejects(initRepository(requestFor(path, { root: join(path, 'other'), adminName: 'recovery' })), failsWith('party-exists'));
  });
});
