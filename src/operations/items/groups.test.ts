// Items in the group form, held against plain sets: after a refresh exactly those can open an item whom its query and names say, in either form; and
// no data key that somebody had who left opens anything.
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { isVaultError, type ErrorCode } from '../../errors.ts';
import { audienceName, groupFingerprints } from '../../items/group.ts';
import { alice, adminOf } from '../../items/example.testing.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { OpenItem } from '../../items/verify.ts';
import { isAudienceName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Identity } from '../../sealing/identity.ts';
import { addNode, removeNode } from '../nodes.ts';
import { openItem } from '../openItem.ts';
import { evictParty } from '../evictParty.ts';
import { resealForRoster } from '../roster/resealForRoster.ts';
import { proposeChange } from '../roster/rosterChange.ts';
import { readVerifiedItem, signerOf, trustRoster } from '../workspace.ts';
import { changeItem, type Form, type Session } from './changeItem.ts';
import { changeItems } from './changeItems.ts';
import { createItem } from './createItem.ts';
import { deleteItem, findDoomedItem } from './deleteItem.ts';
import { findParty } from './evict.ts';
import type { ItemOutcome } from './outcome.ts';
import { refreshItems } from './refreshItems.ts';
import { removalIntent } from './removeFromItem.ts';
import { rotateKeys } from './rotateKeys.ts';
import type { Model } from './sequencesModel.testing.ts';
import { noHistory, VAULT, World } from './sequencesWorld.testing.ts';
import { updateIntent } from './updateIntent.ts';

