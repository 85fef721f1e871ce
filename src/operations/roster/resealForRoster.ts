import { isVaultError, VaultError } from '../../errors.ts';
import { parseClient } from '../../inventory/documents.ts';
import type { ItemDocuments, RecipientEntry } from '../../items/model.ts';
import type { Recipient } from '../../items/recipients.ts';
import { extendItem, sealItemWith, type Audience, type Signer } from '../../items/seal.ts';
import { isSignedBy, openItem, type VerifiedItem } from '../../items/verify.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { wipe } from '../../sealing/encoding.ts';
import { parsePublicKey } from '../../sealing/publicKey.ts';
import { rememberGeneration } from '../../state/generations.ts';
import type { Store } from '../../stores/store.ts';
import type { Admin } from '../../trust/roster.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import { readVerifiedItem, type Trust, type Workspace } from '../workspace.ts';
import type { ItemOutcome, ResealItems, RosterEffect } from './resealItems.ts';

/** How often an item is written where somebody else writes it at the same time. */
const ATTEMPTS = 5;

/**
 * See {@link ResealItems}. Clients stay as they are, by the keys that the inventory has of them. Where somebody is lost, nothing is
 * written as long as one item cannot be.
 */
export const resealForRoster: ResealItems = async (workspace, trust, effect) => {
  const judge: Trust = { ...trust, formerAdmins: effect.vouched };
  const refs = await workspace.store.listItems();
  if (effect.lost.length > 0) {
    const failed = await forEach(refs, (ref) => checkItem(workspace, judge, ref, effect));
    if (failed.length > 0) return failed;
  }
  return await forEach(refs, (ref) => resealItem(workspace, judge, ref, effect));
};

interface Done {
  readonly done: 'resealed' | 'extended' | 'signed';
  readonly generation: number;
}

/** The outcomes of `work`, where it has one or fails. */
async function forEach(refs: readonly ItemRef[], work: (ref: ItemRef) => Promise<Done | undefined>): Promise<ItemOutcome[]> {
  const outcomes: ItemOutcome[] = [];
  for (const ref of refs) {
    try {
      const done = await work(ref);
      if (done !== undefined) outcomes.push({ ...ref, ...done });
    } catch (error) {
      if (!isVaultError(error)) throw error;
      outcomes.push({ ...ref, error });
    }
  }
  return outcomes;
}

/** Fails as {@link resealItem} would, and writes nothing. */
async function checkItem(workspace: Workspace, trust: Trust, ref: ItemRef, effect: RosterEffect): Promise<undefined> {
  const verified = await readVerifiedItem(workspace, trust, ref);
  const need = verified === undefined ? undefined : needOf(verified, effect);
  if (verified === undefined || need === undefined || need.done === 'signed') return;
  if (need.done === 'resealed') await clientsOf(workspace.store, verified);
  openItem(verified, effect.signer.identity, effect.signer.name).wipe();
}

async function resealItem(workspace: Workspace, trust: Trust, ref: ItemRef, effect: RosterEffect, attempts = ATTEMPTS): Promise<Done | undefined> {
  const verified = await readVerifiedItem(workspace, trust, ref);
  if (verified === undefined) return undefined;
  const need = needOf(verified, effect);
  if (need === undefined) {
    // It may be a killed run's, and not durable yet; the roster must not be changed before it is.
    await workspace.store.finishItem(ref);
    return undefined;
  }
  const expected = verified.header.generation;
  try {
    await workspace.store.writeItem(ref, await writeNeed(workspace, trust, verified, need, effect.signer), expected);
  } catch (error) {
    if (!isVaultError(error, 'store-conflict') || attempts === 1) throw error;
    return await resealItem(workspace, trust, ref, effect, attempts - 1);
  }
  await rememberGeneration(workspace.state, trust.repository, ref, expected + 1);
  return { done: need.done, generation: expected + 1 };
}

/** What an item lacks. */
interface Need {
  readonly done: Done['done'];
  readonly leaving: readonly RecipientEntry[];
  /** With the keys of the next roster. */
  readonly staying: readonly Admin[];
  readonly newcomers: readonly Admin[];
  readonly audience: Audience;
}

