import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isVaultError } from '../../errors.ts';
import { alice } from '../../items/example.testing.ts';
import { parseItem, parseKeys, type ItemDocuments, type KeysDocument, type RecipientEntry } from '../../items/model.ts';
import { openItem, type OpenItem } from '../../items/verify.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { openField } from '../../sealing/field.ts';
import { identityFromSeed, type Identity } from '../../sealing/identity.ts';
import type { PublicKey } from '../../sealing/publicKey.ts';
import { openStateDirectory } from '../../state/stateDirectory.ts';
import { openFileStore } from '../../stores/file/fileStore.ts';
import { initRepository } from '../initRepository.ts';
import { readItem } from '../openItem.ts';
import { verifyRepository } from '../verify/verifyRepository.ts';
import type { Workspace } from '../workspace.ts';
import type { Effect, Model, ModelItem } from './sequencesModel.testing.ts';
import { openSession } from './session.ts';
import type { Session } from './changeItem.ts';
import type { StoredGeneration } from './exposure.ts';

export const VAULT = 'vault';
export const NOW = new Date('2026-01-02T03:04:05Z');

/** Somebody with a key; one name can have had several. */
interface Holder {
  readonly name: string;
  readonly identity: Identity;
}

/** A data key that some could open once. */
interface KnownKey {
  readonly dataKey: Uint8Array;
  readonly commitment: string;
  readonly holders: Set<string>;
}

/** A repository in a temporary directory, and everybody who ever had a key in it. */
export class World {
  readonly #path: string;
  readonly workspace: Workspace;
  readonly #reader: Workspace;
  readonly #holders = new Map<string, Holder>();
  readonly #known = new Map<string, KnownKey[]>();
  #before = new Map<string, ItemDocuments>();
  #seed = 0;

  private constructor(path: string, root: string) {
    this.#path = path;
    const of = (state: string): Workspace => ({ store: openFileStore(root), state: openStateDirectory(join(path, state)), now: () => NOW, notice: () => undefined, warn: () => undefined });
    this.workspace = of('state');
    this.#reader = of('reader');
    this.#holders.set(alice.identity.publicKey.fingerprint, alice);
  }

  static async open(): Promise<World> {
    const path = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vault-sequences-'));
    const { root } = await initRepository({
      root: join(path, 'repository'), adminName: 'alice', identity: () => Promise.resolve(alice.identity), now: NOW, state: openStateDirectory(join(path, 'state')), openStore: openFileStore,
    });
    return new World(path, root);
  }

  async close(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }

  /** A new key for `name`. */
  newKey(name: string): Identity {
    const seed = new Uint8Array(32).fill(0x5a);
    new DataView(seed.buffer).setUint32(0, ++this.#seed);
    const identity = identityFromSeed(seed);
    this.#holders.set(identity.publicKey.fingerprint, { name, identity });
    return identity;
  }

  keyOf(fingerprint: string): PublicKey {
    return this.#holders.get(fingerprint)?.identity.publicKey ?? assert.fail('no such key');
  }

  async session(model: Model, signer: string, options: { readonly accept: boolean; readonly cleanUnknown: boolean }): Promise<Session> {
    const { identity } = this.#holders.get(model.admins.get(signer) ?? '') ?? assert.fail('no such admin');
    return await openSession(this.workspace, identity, { acceptKeys: options.accept ? [...model.nodes.keys()] : [], skipUnsealable: false, allowEmpty: true, cleanUnknown: options.cleanUnknown });
  }

  /** Everything is as the model says, for everybody. @param effects what happened to an item; `same` where none is named */
  async check(model: Model, effects: ReadonlyMap<string, Effect>): Promise<void> {
    assert.deepEqual((await verifyRepository(this.workspace, {})).problems, []);
    assert.deepEqual((await this.workspace.store.listItems()).map(({ item }) => item), [...model.items.keys()].sort());
    const now = new Map<string, ItemDocuments>();
    for (const [item, expected] of model.items) now.set(item, await this.#checkItem({ vault: VAULT, item }, expected, effects.get(item) ?? 'same'));
    for (const item of this.#before.keys()) {
      if (!now.has(item)) await assert.rejects(readItem(this.workspace, { vault: VAULT, item }), (error) => isVaultError(error, 'item-not-found'));
    }
    this.#before = now;
    for (const file of await readdir(join(this.workspace.store.location, 'data_bags', VAULT))) assert.doesNotMatch(file, /\.(new|pending)$/);
  }

  async #checkItem(ref: ItemRef, expected: ModelItem, effect: Effect): Promise<ItemDocuments> {
    const documents = await this.workspace.store.readItem(ref) ?? assert.fail('no such item');
    this.#checkEffect(ref, documents, effect);
    const { verified } = await readItem(this.#reader, ref);
    const { header, keys } = verified;
    const query = expected.role === undefined ? '' : `role:${expected.role}`;
    assert.deepEqual([header.generation, header.search_query, header.named_admins, header.named_clients, header.signer],
      [expected.generation, query, expected.namedAdmins, expected.namedClients, expected.signer]);
    assert.deepEqual(new Map(keys.admins.map((each) => [each.name, each.fingerprint])), new Map([...expected.admins].sort()));
    assert.deepEqual(new Map(keys.clients.map((each) => [each.name, each.fingerprint])), new Map([...expected.clients].sort()));

    const intended = new Set([...expected.admins.values(), ...expected.clients.values()]);
    for (const [fingerprint, { name, identity }] of this.#holders) {
      let open: OpenItem;
      try {
        open = openItem(verified, identity, name);
      } catch (error) {
        assert.ok(isVaultError(error, 'not-a-recipient', 'recipient-key-changed'), String(error));
        assert.ok(!intended.has(fingerprint), `${name} cannot open ${ref.item}`);
        continue;
      }
      assert.ok(intended.has(fingerprint), `${name} can open ${ref.item}`);
      assert.deepEqual(open.all(), expected.fields);
      this.#remember(ref, header.commitment, open.copyDataKey(), fingerprint);
      open.wipe();
    }
    this.#checkKept(ref, documents, header.commitment, intended);
    return documents;
  }

  #remember({ item }: ItemRef, commitment: string, dataKey: Uint8Array, fingerprint: string): void {
    const known = this.#known.get(item) ?? [];
    this.#known.set(item, known);
    const found = known.find((each) => each.commitment === commitment);
    if (found === undefined) known.push({ dataKey, commitment, holders: new Set([fingerprint]) });
    else found.holders.add(fingerprint);
  }

  /** Whoever kept a data key that they could open once, and is no recipient any more, can do nothing with it. */
  #checkKept(ref: ItemRef, documents: ItemDocuments, commitment: string, intended: ReadonlySet<string>): void {
    const fields = Object.entries(parseItem(documents.item, ref.item).fields);
    for (const known of this.#known.get(ref.item) ?? []) {
      if ([...known.holders].every((fingerprint) => intended.has(fingerprint))) continue;
      assert.notEqual(known.commitment, commitment, `the data key of ${ref.item} is one that somebody who lost it knows`);
      for (const [name, field] of fields) assert.throws(() => openField(field, known.dataKey, ref, name), (error) => isVaultError(error, 'field-unopenable'));
    }
  }

  #checkEffect({ item }: ItemRef, now: ItemDocuments, effect: Effect): void {
    const before = this.#before.get(item);
    if (before === undefined) return;
    const [then, here] = [parseKeys(before.keys, item), parseKeys(now.keys, item)];
    const sameContent = Buffer.compare(before.item, now.item) === 0;
    const kept = entriesOf(then).every(([id, entry]) => entriesOf(here).some(([other, each]) => other === id && each.sealed_key === entry.sealed_key));
    const added = entriesOf(here).length - entriesOf(then).length;
    if (effect === 'same') assert.ok(sameContent && Buffer.compare(before.keys, now.keys) === 0, `${item} was written`);
    // An item without fields has the same ITEM.json under every key.
    else if (effect === 'resealed') assert.ok((!sameContent || Object.keys(parseItem(now.item, item).fields).length === 0) && then.header.commitment !== here.header.commitment, `${item} was not encrypted anew`);
    else assert.ok(sameContent && kept && then.header.commitment === here.header.commitment && (effect === 'extended' ? added > 0 : added === 0), `${item} was not ${effect}`);
  }
}

function entriesOf({ admins, clients }: KeysDocument): (readonly [string, RecipientEntry])[] {
  return [...admins.map((each) => [`admin ${each.name}`, each] as const), ...clients.map((each) => [`client ${each.name}`, each] as const)];
}

/** The history of a repository that has none. */
export async function* noHistory(): AsyncGenerator<StoredGeneration> {}
