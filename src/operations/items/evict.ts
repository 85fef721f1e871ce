import { VaultError } from '../../errors.ts';
import { nearest } from '../../json/validate.ts';
import { checkName } from '../../names.ts';
import type { ItemRef, RecipientRole } from '../../sealing/dataKey.ts';
import { parsePublicKey } from '../../sealing/publicKey.ts';
import type { Store } from '../../stores/store.ts';
import type { Roster } from '../../trust/roster.ts';
import { removeNode } from '../nodes.ts';
import type { Intent, Session } from './changeItem.ts';
import { changeItems, changesSomething, type BatchOptions } from './changeItems.ts';
import { findExposure, type Exposure, type StoredGeneration, type Suspect, type UnknownGenerations } from './exposure.ts';
import { findBehind } from './groups.ts';
import type { ItemOutcome } from './outcome.ts';
import type { Party } from './planAudience.ts';

/** A party that shall go from everything. */
export interface EvictedParty extends Party {
  /** Fingerprints of the keys that it is known by. */
  readonly fingerprints: ReadonlySet<string>;
  /** Whether the inventory has it; of an admin, whether the roster has. */
  readonly isListed: boolean;
}

/** What an eviction did, and what the party could have read before. */
export interface Eviction {
  readonly party: EvictedParty;
  readonly items: readonly ItemOutcome[];
  /** Other names under which the same key can open items still. */
  readonly aliases: readonly string[];
  /** Every secret that must be changed at its source. */
  readonly exposure: readonly Exposure[];
  /** Generations that are in no commit: whom they were sealed to, and what they held, cannot be told. */
  readonly unknown: readonly UnknownGenerations[];
}

/**
 * Finds a party by its name: on the roster, in the inventory, among the recipients of items, and in history.
 * @param role undefined where the name alone shall tell
 * @throws VaultError party-not-found; usage where the name is that of a node and of an admin
 */
export async function findParty(session: Session, name: string, role: RecipientRole | undefined, history: AsyncIterable<StoredGeneration>): Promise<EvictedParty> {
  const { workspace: { store }, trust: { roster } } = session;
  checkName(role === 'admin' ? 'admin' : 'node', name);
  const sealed = await sealedTo(presentAnd(store, history), name);
  const admin = roster.admins.find((each) => each.name === name);
  const client = (await session.inventory.clients([name])).keyOf(name);
  const isNode = client !== undefined || (await store.listInventoryNames('nodes')).includes(name);
  const roles: Readonly<Record<RecipientRole, boolean>> = { admin: admin !== undefined || sealed.admin.size > 0, client: isNode || sealed.client.size > 0 };
  if (role === undefined && roles.admin && roles.client) {
    throw new VaultError('usage', `${name} is the name of an admin and of a node.`, { hint: 'Say which with --admin or --node; to evict both, run it twice.', details: { name } });
  }
  const found = role ?? (roles.admin ? 'admin' : 'client');
  // An eviction that was interrupted may have left nothing of the name but items that are still open to it.
  if (!roles[found] && (found === 'admin' || (await itemsBehind(session)).length === 0)) throw await noSuchParty(session, name, roster);
  const own = found === 'admin' ? (admin === undefined ? [] : [parsePublicKey(admin.public_key).fingerprint])
    : client !== undefined && 'publicKey' in client ? [client.publicKey.fingerprint] : [];
  return { role: found, name, fingerprints: new Set([...own, ...sealed[found]]), isListed: found === 'admin' ? admin !== undefined : isNode };
}

/** Fingerprints under which items are, or were, sealed to a name. */
async function sealedTo(generations: AsyncIterable<StoredGeneration>, name: string): Promise<Record<RecipientRole, Set<string>>> {
  const found = { admin: new Set<string>(), client: new Set<string>() };
  const pattern = `"name":"${name}"`;
  for await (const { keys } of generations) {
    const text = Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength).toString('utf8');
    if (!text.includes(pattern)) continue;
    const clientsAt = text.indexOf('\n  "clients": ');
    for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
      const [, fingerprint] = /"fingerprint":"([A-Za-z0-9_-]{43})",$/.exec(text.slice(Math.max(0, at - 80), at)) ?? [];
      if (fingerprint !== undefined) found[at < clientsAt ? 'admin' : 'client'].add(fingerprint);
    }
  }
  return found;
}