/** Undefined where the change does not concern the item, or no longer. */
function needOf({ header, keys }: VerifiedItem, { gained, lost, next, signer }: RosterEffect): Need | undefined {
  const isAmong = (admins: readonly Admin[], name: string): boolean => admins.some((admin) => admin.name === name);
  const isOnNext = ({ name, fingerprint }: RecipientEntry): boolean => next.admins.some((admin) => admin.name === name && fingerprintOf(admin) === fingerprint);
  // Also a key that somebody who is gained had once.
  const leaving = keys.admins.filter((entry) => (isAmong(lost, entry.name) || isAmong(gained, entry.name)) && !isOnNext(entry));
  const staying = keys.admins.filter((entry) => !leaving.includes(entry)).flatMap(({ name }) => next.admins.filter((admin) => admin.name === name));
  const newcomers = gained.filter(({ name }) => header.named_admins === null || header.named_admins.includes(name))
    .filter(({ name }) => !isAmong(staying, name));
  const named = header.named_admins?.filter((name) => isAmong(next.admins, name));
  const audience: Audience = {
    // An item is for somebody: for who signs it, where those whom it was for are gone.
    namedAdmins: named === undefined ? null : named.length > 0 ? named : [signer.name],
    searchQuery: header.search_query, namedClients: header.named_clients,
  };
  const resign = isAmong(lost, header.signer) && !next.admins.some((admin) => isSignedBy(header, keys.header.signature, admin));
  const done = leaving.length > 0 ? 'resealed' : newcomers.length > 0 ? 'extended'
    : resign || named?.length !== header.named_admins?.length ? 'signed' : undefined;
  return done === undefined ? undefined : { done, leaving, staying, newcomers, audience };
}

async function writeNeed(workspace: Workspace, { repository }: Trust, verified: VerifiedItem, { done, leaving, staying, newcomers, audience }: Need, signer: Signer): Promise<ItemDocuments> {
  const { vault, item } = verified;
  const time = workspace.now();
  // Nobody to seal to, so no data key: what was verified is vouched for by another admin, who need not be able to open it.
  if (done === 'signed') return extendItem({ verified, dataKey: new Uint8Array(), newcomers: [], audience, signer, time });
  const open = openItem(verified, signer.identity, signer.name);
  try {
    if (done === 'extended') {
      const dataKey = open.copyDataKey();
      try {
        return extendItem({ verified, dataKey, newcomers: newcomers.map(asRecipient), audience, signer, time });
      } finally {
        wipe(dataKey);
      }
    }
    const recipients = [...[...staying, ...newcomers].map(asRecipient), ...await clientsOf(workspace.store, verified)];
    const same = recipients.filter(({ publicKey }) => leaving.some(({ fingerprint }) => fingerprint === publicKey.fingerprint));
    if (same.length > 0) workspace.warn(`${vault}/${item} stays open to the key of ${leaving.map(({ name }) => name).join(', ')}: ${same.map(({ name }) => name).join(', ')} ${same.length === 1 ? 'has' : 'have'} the same.`);
    return await sealItemWith(sealOnThreads, { vault, item, repository, fields: open.all(), ...audience, recipients, generation: verified.header.generation + 1, signer, time });
  } finally {
    open.wipe();
  }
}

function fingerprintOf({ public_key }: Admin): string {
  return parsePublicKey(public_key).fingerprint;
}

function asRecipient({ name, public_key }: Admin): Recipient {
  return { role: 'admin', name, publicKey: parsePublicKey(public_key) };
}

/** The clients of an item with the keys that the inventory has, which must be those that it is sealed to. @throws VaultError recipient-unknown, key-changed */
async function clientsOf(store: Store, { vault, item, keys }: VerifiedItem): Promise<Recipient[]> {
  const where = `${vault}/${item}`;
  const clients: Recipient[] = [];
  for (const { name, fingerprint } of keys.clients) {
    const document = await store.readInventory('clients', name);
    if (document === undefined) {
      throw new VaultError('recipient-unknown', `${where} is sealed to ${name}, whose public key is not in clients/.`, {
        hint: `Add it again with "vault node add ${name} --key LINE", or take it out of the item: "vault evict ${name}".`, details: { vault, item, name },
      });
    }
    const publicKey = parseClient(document.bytes, document.source, name);
    if (publicKey.fingerprint !== fingerprint) {
      throw new VaultError('key-changed', `The public key of ${name} is not the one that ${where} is sealed to: it was ${fingerprint}, and is ${publicKey.fingerprint}.`, {
        hint: `Ask whoever runs the machine. If the change is right, accept it first: "vault refresh ${vault} ${item} --accept-key ${name}".`, details: { vault, item, name, before: fingerprint, after: publicKey.fingerprint },
      });
    }
    clients.push({ role: 'client', name, publicKey });
  }
  return clients;
}