const NODES = ['n1', 'n2', 'n3'];
const ITEMS = ['one', 'two', 'three'];
const ROLES = ['web', 'db'];
const BATCH = { dryRun: false, confirm: () => Promise.resolve(true), onStep: () => undefined };
const agree = (): Promise<void> => Promise.resolve();

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('node' as const), node: fc.constantFrom(...NODES), role: fc.constantFrom(...ROLES) }) },
  fc.record({ do: fc.constant('node gone' as const), node: fc.constantFrom(...NODES) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), item: fc.constantFrom(...ITEMS), role: fc.constantFrom(...ROLES), form: fc.constantFrom<Form>('inline', 'group'), named: fc.subarray(NODES), toAlice: fc.boolean() }) },
  fc.record({ do: fc.constant('update' as const), item: fc.constantFrom(...ITEMS), value: fc.nat(9) }),
  fc.record({ do: fc.constant('query' as const), item: fc.constantFrom(...ITEMS), role: fc.constantFrom(...ROLES) }),
  fc.record({ do: fc.constant('regroup' as const), item: fc.constantFrom(...ITEMS), form: fc.constantFrom<Form>('inline', 'group') }),
  fc.record({ do: fc.constant('rotate' as const) }),
  fc.record({ do: fc.constant('evict' as const), node: fc.constantFrom(...NODES) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('admin' as const) }) },
  fc.record({ do: fc.constant('delete' as const), item: fc.constantFrom(...ITEMS) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelItem { role: string; value: number; named: string[]; toAlice: boolean }

class Run {
  readonly #world: World;
  readonly #nodes = new Map<string, { role: string; identity: Identity }>();
  readonly #items = new Map<string, ModelItem>();
  #bob: Identity | undefined;
  /** Everybody who ever had a key, and the data keys that each once opened. */
  readonly #everybody = new Map<string, Identity>([['alice', alice.identity]]);
  readonly #known = new Map<string, { identity: string; dataKey: string }[]>();

  constructor(world: World) { this.#world = world; }

  async do(one: Step): Promise<void> {
    await this.#do(one);
    const session = await this.#session();
    succeeded(await refreshItems(session, await session.workspace.store.listItems(), BATCH));
    await this.check();
    // What is as it should be is not written again.
    const before = await this.#documents();
    const again = await refreshItems(await this.#session(), await session.workspace.store.listItems(), BATCH);
    assert.deepEqual(again.map(({ change }) => change?.action), again.map(() => 'unchanged'));
    assert.deepEqual(await this.#documents(), before);
  }

  async #do(one: Step): Promise<void> {
    const { workspace } = this.#world;
    const item = 'item' in one ? this.#items.get(one.item) : undefined;
    const ref: ItemRef = { vault: VAULT, item: 'item' in one ? one.item : '' };
    switch (one.do) {
      case 'node': {
        const identity = this.#nodes.get(one.node)?.identity ?? this.#newKey(one.node);
        await addNode(workspace.store, { name: one.node, publicKey: identity.publicKey, runList: [`role[${one.role}]`], replace: this.#nodes.has(one.node) });
        this.#nodes.set(one.node, { role: one.role, identity });
        return;
      }
      case 'node gone':
        if (this.#nodes.delete(one.node)) await removeNode(workspace.store, one.node);
        return;
      case 'create': {
        if (item !== undefined) return;
        const named = one.named.filter((name) => this.#nodes.has(name));
        await createItem(await this.#session(), { ...ref, fields: { value: 0 }, searchQuery: `role:${one.role}`, namedAdmins: one.toAlice ? ['alice'] : null, namedClients: named, recreate: false, form: one.form });
        this.#items.set(one.item, { role: one.role, value: 0, named, toAlice: one.toAlice });
        return;
      }
      case 'update':
      case 'query': {
        if (item === undefined) return;
        const session = await this.#session();
        await changeItem(session, ref, updateIntent(session, ref, {
          values: one.do === 'update' ? { value: one.value } : undefined, searchQuery: one.do === 'query' ? `role:${one.role}` : undefined, replace: false, admins: [], clients: [],
        }));
        if (one.do === 'update') item.value = one.value;
        else item.role = one.role;
        return;
      }
      case 'regroup': {
        if (item === undefined) return;
        succeeded(await refreshItems(await this.#session(), [ref], { ...BATCH, form: one.form }));
        const verified = await readVerifiedItem(workspace, await trustRoster(workspace), ref);
        assert.equal(verified?.keys.audience !== undefined, one.form === 'group');
        return;
      }
      case 'rotate':
        succeeded(await rotateKeys(await this.#session(), await workspace.store.listItems(), BATCH));
        return;
      case 'evict': {
        if (!this.#nodes.delete(one.node)) return;
        const session = await this.#session();
        succeeded((await evictParty(session, await findParty(session, one.node, 'client', noHistory()), noHistory, { ...BATCH, agree })).items);
        for (const each of this.#items.values()) each.named = each.named.filter((name) => name !== one.node);
        return;
      }
      case 'admin': {
        const trust = await trustRoster(workspace);
        const work = { workspace, trust, signer: signerOf(trust.roster, alice.identity), resealItems: resealForRoster };
        const joins = this.#bob === undefined;
        const identity = this.#bob ?? this.#newKey('bob');
        const done = await proposeChange(work, joins ? { add: [adminOf({ ...alice, name: 'bob', identity })] } : { remove: ['bob'] }, agree);
        for (const each of done.items) if ('error' in each) throw each.error;
        this.#bob = joins ? identity : undefined;
        return;
      }
      case 'delete': {
        if (item === undefined) return;
        const trust = await trustRoster(workspace);
        await deleteItem(workspace, trust, await findDoomedItem(workspace, trust, ref));
        this.#items.delete(one.item);
        this.#known.delete(one.item);
      }
    }
  }

  #newKey(name: string): Identity {
    const identity = this.#world.newKey(name);
    this.#everybody.set(`${name} ${identity.publicKey.fingerprint}`, identity);
    return identity;
  }

  async #session(): Promise<Session> {
    const model: Model = { nodes: new Map([...this.#nodes].map(([name, { role, identity }]) => [name, { role, key: identity.publicKey.fingerprint }])), items: new Map(), seen: new Map(), admins: new Map([['alice', alice.identity.publicKey.fingerprint]]) };
    return await this.#world.session(model, 'alice', { accept: true, cleanUnknown: true });
  }

  async #documents(): Promise<ItemDocuments[]> {
    const { store } = this.#world.workspace;
    return await Promise.all((await store.listItems()).map(async (ref) => await store.readItem(ref) ?? assert.fail()));
  }

  async check(): Promise<void> {
    for (const [item, expected] of this.#items) {
      const ref = { vault: VAULT, item };
      const intended = new Set<Identity>([
        alice.identity, ...(this.#bob !== undefined && !expected.toAlice ? [this.#bob] : []),
        ...[...this.#nodes].filter(([name, { role }]) => role === expected.role || expected.named.includes(name)).map(([, { identity }]) => identity),
      ]);
      const known = this.#known.get(item) ?? [];
      this.#known.set(item, known);
      const now: typeof known = [];
      for (const [who, identity] of this.#everybody) {
        let open: OpenItem;
        try {
          open = await openItem(this.#world.workspace, ref, one(identity));
        } catch (error) {
          assert.ok(isVaultError(error, 'not-a-recipient', 'recipient-key-changed'), String(error));
          assert.ok(!intended.has(identity), `${who} cannot open ${item}`);
          continue;
        }
        assert.ok(intended.has(identity), `${who} can open ${item}`);
        assert.deepEqual(open.all(), { value: expected.value });
        const key = open.copyDataKey();
        now.push({ identity: who, dataKey: Buffer.from(key).toString('hex') });
        open.wipe();
      }
      assert.equal(new Set(now.map(({ dataKey }) => dataKey)).size, 1);
      for (const { identity, dataKey } of known) {
        assert.ok(now[0]?.dataKey !== dataKey || now.some((each) => each.identity === identity), `${identity} left, and knows the data key of ${item}`);
      }
      known.push(...now);
    }
  }
}

async function* one(identity: Identity): AsyncGenerator<{ identity: Identity }> {
  yield await Promise.resolve({ identity });
}

function succeeded(outcomes: readonly ItemOutcome[]): void {
  for (const { error } of outcomes) if (error !== undefined) throw error;
}

test('whatever happens to items in both forms, exactly those can open them whom they are for', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
    const world = await World.open();
    try {
      const run = new Run(world);
      for (const each of steps) await run.do(each);
    } finally {
      await world.close();
    }
  }), { numRuns: 20, endOnFailure: true });
});

interface Scene { readonly world: World; session(): Promise<Session>; refresh(): Promise<readonly ItemOutcome[]>; node(name: string): Promise<void> }

/** Three items with one audience, n1 and n2, and an item of its own. */
async function open(t: TestContext): Promise<Scene> {
  const world = await World.open();
  t.after(() => world.close());
  const model: Model = { nodes: new Map(), items: new Map(), seen: new Map(), admins: new Map([['alice', alice.identity.publicKey.fingerprint]]) };
  const scene: Scene = {
    world,
    session: () => world.session(model, 'alice', { accept: true, cleanUnknown: true }),
    refresh: async () => await refreshItems(await scene.session(), await world.workspace.store.listItems(), BATCH),
    async node(name) { await addNode(world.workspace.store, { name, publicKey: world.newKey(name).publicKey, runList: ['role[web]'], replace: false }); },
  };
  for (const name of ['n1', 'n2']) await scene.node(name);
  for (const item of ITEMS) await createItem(await scene.session(), { vault: VAULT, item, fields: { secret: item }, searchQuery: 'role:web', namedAdmins: null, namedClients: [], recreate: false, form: 'group' });
  return scene;
}

const refused = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);

test('a node that joins is one entry in the audience; one that leaves makes a new epoch, and every item follows', async (t) => {
  const scene = await open(t);
  await scene.node('n3');
  const joined = await scene.refresh();
  assert.deepEqual(joined.map(({ item, change }) => [isAudienceName(item), change?.action, change?.audience.gained.length]), [[true, 'extended', 1], ...ITEMS.map(() => [false, 'unchanged', 0])]);
  await removeNode(scene.world.workspace.store, 'n1');
  const left = await scene.refresh();
  assert.deepEqual(left.map(({ change }) => change?.action), ['resealed', 'resealed', 'resealed', 'resealed']);
  assert.deepEqual((await scene.refresh()).map(({ change }) => change?.action), ['unchanged', 'unchanged', 'unchanged', 'unchanged']);
});

test('a run that ends after the audience, before its items, leaves all readable, and the next one goes on', async (t) => {
  const scene = await open(t);
  const { workspace } = scene.world;
  const audience = { vault: VAULT, item: audienceName({ searchQuery: 'role:web', namedAdmins: null, namedClients: [] }, 0) };
  const read = async (): Promise<NonNullable<Awaited<ReturnType<typeof readVerifiedItem>>>> => await readVerifiedItem(workspace, await trustRoster(workspace), audience) ?? assert.fail();
  const first = groupFingerprints((await read()).header)[0] ?? '';
  await removeNode(workspace.store, 'n1');
  await changeItem(await scene.session(), audience, {});
  const { header } = await read();
  assert.equal(header.group?.epoch, 2);
  assert.equal(groupFingerprints(header)[1], first, 'the key that items are still sealed to is kept');
  for (const item of ITEMS) (await openItem(workspace, { vault: VAULT, item }, one(alice.identity))).wipe();
  // One more epoch before the items follow: two old keys would be too many to forget.
  await removeNode(workspace.store, 'n2');
  await scene.node('n4');
  await changeItem(await scene.session(), audience, {});
  assert.ok(groupFingerprints((await read()).header).includes(first));
  succeeded(await scene.refresh());
  for (const item of ITEMS) (await openItem(workspace, { vault: VAULT, item }, one(alice.identity))).wipe();
  await changeItem(await scene.session(), audience, { rotate: true });
  assert.ok(!groupFingerprints((await read()).header).includes(first), 'what nothing is sealed to any more is forgotten');
});

test('what somebody sealed to the keys of before is not written', async (t) => {
  const scene = await open(t);
  const { workspace } = scene.world;
  const ref = { vault: VAULT, item: 'one' };
  const slow = await scene.session();
  await slow.groups.read({ vault: VAULT, item: audienceName({ searchQuery: 'role:web', namedAdmins: null, namedClients: [] }, 0) });
  const intent = updateIntent(slow, ref, { values: { secret: 'new' }, replace: false, searchQuery: undefined, admins: [], clients: [] });
  await removeNode(workspace.store, 'n1');
  succeeded(await scene.refresh());
  await changeItem(slow, ref, { ...intent, scope: 'named' });
  const verified = await readVerifiedItem(workspace, await trustRoster(workspace), ref);
  const audience = await (await scene.session()).groups.read({ vault: VAULT, item: verified?.keys.audience?.name ?? '' });
  assert.equal(verified?.keys.audience?.fingerprint, groupFingerprints(audience.header)[0]);
});

test('an audience is nobody\'s item', async (t) => {
  const scene = await open(t);
  const { workspace } = scene.world;
  const ref = (await workspace.store.listItems()).find(({ item }) => isAudienceName(item)) ?? assert.fail();
  await assert.rejects(openItem(workspace, ref, one(alice.identity)), refused('item-is-audience'));
  await assert.rejects(createItem(await scene.session(), { ...ref, fields: {}, searchQuery: '', namedAdmins: null, namedClients: [], recreate: false }), refused('item-is-audience'));
  await assert.rejects(findDoomedItem(workspace, await trustRoster(workspace), ref), refused('item-is-audience'));
});

test('nothing is sealed to an audience in which somebody still is who should not be', async (t) => {
  const scene = await open(t);
  const { workspace } = scene.world;
  await removeNode(workspace.store, 'n1');
  const four = { vault: VAULT, item: 'four', fields: {}, searchQuery: 'role:web', namedAdmins: null, namedClients: [], recreate: false };
  await assert.rejects(createItem(await scene.session(), { ...four, form: 'group' }), refused('audience-mismatch'));
  await createItem(await scene.session(), { ...four, form: 'inline' });
  const [outcome] = (await refreshItems(await scene.session(), [four], { ...BATCH, form: 'group' })).filter(({ item }) => item === 'four');
  assert.equal(outcome?.error?.code, 'audience-mismatch');
  succeeded(await scene.refresh());
  succeeded(await refreshItems(await scene.session(), [four], { ...BATCH, form: 'group' }));
});

test('an eviction takes along what an earlier run left sealed to the keys of before', async (t) => {
  const scene = await open(t);
  const { workspace } = scene.world;
  const session = await scene.session();
  await removeNode(workspace.store, 'n1');
  const ref = { vault: VAULT, item: 'one' };
  await changeItem(await scene.session(), ref, updateIntent(session, ref, { values: { secret: 'new' }, replace: false, searchQuery: undefined, admins: [], clients: [] }));
  // Neither the inventory nor the audience names it any more, and there is no history.
  const again = await scene.session();
  const { items } = await evictParty(again, await findParty(again, 'n1', 'client', noHistory()), noHistory, { ...BATCH, agree });
  await assert.rejects(findParty(await scene.session(), 'n1', 'client', noHistory()), refused('party-not-found'));
  assert.deepEqual(items.filter(({ item }) => !isAudienceName(item)).map(({ item, change }) => [item, change?.action]), [['three', 'resealed'], ['two', 'resealed']]);
});

test('fields are taken out of an item in the group form, too', async (t) => {
  const scene = await open(t);
  const session = await scene.session();
  const ref = { vault: VAULT, item: 'one' };
  succeeded(await changeItems(session, [ref], await removalIntent(session, ref, { admins: [], clients: [], fields: ['secret'] }), BATCH));
  const opened = await openItem(scene.world.workspace, ref, one(alice.identity));
  assert.deepEqual(opened.fields, []);
  opened.wipe();
});

test('an item that cannot be read is no success of who had to change it', async (t) => {
  const scene = await open(t);
  const { workspace } = scene.world;
  await appendFile(join(workspace.store.location, 'data_bags', VAULT, 'two_keys.json'), ' ');
  const session = await scene.session();
  const { items } = await evictParty(session, await findParty(session, 'n1', 'client', noHistory()), noHistory, { ...BATCH, agree });
  assert.deepEqual(items.flatMap(({ item, error }) => (error === undefined ? [] : [[item, error.code]])), [['two', 'document-not-canonical']]);
});

test('an audience that was seen here and is gone is not quietly made anew', async (t) => {
  const scene = await open(t);
  const { store } = scene.world.workspace;
  const audience = (await store.listItems()).find(({ item }) => isAudienceName(item)) ?? assert.fail();
  await store.removeItem(audience, (await store.readHead(audience))?.generation ?? 0);
  const session = await scene.session();
  await assert.rejects(createItem(session, { vault: VAULT, item: 'four', fields: {}, searchQuery: 'role:web', namedAdmins: null, namedClients: [], recreate: false, form: 'group' }), refused('item-missing'));
});

test('what the audience of an item lost is told with the change of the item', async (t) => {
  const scene = await open(t);
  await removeNode(scene.world.workspace.store, 'n1');
  const session = await scene.session();
  const ref = { vault: VAULT, item: 'one' };
  const { audience } = await changeItem(session, ref, updateIntent(session, ref, { values: { secret: 'new' }, replace: false, searchQuery: undefined, admins: [], clients: [] }));
  assert.deepEqual(audience.lost.map(({ name }) => name), ['n1']);
});
