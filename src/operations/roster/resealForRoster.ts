import { isVaultError, VaultError } from '../../errors.ts';
import { parseClient } from '../../inventory/documents.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { Recipient } from '../../items/recipients.ts';
import { extendItem, sealItemWith, type Audience } from '../../items/seal.ts';
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

/** See {@link ResealItems}. Clients stay as they are, by the keys that the inventory has of them. */
export const resealForRoster: ResealItems = async (workspace, trust, effect) => {
  const judge: Trust = { ...trust, formerAdmins: effect.lost };
  const outcomes: ItemOutcome[] = [];
  for (const ref of await workspace.store.listItems()) {
    try {
      const done = await resealItem(workspace, judge, ref, effect);
      if (done !== undefined) outcomes.push({ ...ref, ...done });
    } catch (error) {
      if (!isVaultError(error)) throw error;
      outcomes.push({ ...ref, error });
    }
  }
  return outcomes;
};

interface Step {
  readonly done: 'resealed' | 'extended' | 'signed';
  readonly documents: ItemDocuments;
}

async function resealItem(workspace: Workspace, trust: Trust, ref: ItemRef, effect: RosterEffect, attempts = ATTEMPTS): Promise<{ done: Step['done']; generation: number } | undefined> {
  const verified = await readVerifiedItem(workspace, trust, ref);
  if (verified === undefined) return undefined;
  const step = await nextStep(workspace, trust, verified, effect);
  if (step === undefined) {
    // It may be a killed run's, and not durable yet; the roster must not be changed before it is.
    await workspace.store.finishItem(ref);
    return undefined;
  }
  const expected = verified.header.generation;
  try {
    await workspace.store.writeItem(ref, step.documents, expected);
  } catch (error) {
    if (!isVaultError(error, 'store-conflict') || attempts === 1) throw error;
    return await resealItem(workspace, trust, ref, effect, attempts - 1);
  }
  await rememberGeneration(workspace.state, trust.repository, ref, expected + 1);
  return { done: step.done, generation: expected + 1 };
}

/** The next generation of an item; undefined where the change does not concern it, or no longer. */
async function nextStep(workspace: Workspace, trust: Trust, verified: VerifiedItem, { gained, lost, next, signer }: RosterEffect): Promise<Step | undefined> {
  const { header, keys } = verified;
  const isLost = (name: string): boolean => lost.some((admin) => admin.name === name);
  const isGained = (name: string): boolean => gained.some((admin) => admin.name === name);
  const isOnNext = ({ name, fingerprint }: { readonly name: string; readonly fingerprint: string }): boolean =>
    next.admins.some((admin) => admin.name === name && fingerprintOf(admin) === fingerprint);
  // Also a key that somebody who is gained had once.
  const leaving = keys.admins.filter((entry) => (isLost(entry.name) || isGained(entry.name)) && !isOnNext(entry));
  const newcomers = gained.filter(({ name }) => header.named_admins === null || header.named_admins.includes(name))
    .filter((admin) => !keys.admins.some((entry) => entry.name === admin.name && entry.fingerprint === fingerprintOf(admin)));
  const named = header.named_admins?.filter((name) => next.admins.some((admin) => admin.name === name));
  const audience: Audience = {
    // An item is for somebody: for who signs it, where those whom it was for are gone.
    namedAdmins: named === undefined ? null : named.length > 0 ? named : [signer.name],
    searchQuery: header.search_query, namedClients: header.named_clients,
  };
  const time = workspace.now();

  if (leaving.length > 0) {
    const staying = keys.admins.filter((entry) => !leaving.includes(entry)).flatMap(({ name }) => next.admins.filter((admin) => admin.name === name));
    const recipients = [...[...staying, ...newcomers].map(asRecipient), ...await clientsOf(workspace.store, verified)];
    const same = recipients.filter(({ publicKey }) => leaving.some(({ fingerprint }) => fingerprint === publicKey.fingerprint));
    if (same.length > 0) workspace.warn(`${verified.vault}/${verified.item} stays open to the key of ${leaving.map((each) => each.name).join(', ')}: ${same.map((each) => each.name).join(', ')} ${same.length === 1 ? 'has' : 'have'} the same.`);
    const open = openItem(verified, signer.identity, signer.name);
    try {
      return {
        done: 'resealed',
        documents: await sealItemWith(sealOnThreads, {
          vault: verified.vault, item: verified.item, repository: trust.repository, fields: open.all(), ...audience, recipients,
          generation: header.generation + 1, signer, time,
        }),
      };
    } finally {
      open.wipe();
    }
  }
  if (newcomers.length > 0) {
    const open = openItem(verified, signer.identity, signer.name);
    const dataKey = open.copyDataKey();
    try {
      return { done: 'extended', documents: extendItem({ verified, dataKey, newcomers: newcomers.map(asRecipient), audience, signer, time }) };
    } finally {
      wipe(dataKey);
      open.wipe();
    }
  }
  const resign = isLost(header.signer) && !next.admins.some((admin) => isSignedBy(header, keys.header.signature, admin));
  if (!resign && named?.length === header.named_admins?.length) return undefined;
  // Nobody to seal to, so no data key: what was verified is vouched for by another admin, who need not be able to open it.
  return { done: 'signed', documents: extendItem({ verified, dataKey: new Uint8Array(), newcomers: [], audience, signer, time }) };
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
