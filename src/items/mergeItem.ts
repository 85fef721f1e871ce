import { VaultError } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { KEYS_SUFFIX } from '../names.ts';
import { commitmentOf, type ItemRef } from '../sealing/dataKey.ts';
import { digestOf, FORMAT, wipe } from '../sealing/encoding.ts';
import { mergedDataKey, sealMergedFields } from '../sealing/mergedKey.ts';
import type { PublicKey } from '../sealing/publicKey.ts';
import { isSetBack, mergeAudience, mergeFields, refuseConflicts, UNREADABLE, type MergeConflict, type MergedAudience, type Preference, type ThreeWay } from './merge.ts';
import { encodeItem, encodeKeys, type ItemDocuments, type ItemHeader, type KeysDocument, type RecipientEntry } from './model.ts';
import { recipientsDigest, sortEntries, type RecipientName, type SealEntries } from './recipients.ts';
import { signHeader, sortNames, timeText, type Signer } from './seal.ts';
import type { OpenItem, VerifiedItem } from './verify.ts';

/** Three verified versions of one item. */
export interface MergeSides {
  /** Undefined where both sides made the item on their own. */
  readonly base: VerifiedItem | undefined;
  readonly ours: VerifiedItem;
  readonly theirs: VerifiedItem;
  /** Opens a version as the one who merges; what it gives is wiped here. @throws VaultError not-a-recipient and others of openItem */
  readonly open: (version: VerifiedItem) => OpenItem;
  /** Whose change is taken where both changed the same; nobody's where it is left out. */
  readonly prefer?: Preference;
}

/** What the merged ITEM_keys.json needs beside the sides. */
export interface MergeAuthority {
  readonly signer: Signer;
  readonly time: Date;
  /** The key with that fingerprint. @throws VaultError merge-conflict where it is nowhere to be found */
  readonly publicKeyOf: (recipient: RecipientName) => Promise<PublicKey>;
  readonly sealEntries: SealEntries;
}

/** ITEM.json as merged, and who has its data key already. */
interface MergedContent {
  readonly bytes: Uint8Array;
  readonly commitment: string;
  /** Sides whose data key it is; none where it is a new one. */
  readonly of: readonly VerifiedItem[];
  /** The data key. The caller wipes it. */
  readonly dataKey: () => Uint8Array;
  readonly conflicts: readonly MergeConflict[];
}

/**
 * Merges three versions of an item into one generation, as docs/format.md, "Merging", says. ITEM.json follows from the sides alone.
 * @throws VaultError merge-conflict, naming what both sides changed; what `open` throws
 */
export async function mergeItem(sides: MergeSides, { signer, time, publicKeyOf, sealEntries }: MergeAuthority): Promise<ItemDocuments> {
  const { audience, content } = mergeParts(sides);
  const group = content.of[0]?.header.group;
  const { ours, theirs } = sides;
  const ref: ItemRef = { vault: ours.vault, item: ours.item };
  const entries: { readonly role: RecipientName['role']; readonly entry: RecipientEntry }[] = [];
  const missing: RecipientName[] = [];
  for (const recipient of audience.recipients) {
    const entry = entryOf(content.of, recipient);
    if (entry === undefined) missing.push(recipient);
    else entries.push({ role: recipient.role, entry });
  }
  if (missing.length > 0) {
    const recipients = await Promise.all(missing.map(async ({ role, name, fingerprint }) => ({ role, name, publicKey: await publicKeyOf({ role, name, fingerprint }) })));
    const dataKey = content.dataKey();
    try {
      const sealed = await sealEntries(dataKey, ref, recipients);
      sealed.forEach((entry, i) => { entries.push({ role: missing[i]?.role ?? 'client', entry }); });
    } finally {
      wipe(dataKey);
    }
  }
  const listOf = (role: RecipientName['role']): RecipientEntry[] => sortEntries(entries.filter((each) => each.role === role).map(({ entry }) => entry));
  const header: ItemHeader = {
    format: FORMAT,
    type: 'item',
    id: `${ref.item}${KEYS_SUFFIX}`,
    vault: ref.vault,
    repository: ours.header.repository,
    generation: Math.max(ours.header.generation, theirs.header.generation) + 1,
    search_query: audience.searchQuery,
    named_admins: audience.namedAdmins === null ? null : sortNames(audience.namedAdmins),
    named_clients: sortNames(audience.namedClients),
    item_digest: digestOf(content.bytes),
    commitment: content.commitment,
    recipients_digest: recipientsDigest(audience.recipients),
    recipients_count: audience.recipients.length,
    time: timeText(time),
    signer: signer.name,
    ...(group === undefined ? {} : { group }),
  };
  return { item: content.bytes, keys: encodeKeys({ admins: listOf('admin'), clients: listOf('client'), header: signHeader(header, signer.identity) }) };
}

/**
 * ITEM.json alone, as {@link mergeItem} makes it of the same sides: for a process that has this one file to merge.
 * @throws VaultError merge-conflict; what `open` throws
 */
export function mergeItemFile(sides: MergeSides): Uint8Array {
  return mergeParts(sides).content.bytes;
}

function mergeParts(sides: MergeSides): { readonly audience: MergedAudience; readonly content: MergedContent } {
  const { ours, prefer } = sides;
  refuseGroups(sides);
  const audience = mergeAudience(keysOf(sides), prefer);
  const content = mergeContent(sides);
  refuseConflicts(ours, [...audience.conflicts, ...content.conflicts, ...knowingRemoved(audience, content)]);
  return { audience, content };
}

