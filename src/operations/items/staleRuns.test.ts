// Runs that began before somebody else changed the roster or the inventory, as one that waits for a person's answer.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isVaultError } from '../../errors.ts';
import { adminOf, alice } from '../../items/example.testing.ts';
import { isAudienceName } from '../../names.ts';
import { addNode, removeNode } from '../nodes.ts';
import { evictParty } from '../evictParty.ts';
import { resealForRoster } from '../roster/resealForRoster.ts';
import { proposeChange, type RosterWork } from '../roster/rosterChange.ts';
import { readVerifiedItem, signerOf, trustRoster } from '../workspace.ts';
import { changeItem, planChange, type Intent, type Session } from './changeItem.ts';
import { createItem } from './createItem.ts';
import { findParty } from './evict.ts';
import type { Model } from './sequencesModel.testing.ts';
import { noHistory, VAULT, World } from './sequencesWorld.testing.ts';

const agree = (): Promise<void> => Promise.resolve();
const conflict = (error: unknown): boolean => isVaultError(error, 'store-conflict');
const FIELDS = { fields: { secret: 'old' }, searchQuery: 'role:web', namedAdmins: null, namedClients: [], recreate: false };
const one = { vault: VAULT, item: 'one' };

interface Scene {
  readonly world: World;
  session(signer?: string): Promise<Session>;
  addNode(name: string, replace?: boolean): Promise<void>;
  readers(item?: string): Promise<readonly string[]>;
  roster(change: Parameters<typeof proposeChange>[1]): Promise<void>;
  evict(name: string, agreed?: () => Promise<void>): ReturnType<typeof evictParty>;
}

/** An item of a repository with the admins alice and bob and the nodes n1 and n2. */
async function open(t: TestContext): Promise<Scene> {
  const world = await World.open();
  t.after(() => world.close());
  const { workspace } = world;
  const bob = world.newKey('bob');
  const model: Model = { nodes: new Map(), items: new Map(), seen: new Map(), admins: new Map([['alice', alice.identity.publicKey.fingerprint], ['bob', bob.publicKey.fingerprint]]) };
  const work = async (): Promise<RosterWork> => {
    const trust = await trustRoster(workspace);
    return { workspace, trust, signer: signerOf(trust.roster, alice.identity), resealItems: resealForRoster };
  };
  const scene: Scene = {
    world,
    session: (signer = 'alice') => world.session(model, signer, { accept: false, cleanUnknown: false }),
    async addNode(name, replace = false) {
      await addNode(workspace.store, { name, publicKey: world.newKey(name).publicKey, runList: ['role[web]'], replace });
    },
    async readers(item = 'one') {
      const verified = await readVerifiedItem(workspace, await trustRoster(workspace), { vault: VAULT, item });
      return [...verified?.keys.admins ?? [], ...verified?.keys.clients ?? []].map(({ name }) => name);
    },
    async roster(change) {
      await proposeChange(await work(), change, agree);
    },
    async evict(name, agreed = agree) {
      const session = await scene.session();
      return await evictParty(session, await findParty(session, name, 'client', noHistory()), noHistory, { dryRun: false, onStep: () => undefined, agree: agreed });
    },
  };
  await scene.roster({ add: [adminOf({ ...alice, name: 'bob', identity: bob })] });
  for (const name of ['n1', 'n2']) await scene.addNode(name);
  await createItem(await scene.session(), { ...one, ...FIELDS });
  return scene;
}

const SECRET: Intent = { fields: () => ({ secret: 'new' }) };

test('does not seal to a node again that was evicted meanwhile', async (t) => {
  const scene = await open(t);
  const stale = await scene.session();
  const plan = await planChange(stale, one, SECRET);
  await scene.evict('n2');
  await assert.rejects(changeItem(stale, one, SECRET, plan), conflict);
  await assert.rejects(createItem(stale, { vault: VAULT, item: 'two', ...FIELDS }), conflict);
  assert.deepEqual(await scene.readers(), ['alice', 'bob', 'n1']);
  assert.equal((await changeItem(await scene.session(), one, SECRET)).generation, 3);
});

test('does not seal to an admin again who was removed meanwhile, and is not signed by one', async (t) => {
  const scene = await open(t);
  const [alices, bobs] = [await scene.session(), await scene.session('bob')];
  for (const stale of [alices, bobs]) await planChange(stale, one, SECRET);
  await scene.roster({ remove: ['bob'] });
  for (const stale of [alices, bobs]) {
    await assert.rejects(createItem(stale, { vault: VAULT, item: 'two', ...FIELDS }), conflict);
    await assert.rejects(changeItem(stale, one, SECRET), (error) => isVaultError(error, 'store-conflict', 'not-a-recipient'));
  }
  assert.deepEqual(await scene.readers(), ['alice', 'n1', 'n2']);
});

test('does not seal to the old key of a node that has another meanwhile', async (t) => {
  const scene = await open(t);
  await scene.addNode('n3');
  const stale = await scene.session();
  await planChange(stale, one, {});
  await scene.addNode('n3', true);
  await assert.rejects(changeItem(stale, one, {}), conflict);
  assert.equal((await changeItem(await scene.session(), one, {})).action, 'extended');
});

test('is found by an eviction that was planned before, with all that it sealed', async (t) => {
  const scene = await open(t);
  const { items, exposure } = await scene.evict('n2', async () => {
    await createItem(await scene.session(), { vault: VAULT, item: 'two', ...FIELDS });
  });
  assert.deepEqual(items.map(({ item, change }) => [item, change?.action]), [['one', 'resealed'], ['two', 'resealed']]);
  assert.deepEqual(exposure.map(({ item, fields }) => [item, fields.map(({ name }) => name)]), [['one', ['secret']], ['two', ['secret']]]);
  for (const item of ['one', 'two']) assert.deepEqual(await scene.readers(item), ['alice', 'bob', 'n1']);
});

test('takes nothing from a node that came, and was sealed to, after the query was asked', async (t) => {
  const scene = await open(t);
  const stale = await scene.world.session({ nodes: new Map(), items: new Map(), seen: new Map(), admins: new Map([['alice', alice.identity.publicKey.fingerprint]]) }, 'alice', { accept: false, cleanUnknown: true });
  const plan = await planChange(stale, one, SECRET);
  await scene.addNode('n3');
  assert.equal((await changeItem(await scene.session(), one, {})).action, 'extended');
  await changeItem(stale, one, SECRET, plan);
  assert.deepEqual(await scene.readers(), ['alice', 'bob', 'n1', 'n2', 'n3']);
});

test('passes over a node that left after the query was asked', async (t) => {
  const scene = await open(t);
  await scene.addNode('n3');
  const stale = await scene.session();
  await stale.inventory.select('role:web');
  await removeNode(scene.world.workspace.store, 'n3');
  assert.equal((await changeItem(stale, one, SECRET)).generation, 2);
  assert.deepEqual(await scene.readers(), ['alice', 'bob', 'n1', 'n2']);
});

test('goes on where somebody else brought the audience up to date', async (t) => {
  const scene = await open(t);
  const two = { vault: VAULT, item: 'two' };
  await createItem(await scene.session(), { ...two, ...FIELDS, form: 'group' });
  await scene.addNode('n3');
  const stale = await scene.session();
  const plan = await planChange(stale, two, SECRET);
  await changeItem(await scene.session(), { vault: VAULT, item: (await stale.workspace.store.listItems(VAULT)).find(({ item }) => isAudienceName(item))?.item ?? '' }, {});
  assert.equal((await changeItem(stale, two, SECRET, plan)).generation, 2);
});
