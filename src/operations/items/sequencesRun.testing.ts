import assert from 'node:assert/strict';
import { isVaultError, type ErrorCode } from '../../errors.ts';
import { adminOf, alice } from '../../items/example.testing.ts';
import { addNode, removeNode } from '../nodes.ts';
import { evictParty } from '../evictParty.ts';
import { resealForRoster } from '../roster/resealForRoster.ts';
import { proposeChange } from '../roster/rosterChange.ts';
import { signerOf, trustRoster } from '../workspace.ts';
import { changeItem, planChange } from './changeItem.ts';
import { createItem } from './createItem.ts';
import { deleteItem, findDoomedItem } from './deleteItem.ts';
import { findParty } from './evict.ts';
import type { ItemOutcome } from './outcome.ts';
import { refreshItems } from './refreshItems.ts';
import { changeItems } from './changeItems.ts';
import { removalIntent } from './removeFromItem.ts';
import { rotateAllKeys } from './rotateKeys.ts';
import { isDoubtful, plan, planDeparture, type Effect, type Model, type ModelItem, type Planned, type Wish } from './sequencesModel.testing.ts';
import type { Step } from './sequencesSteps.testing.ts';
import { noHistory, VAULT, type World } from './sequencesWorld.testing.ts';
import { updateIntent } from './updateIntent.ts';

const agree = (): Promise<void> => Promise.resolve();
const BATCH = { dryRun: false, confirm: () => Promise.resolve(true), onStep: () => undefined };

/** A run of commands, and what they should have come to. */
export class Run {
  readonly #world: World;
  readonly #model: Model = { nodes: new Map(), admins: new Map([['alice', alice.identity.publicKey.fingerprint]]), items: new Map(), seen: new Map() };
  /** What the last command should have done to items. */
  #effects = new Map<string, Effect>();

  constructor(world: World) {
    this.#world = world;
  }

  async do(one: Step): Promise<void> {
    this.#effects = new Map();
    await this.#do(one);
    await this.#world.check(this.#model, this.#effects);
  }