async function noSuchParty({ workspace: { store } }: Session, name: string, roster: Roster): Promise<VaultError> {
  const near = nearest(name, [...roster.admins.map((admin) => admin.name), ...await store.listInventoryNames('clients')]);
  return new VaultError('party-not-found', `There is neither a node nor an admin ${name}, and no item that is here or in git's history is sealed to one.`, {
    hint: near === undefined ? 'See "vault node list" and "vault admin list".' : `Did you mean ${near}?`, details: { name },
  });
}

export interface EvictOptions extends Omit<BatchOptions, 'confirm'> {
  /** Asked once, with what would be done and what could be read, before anything is done; throws to stop. */
  readonly agree: (plan: Eviction) => Promise<void>;
}

/**
 * Takes a party out of every item, which are encrypted anew, and a node out of the inventory; what an admin signed is signed by the
 * signer. The roster is somebody else's work. Can be run again: what is done is not done twice, and what could be read is told each time.
 * @throws VaultError usage where the party is the signer, and as changeItems
 */
export async function evict(session: Session, party: EvictedParty, history: () => AsyncIterable<StoredGeneration>, { agree, ...options }: EvictOptions): Promise<Eviction> {
  const { workspace: { store }, signer } = session;
  if (party.role === 'admin' && party.name === signer.name) {
    throw new VaultError('usage', 'You cannot evict yourself: nobody would be left to sign it.', { hint: 'Ask another admin to do it.', details: { name: party.name } });
  }
  const refs = await itemsToChange(session, party.name);
  const intent: Intent = { scope: 'named', exclude: [party], ...(party.role === 'admin' ? { resign: ({ header }) => header.signer === party.name } : {}) };
  const confirmed = { ...options, confirm: () => Promise.resolve(true) };
  // Read before anything changes: in a repository without history, what is there now is all there is.
  const plan: Eviction = {
    party, items: await changeItems(session, refs, intent, { ...confirmed, dryRun: true }), aliases: await aliasesOf(store, party),
    ...await findExposure(presentAnd(store, history()), party),
  };
  if (options.dryRun || (!party.isListed && !changesSomething(plan.items))) return plan;
  await agree(plan);
  // The inventory first, so that no refresh seals to it again.
  if (party.role === 'client' && party.isListed) await removeNode(store, party.name);
  // Somebody may have sealed to it since the plan was made; from here on nobody does.
  const now = await itemsToChange(session, party.name);
  const isPlanned = ({ vault, item }: ItemRef): boolean => refs.some((ref) => ref.vault === vault && ref.item === item);
  const found = now.every(isPlanned) ? {} : await findExposure(presentAnd(store, history()), party);
  return { ...plan, ...found, items: await changeItems(session, now, intent, confirmed) };
}

/** Those that name a party; and those that an earlier run left behind. */
async function itemsToChange(session: Session, name: string): Promise<ItemRef[]> {
  return [...await itemsNaming(session.workspace.store, name), ...await itemsBehind(session)];
}

async function itemsBehind({ workspace: { store }, groups }: Session): Promise<ItemRef[]> {
  return await findBehind(groups, (await store.listItems()).map(({ vault }) => vault));
}

/** Items whose recipients, or whose header, name a party; the text is looked at, so that damaged ones count too. */
async function itemsNaming(store: Store, name: string): Promise<ItemRef[]> {
  const found: ItemRef[] = [];
  for (const ref of await store.listItems()) {
    const { keys } = await store.readItem(ref).catch(() => store.readRaw(ref)) ?? {};
    if (keys !== undefined && Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength).includes(`"${name}"`)) found.push(ref);
  }
  // Items that are sealed to an audience follow it (changeItems).
  return found;
}

/** Other names in present items with the party's key: it can open those still. */
async function aliasesOf(store: Store, { name, fingerprints }: Suspect): Promise<string[]> {
  const aliases = new Set<string>();
  for await (const { keys } of presentAnd(store)) {
    const text = new TextDecoder().decode(keys);
    for (const fingerprint of fingerprints) {
      for (const [, other = ''] of text.matchAll(new RegExp(`"fingerprint":"${fingerprint}","name":"([^"]+)"`, 'g'))) if (other !== name) aliases.add(other);
    }
  }
  return [...aliases].sort();
}

/** The items as they are, then as they were. */
async function* presentAnd(store: Store, history?: AsyncIterable<StoredGeneration>): AsyncGenerator<StoredGeneration> {
  for (const ref of await store.listItems()) {
    const { keys, item } = await store.readItem(ref).catch(() => store.readRaw(ref)) ?? {};
    if (keys !== undefined) yield { ref, keys, item };
  }
  if (history !== undefined) yield* history;
}
