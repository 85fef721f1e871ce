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
import { judgeItem, readVerifiedItem, refuseMissing, type Trust, type Workspace } from '../workspace.ts';
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
  /** Items of a vault that are sealed to an audience; reads each item once, where there is an audience at all. */
  sealed(vault: string): Promise<readonly SealedToGroup[]>;
}

/** An item that says that it is sealed to an audience; unjudged. */
export interface SealedToGroup extends ItemRef {
  /** Name of the audience. */
  readonly audience: string;
  /** Of the key that it is sealed to; undefined where it is damaged, and only names the audience. */
  readonly fingerprint: string | undefined;
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
    async find(vault, wanted) {
      for (const item of (await namesIn(vault)).filter(isAudienceName)) {
        const found = await groups.read({ vault, item });
        if (isFor(found.header, wanted)) return found;
      }
      return undefined;
    },
    async sealed(vault) {
      const names = await namesIn(vault);
      if (!names.some(isAudienceName)) return [];
      const limit = pLimit(READS);
      const found = await Promise.all(names.filter((each) => !isAudienceName(each)).map((item) => limit(() => sealedTo(workspace, { vault, item }))));
      return found.flat();
    },
  };
  return groups;
}

/** What an item says that it is sealed to. A damaged one counts by its text: whoever follows the audience must meet it, and be told. */
async function sealedTo({ store }: Workspace, ref: ItemRef): Promise<SealedToGroup[]> {
  try {
    const documents = await store.readItem(ref);
    const audience = documents === undefined ? undefined : parseItemDocuments(ref, documents).keys.audience;
    return audience === undefined ? [] : [{ ...ref, audience: audience.name, fingerprint: audience.fingerprint }];
  } catch (error) {
    if (!isVaultError(error) || error.code === 'store-unreachable') throw error;
    const names = new TextDecoder().decode((await store.readRaw(ref)).keys).match(/"audience-[0-9a-f]{32}"/g) ?? [];
    return [...new Set(names)].map((name) => ({ ...ref, audience: name.slice(1, -1), fingerprint: undefined }));
  }
}

/** Those of the items in these vaults that are sealed to a key which their audience had before: whoever left it since may know that. */
export async function findBehind(groups: Groups, vaults: Iterable<string>): Promise<ItemRef[]> {
  const behind: ItemRef[] = [];
  for (const vault of new Set(vaults)) {
    for (const { item, audience, fingerprint } of await groups.sealed(vault)) {
      if (groupFingerprints((await groups.read({ vault, item: audience })).header)[0] !== fingerprint) behind.push({ vault, item });
    }
  }
  return behind;
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

/**
 * Makes an audience.
 * @returns undefined where somebody else made one for the same meanwhile
 * @throws VaultError item-missing, where one was seen here and is gone; what the store throws
 */
export async function makeAudience({ workspace, trust, signer, groups, sealEntries }: Session, vault: string, audience: Audience, recipients: readonly Recipient[]): Promise<VerifiedItem | undefined> {
  for (let attempt = 0; ; attempt++) {
    const ref: ItemRef = { vault, item: audienceName(audience, attempt) };
    const present = await readVerifiedItem(workspace, trust, ref);
    if (present !== undefined && isFor(present.header, audience)) return undefined;
    if (present !== undefined) continue;
    await refuseMissing(workspace, trust, ref);
    const generation = await readSeenGeneration(workspace.state, trust.repository, ref) + 1;
    const documents = await sealItemWith(sealEntries, { ...ref, repository: trust.repository, ...nextGroupKeys(undefined, () => false), ...audience, recipients, generation, signer, time: workspace.now() });
    try {
      await workspace.store.writeItem(ref, documents, 0, premisesOf(workspace, trust, recipients));
    } catch (error) {
      if (!isVaultError(error, 'store-conflict') || error.details['found'] === undefined) throw error;
      return undefined;
    }
    await rememberGeneration(workspace.state, trust.repository, ref, generation);
    groups.forget(ref);
    return await groups.read(ref);
  }
}

/** What an item that is sealed to an audience goes by: the roster, and that it is the audience's present key. @returns what {@link Store.writeItem} asks; it throws store-conflict */
export function groupPremises({ workspace, trust, groups }: Session, { vault, item, header }: VerifiedItem): () => Promise<void> {
  const roster = premisesOf(workspace, trust, []);
  return async () => {
    await roster();
    const head = await workspace.store.readHead({ vault, item });
    if (head?.item_digest === header.item_digest) return;
    groups.forget({ vault, item });
    throw new VaultError('store-conflict', `The audience ${vault}/${item} was changed by somebody else meanwhile. Nothing was written.`, {
      hint: 'Run the command again: it then goes by what is there now.', details: { vault, item, found: head?.generation ?? 0 },
    });
  };
}

/** The keys of an audience's next epoch, with those that some item is still sealed to. */
export async function nextKeys({ groups }: Session, verified: VerifiedItem, open: Parameters<typeof nextGroupKeys>[0]): Promise<ReturnType<typeof nextGroupKeys>> {
  const needed = new Set((await groups.sealed(verified.vault)).filter(({ audience }) => audience === verified.item).map(({ fingerprint }) => fingerprint));
  return nextGroupKeys(open, (fingerprint) => needed.has(fingerprint) || fingerprint === groupFingerprints(verified.header)[0]);
}