  async #do(one: Step): Promise<void> {
    const { store } = this.#world.workspace;
    const { nodes, items } = this.#model;
    switch (one.do) {
      case 'node add': {
        if (nodes.has(one.node)) return;
        await this.#writeNode(one.node, one.role, true);
        return;
      }
      case 'node remove': {
        if (nodes.delete(one.node)) await removeNode(store, one.node);
        return;
      }
      case 'node rekey':
      case 'node role': {
        const present = nodes.get(one.node);
        if (present !== undefined) await this.#writeNode(one.node, one.do === 'node role' ? one.role : present.role, one.do === 'node rekey');
        return;
      }
      case 'create':
        await this.#create(one);
        return;
      case 'update':
        await this.#update(one, { values: one.values, replace: one.replace }, (present) => ({ fields: one.replace ? one.values : { ...present.fields, ...one.values } }));
        return;
      case 'query':
        await this.#update(one, { searchQuery: one.role === null ? '' : `role:${one.role}` }, () => ({ looks: true, ...(one.role === null ? { dropQuery: true } : { role: one.role }) }));
        return;
      case 'name': {
        const [clients, admins] = [one.clients.filter((name) => nodes.has(name)), one.admins.filter((name) => this.#model.admins.has(name))];
        if (clients.length + admins.length === 0) return;
        await this.#update(one, { clients, admins }, ({ namedAdmins }) => ({ namedClients: clients, ...(namedAdmins === null ? {} : { namedAdmins: [...namedAdmins, ...admins] }) }));
        return;
      }
      case 'remove':
        await this.#remove(one);
        return;
      case 'refresh':
      case 'rotate':
        await this.#batch(one);
        return;
      case 'evict node':
        await this.#evictNode(one);
        return;
      case 'evict admin':
        await this.#evictAdmin(one.admin);
        return;
      case 'admin add':
        await this.#addAdmin(one.admin);
        return;
      case 'admin remove':
        await this.#removeAdmin(one.admin);
        return;
      case 'delete': {
        const present = items.get(one.item);
        if (present === undefined) return;
        const trust = await trustRoster(this.#world.workspace);
        await deleteItem(this.#world.workspace, trust, await findDoomedItem(this.#world.workspace, trust, { vault: VAULT, item: one.item }));
        items.delete(one.item);
        this.#model.seen.set(one.item, present.generation + 1);
      }
    }
  }

  async #writeNode(name: string, of: string, rekey: boolean): Promise<void> {
    const present = this.#model.nodes.get(name);
    const publicKey = present === undefined || rekey ? this.#world.newKey(name).publicKey : this.#world.keyOf(present.key);
    await addNode(this.#world.workspace.store, { name, publicKey, runList: [`role[${of}]`], replace: present !== undefined });
    this.#model.nodes.set(name, { role: of, key: publicKey.fingerprint });
  }

  #signer(index: number): string {
    const names = [...this.#model.admins.keys()];
    return names[index % names.length] ?? 'alice';
  }

  async #session(one: { readonly signer: number; readonly accept: boolean; readonly cleanUnknown: boolean }): ReturnType<World['session']> {
    return await this.#world.session(this.#model, this.#signer(one.signer), one);
  }

  #wish(one: { readonly signer: number; readonly accept: boolean; readonly cleanUnknown: boolean }, more: Partial<Wish>): Wish {
    return { signer: this.#signer(one.signer), accept: one.accept, cleanUnknown: one.cleanUnknown, ask: true, ...more };
  }

  async #create(one: Extract<Step, { do: 'create' }>): Promise<void> {
    const { nodes, admins: roster, items, seen } = this.#model;
    const clients = one.clients.filter((name) => nodes.has(name));
    const named = one.admins === null ? null : ['alice', ...one.admins.filter((name) => roster.has(name))];
    const created = createItem(await this.#session(one), {
      vault: VAULT, item: one.item, fields: one.values, searchQuery: one.role === null ? '' : `role:${one.role}`, namedAdmins: named, namedClients: clients, recreate: false,
    });
    if (items.has(one.item)) {
      await fails('item-exists', created);
      return;
    }
    const empty: ModelItem = { generation: seen.get(one.item) ?? 0, fields: {}, role: undefined, namedAdmins: named, namedClients: [], admins: new Map(roster), clients: new Map(), signer: 'alice' };
    const planned = plan(this.#model, empty, this.#wish(one, { namedClients: clients, fields: one.values, rotate: true, ...(one.role === null ? {} : { role: one.role }) }));
    if ('error' in planned) {
      await fails(planned.error, created);
      return;
    }
    if (!one.accept && planned.gained.some((name) => isDoubtful(this.#model, name))) {
      await fails('key-changed', created);
      return;
    }
    await created;
    this.#apply(one.item, planned);
  }

  /** A command that changes one item, in the way of `vault update`. */
  async #update(
    one: { readonly item: string; readonly signer: number; readonly accept: boolean; readonly cleanUnknown: boolean }, update: Partial<Parameters<typeof updateIntent>[2]>, wish: (present: ModelItem) => Partial<Wish>,
  ): Promise<void> {
    const present = this.#model.items.get(one.item);
    if (present === undefined) return;
    const session = await this.#session(one);
    const ref = { vault: VAULT, item: one.item };
    const intent = updateIntent(session, ref, { values: undefined, replace: false, searchQuery: undefined, admins: [], clients: [], ...update });
    const done = planChange(session, ref, intent).then((agreed) => changeItem(session, ref, intent, agreed));
    const planned = this.#plan(present, this.#wish(one, wish(present)));
    if ('error' in planned) {
      await fails(planned.error, done);
      return;
    }
    await done;
    this.#apply(one.item, planned);
  }

  #plan(present: ModelItem, wish: Wish): Planned {
    const planned = plan(this.#model, present, wish);
    return 'gained' in planned && !wish.accept && planned.gained.some((name) => isDoubtful(this.#model, name)) ? { error: 'key-changed' } : planned;
  }

  async #remove(one: Extract<Step, { do: 'remove' }>): Promise<void> {
    const present = this.#model.items.get(one.item);
    if (present === undefined) return;
    const clients = one.clients.filter((name) => present.clients.has(name));
    const admins = one.admins.filter((name) => present.admins.has(name));
    const fields = one.fields.filter((name) => Object.hasOwn(present.fields, name));
    if (clients.length + admins.length + fields.length === 0) return;
    const session = await this.#session(one);
    const ref = { vault: VAULT, item: one.item };
    const intent = removalIntent(session, ref, { clients, admins, fields });
    if (present.role !== undefined && clients.some((name) => this.#model.nodes.get(name)?.role === present.role)) {
      await fails('recipient-selected', intent);
      return;
    }
    const before = present.namedAdmins ?? (admins.length === 0 ? null : [...present.admins.keys()]);
    const wish = this.#wish(one, {
      ask: false, exclude: { admins, clients }, namedAdmins: before,
      ...(fields.length === 0 ? {} : { fields: Object.fromEntries(Object.entries(present.fields).filter(([name]) => !fields.includes(name))) }),
    });
    await this.#expectEach([one.item], () => wish, changeItems(session, [ref], await intent, BATCH));
  }

  async #batch(one: Extract<Step, { do: 'refresh' | 'rotate' }>): Promise<void> {
    const session = await this.#session(one);
    const refs = await this.#world.workspace.store.listItems();
    const outcomes = one.do === 'refresh' ? refreshItems(session, refs, BATCH) : rotateAllKeys(session, refs, { ...BATCH, restart: true, onResume: () => undefined });
    const wish = this.#wish(one, one.do === 'refresh' ? {} : { ask: false, rotate: true });
    await this.#expectEach([...this.#model.items.keys()], () => wish, outcomes);
  }

  /** A command over several items: one that fails does not stop the others, but for a changed key. @returns whether all went well */
  async #expectEach(names: readonly string[], wish: (present: ModelItem) => Wish, run: Promise<readonly ItemOutcome[]>): Promise<boolean> {
    const planned = new Map(names.map((name) => {
      const present = this.#model.items.get(name) ?? assert.fail(name);
      return [name, this.#plan(present, wish(present))] as const;
    }));
    if ([...planned.values()].some((each) => 'error' in each && each.error === 'key-changed')) {
      await fails('key-changed', run);
      return false;
    }
    const outcomes = await run;
    assert.deepEqual(outcomes.map((outcome) => outcome.item).sort(), [...names].sort());
    for (const outcome of outcomes) {
      const expected = planned.get(outcome.item) ?? assert.fail(outcome.item);
      assert.equal(outcome.error?.code, 'error' in expected ? expected.error : undefined, outcome.error?.message);
      if ('next' in expected) this.#apply(outcome.item, expected);
    }
    return outcomes.every(({ error }) => error === undefined);
  }

  #apply(name: string, { effect, next }: Extract<Planned, { effect: Effect }>): void {
    this.#effects.set(name, effect);
    this.#model.items.set(name, next);
    this.#model.seen.set(name, next.generation);
  }

