import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import { VaultError, isVaultError } from '../../errors.ts';
import { audienceName, audienceOf, groupFingerprints, nextGroupKeys } from '../../items/group.ts';
import type { ItemHeader, KeysDocument } from '../../items/model.ts';
import type { Recipient } from '../../items/recipients.ts';
import { sealItemWith, sortNames, type Audience } from '../../items/seal.ts';
import { parseItemDocuments, type VerifiedItem } from '../../items/verify.ts';
import { isAudienceName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { readSeenGeneration, rememberGeneration } from '../../state/generations.ts';
import { premisesOf } from '../premises.ts';
import { judgeItem, readVerifiedItem, type Trust, type Workspace } from '../workspace.ts';
import type { Session } from './changeItem.ts';

/** The audiences of a repository as one run sees them: each is read once, however many items are sealed to it. */
export interface Groups {
  /** @throws VaultError item-missing, and what verification throws */
  read(audience: ItemRef): Promise<VerifiedItem>;
  /** The audience that an item is sealed to, no older than the item; undefined where it lists its recipients. @throws as {@link read} */
  of(verified: VerifiedItem): Promise<VerifiedItem | undefined>;
  /** It was changed. */
  forget(audience: ItemRef): void;
  /** One for exactly these; undefined where there is none. */
  find(vault: string, wanted: Audience): Promise<VerifiedItem | undefined>;
  /** Whether a vault has any. */
  isUsed(vault: string): Promise<boolean>;
  /** Items that are sealed to an audience, with the fingerprint of the key that each is sealed to. */
  itemsOf(audience: ItemRef): Promise<readonly SealedToGroup[]>;
}

export interface SealedToGroup extends ItemRef {
  readonly fingerprint: string;
}

/** Items that are read at once. */
const READS = 16;

export function openGroups(workspace: Workspace, trust: Trust): Groups {
  const { store } = workspace;
  const known = new Map<string, Promise<VerifiedItem>>();
  const namesIn = async (vault: string): Promise<string[]> => (await store.listItems(vault)).map(({ item }) => item);
  const groups: Groups = {
    read({ vault, item }) {
      const key = `${vault}/${item}`;
      let found = known.get(key);
      if (found === undefined) known.set(key, found = readAudience(workspace, trust, { vault, item }));
      return found;
    },
    async of(verified) {
      const ref = audienceOf(verified, verified.keys);
      if (ref === undefined) return undefined;
      const found = await groups.read(ref);
      if (groupFingerprints(found.header).includes(verified.keys.audience?.fingerprint ?? '')) return found;
      groups.forget(ref);
      return await groups.read(ref);
    },
    forget({ vault, item }) { known.delete(`${vault}/${item}`); },
    isUsed: async (vault) => (await namesIn(vault)).some(isAudienceName),
    async find(vault, wanted) {
      for (const item of (await namesIn(vault)).filter(isAudienceName)) {
        const found = await groups.read({ vault, item });
        if (isFor(found.header, wanted)) return found;
      }
      return undefined;
    },
    async itemsOf({ vault, item }) {
      const limit = pLimit(READS);
      const names = (await namesIn(vault)).filter((each) => !isAudienceName(each));
      const found = await Promise.all(names.map((name) => limit(async (): Promise<SealedToGroup[]> => {
        const sealed = await sealedTo(workspace, { vault, item: name });
        return sealed?.name === item ? [{ vault, item: name, fingerprint: sealed.fingerprint }] : [];
      })));
      return found.flat();
    },
  };
  return groups;
}

/** What an item says that it is sealed to, unjudged: what is damaged is told where it is used. */
async function sealedTo({ store }: Workspace, ref: ItemRef): Promise<{ readonly name: string; readonly fingerprint: string } | undefined> {
  const documents = await store.readItem(ref);
  try {
    return documents === undefined ? undefined : parseItemDocuments(ref, documents).keys.audience;
  } catch (error) {
    if (isVaultError(error)) return undefined;
    throw error;
  }
}

/** An audience as a member needs it: where the store can tell, without the others' entries. @throws VaultError item-missing, and what verification throws */
export async function readAudienceAs(workspace: Workspace, trust: Trust, ref: ItemRef, fingerprint: string): Promise<VerifiedItem> {
  const reply = await workspace.store.live?.readItemAs(ref, fingerprint);
  return reply?.kind === 'found' ? await judgeItem(workspace, trust, parseItemDocuments(ref, reply.documents)) : await readAudience(workspace, trust, ref);
}

/** @throws VaultError item-missing */
export async function readAudience(workspace: Workspace, trust: Trust, { vault, item }: ItemRef): Promise<VerifiedItem> {
  const verified = await readVerifiedItem(workspace, trust, { vault, item });
  if (verified !== undefined) return verified;
  throw new VaultError('item-missing', `The audience ${vault}/${item}, which items of ${vault} are sealed to, is gone: nobody can open them.`, {
    hint: 'Restore both of its files from version control or a backup.', details: { vault, item },
  });
}

/** Who can open an item: those whom it lists, or the members of its audience. */
export async function recipientsOf(groups: Pick<Groups, 'of'>, verified: VerifiedItem): Promise<KeysDocument> {
  return (await groups.of(verified) ?? verified).keys;
}

/** @throws VaultError item-is-audience: it holds keys alone, and is changed by what is about its items */
export function refuseAudience({ vault, item }: ItemRef): void {
  if (!isAudienceName(item)) return;
  throw new VaultError('item-is-audience', `${vault}/${item} is an audience: it holds the keys that other items are sealed to, and nothing of yours.`, {
    hint: `See who is in it with "vault show ${vault} ${item}"; bring it up to date with "vault refresh ${vault}".`, details: { vault, item },
  });
}

/** Whom an item or an audience is for, as its header says. */
export function headerAudience({ search_query, named_admins, named_clients }: ItemHeader): Audience {
  return { searchQuery: search_query, namedAdmins: named_admins, namedClients: named_clients };
}

function isFor(header: ItemHeader, { searchQuery, namedAdmins, namedClients }: Audience): boolean {
  return isDeepStrictEqual(headerAudience(header), { searchQuery, namedAdmins: namedAdmins === null ? null : sortNames(namedAdmins), namedClients: sortNames(namedClients) });
}

/** Makes an audience; where somebody else made it meanwhile, that one is taken. @throws VaultError what the store throws */
export async function makeAudience({ workspace, trust, signer, groups, sealEntries }: Session, vault: string, audience: Audience, recipients: readonly Recipient[]): Promise<VerifiedItem> {
  for (let attempt = 0; ; attempt++) {
    const ref: ItemRef = { vault, item: audienceName(audience, attempt) };
    const present = await readVerifiedItem(workspace, trust, ref);
    if (present !== undefined && isFor(present.header, audience)) return present;
    if (present !== undefined) continue;
    const generation = await readSeenGeneration(workspace.state, trust.repository, ref) + 1;
    const documents = await sealItemWith(sealEntries, { ...ref, repository: trust.repository, ...nextGroupKeys(undefined, () => false), ...audience, recipients, generation, signer, time: workspace.now() });
    try {
      await workspace.store.writeItem(ref, documents, 0, premisesOf(workspace, trust, recipients));
    } catch (error) {
      if (!isVaultError(error, 'store-conflict') || error.details['found'] === undefined) throw error;
      attempt--; // Somebody else was faster.
      continue;
    }
    await rememberGeneration(workspace.state, trust.repository, ref, generation);
    groups.forget(ref);
    return await groups.read(ref);
  }
}

/** What an item that is sealed to an audience goes by: that it is the audience's present key. @returns what {@link Store.writeItem} asks; it throws store-conflict */
export function groupPremises({ workspace: { store }, groups }: Session, { vault, item, header }: VerifiedItem): () => Promise<void> {
  return async () => {
    const head = await store.readHead({ vault, item });
    if (head?.item_digest === header.item_digest) return;
    groups.forget({ vault, item });
    throw new VaultError('store-conflict', `The audience ${vault}/${item} was changed by somebody else meanwhile. Nothing was written.`, {
      hint: 'Run the command again: it then goes by what is there now.', details: { vault, item, found: head?.generation ?? 0 },
    });
  };
}

/** The keys of an audience's next epoch, with those that some item is still sealed to. */
export async function nextKeys({ groups }: Session, verified: VerifiedItem, open: Parameters<typeof nextGroupKeys>[0]): Promise<ReturnType<typeof nextGroupKeys>> {
  const needed = new Set((await groups.itemsOf(verified)).map(({ fingerprint }) => fingerprint));
  return nextGroupKeys(open, (fingerprint) => needed.has(fingerprint) || fingerprint === groupFingerprints(verified.header)[0]);
}