/**
 * Which key pair of an audience a merged item would be sealed to is decided by another merge, which this one does not see.
 * @throws VaultError merge-conflict
 */
function refuseGroups({ ours, theirs }: MergeSides): void {
  if (ours.keys.audience === undefined && theirs.keys.audience === undefined) return;
  throw new VaultError('merge-conflict', `Both sides changed ${ours.vault}/${ours.item}, which is sealed to an audience: such items are not merged.`, {
    hint: `Take one side whole: git checkout --theirs (or --ours) for ${ours.item}.json and ${ours.item}_keys.json. Then run "vault refresh ${ours.vault}", and make the other change anew.`,
    details: { vault: ours.vault, item: ours.item },
  });
}

/** The data key of the merged item must be one that nobody has who was removed: whoever removes encrypts anew. */
function knowingRemoved({ recipients }: MergedAudience, { of }: MergedContent): MergeConflict[] {
  const kept = new Set(recipients.map(({ role, name }) => `${role} ${name}`));
  const holders = of.flatMap(({ keys }) => [...keys.admins.map(({ name }) => `admin ${name}`), ...keys.clients.map(({ name }) => `client ${name}`)]);
  return [...new Set(holders)].filter((id) => !kept.has(id))
    .map((what) => ({ what, ours: 'has a data key', theirs: 'has a data key, and one of the two removed it without a new key: run "vault rotate keys" there first' }));
}

function keysOf({ base, ours, theirs }: MergeSides): ThreeWay<KeysDocument> {
  return { base: base?.keys, ours: ours.keys, theirs: theirs.keys };
}

function mergeContent(sides: MergeSides): MergedContent {
  const { base, ours, theirs } = sides;
  requireOneKey(sides);
  const setBack = isSetBack(keysOf(sides));
  const unchanged = (version: VerifiedItem): boolean => !setBack && version.header.item_digest === base?.header.item_digest;
  if (ours.header.item_digest === theirs.header.item_digest) return contentOf([ours, theirs], sides);
  if (unchanged(theirs)) return contentOf([ours], sides);
  if (unchanged(ours)) return contentOf([theirs], sides);
  return contentOfBoth(sides);
}

/** Versions with one ITEM.json have one data key, or somebody tampered with a commitment. */
function requireOneKey({ base, ours, theirs }: MergeSides): void {
  for (const [one, other] of [[ours, theirs], [base, ours], [base, theirs]] as const) {
    if (one === undefined || one.header.item_digest !== other.header.item_digest || one.header.commitment === other.header.commitment) continue;
    throw new VaultError('commitment-mismatch', `Two versions of ${ours.vault}/${ours.item} say of one and the same ${ours.item}.json that it is encrypted under two keys.`, {
      hint: 'One of the two was not made by this program. Find out who signed it.', details: { vault: ours.vault, item: ours.item, signers: [one.header.signer, other.header.signer] },
    });
  }
}

function contentOf(of: readonly [VerifiedItem, ...VerifiedItem[]], { open }: MergeSides): MergedContent {
  const [first] = of;
  return {
    bytes: first.itemBytes, commitment: first.header.commitment, of, conflicts: [],
    dataKey: () => withOpen(open(first), (opened) => opened.copyDataKey()),
  };
}

/** Both sides encrypted anew: the fields are merged by value and encrypted under a key that follows from both. */
function contentOfBoth(sides: MergeSides): MergedContent {
  const { base, ours, theirs, open, prefer } = sides;
  const ref: ItemRef = { vault: ours.vault, item: ours.item };
  return withOpen(open(ours), (left) => withOpen(open(theirs), (right) => {
    const merged = mergeFields({ base: base === undefined ? undefined : readableFields(base, open), ours: left.all(), theirs: right.all() }, prefer, isSetBack(keysOf(sides)));
    const keys = [left.copyDataKey(), right.copyDataKey()] as const;
    const dataKey = mergedDataKey(...keys, ref, merged.fields);
    const document = { format: FORMAT, id: ref.item, vault: ref.vault, fields: sealMergedFields(merged.fields, dataKey, ref) } as const;
    const commitment = commitmentOf(dataKey, ref);
    wipe(...keys);
    return { bytes: encodeItem(document), commitment, of: [], dataKey: () => dataKey, conflicts: merged.conflicts };
  }));
}

/** The base's fields, where whoever merges could open it then. */
function readableFields(base: VerifiedItem, open: MergeSides['open']): Record<string, Json | typeof UNREADABLE> {
  try {
    return withOpen(open(base), (opened) => opened.all());
  } catch {
    return Object.fromEntries(Object.keys(base.document.fields).map((name) => [name, UNREADABLE]));
  }
}

function withOpen<T>(opened: OpenItem, work: (opened: OpenItem) => T): T {
  try {
    return work(opened);
  } finally {
    opened.wipe();
  }
}

function entryOf(versions: readonly VerifiedItem[], { role, name, fingerprint }: RecipientName): RecipientEntry | undefined {
  for (const { keys } of versions) {
    const found = (role === 'admin' ? keys.admins : keys.clients).find((entry) => entry.name === name && entry.fingerprint === fingerprint);
    if (found !== undefined) return found;
  }
  return undefined;
}