  async #evictNode(one: Extract<Step, { do: 'evict node' }>): Promise<void> {
    const { nodes, items } = this.#model;
    const naming = [...items].filter(([, { clients, namedClients }]) => clients.has(one.node) || namedClients.includes(one.node)).map(([name]) => name);
    const session = await this.#session(one);
    const found = findParty(session, one.node, 'client', noHistory());
    if (!nodes.has(one.node) && naming.length === 0) {
      await fails('party-not-found', found);
      return;
    }
    const evicted = evictParty(session, await found, noHistory, { ...BATCH, agree }).then((eviction) => eviction.items);
    const wish = this.#wish(one, { ask: false, exclude: { admins: [], clients: [one.node] } });
    const changed = naming.some((name) => 'error' in this.#plan(items.get(name) ?? assert.fail(), wish) && (this.#plan(items.get(name) ?? assert.fail(), wish) as { error: ErrorCode }).error === 'key-changed');
    await this.#expectEach(naming, () => wish, evicted);
    if (!changed) nodes.delete(one.node);
  }

  async #evictAdmin(name: string): Promise<void> {
    const { admins, items } = this.#model;
    if (!admins.has(name)) return;
    const session = await this.#world.session(this.#model, 'alice', { accept: true, cleanUnknown: true });
    const naming = [...items].filter(([, each]) => each.admins.has(name) || each.signer === name || each.namedAdmins?.includes(name) === true).map(([each]) => each);
    const evicted = evictParty(session, await findParty(session, name, 'admin', noHistory()), noHistory, { ...BATCH, agree });
    const done = await this.#expectEach(naming, (present) => ({
      signer: 'alice', accept: true, cleanUnknown: true, ask: false, exclude: { admins: [name], clients: [] }, resign: present.signer === name,
    }), evicted.then((eviction) => eviction.items));
    assert.ok(done);
    assert.equal((await evicted).roster?.state, 'in-effect');
    admins.delete(name);
  }

  async #roster(change: Parameters<typeof proposeChange>[1]): Promise<void> {
    const { workspace } = this.#world;
    const trust = await trustRoster(workspace);
    await proposeChange({ workspace, trust, signer: signerOf(trust.roster, alice.identity), resealItems: resealForRoster }, change, agree);
  }

  async #addAdmin(name: string): Promise<void> {
    const { admins, items } = this.#model;
    if (admins.has(name)) return;
    const identity = this.#world.newKey(name);
    await this.#roster({ add: [adminOf({ ...alice, name, identity })] });
    admins.set(name, identity.publicKey.fingerprint);
    for (const [each, present] of items) {
      if (present.namedAdmins !== null) continue;
      this.#apply(each, { effect: 'extended', gained: [], next: { ...present, generation: present.generation + 1, admins: new Map([...present.admins, [name, identity.publicKey.fingerprint]]), signer: 'alice' } });
    }
  }

  async #removeAdmin(name: string): Promise<void> {
    const { admins, items } = this.#model;
    if (!admins.has(name)) return;
    const planned = [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([each, present]) => [each, planDeparture(this.#model, present, name)] as const);
    const [error] = planned.flatMap(([, each]) => (each !== undefined && 'error' in each ? [each.error] : []));
    const removed = this.#roster({ remove: [name] });
    if (error !== undefined) {
      await fails(error, removed);
      return;
    }
    await removed;
    admins.delete(name);
    for (const [each, departure] of planned) if (departure !== undefined && 'next' in departure) this.#apply(each, departure);
  }
}

async function fails(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => isVaultError(error, code) || assert.fail(`${code} was expected: ${String(error)}`));
}
