import type { Json } from '../json/canonical.ts';
import { KEYS_SUFFIX } from '../names.ts';
import { digestOf, FORMAT, wipe } from '../sealing/encoding.ts';
import { commitmentOf, newDataKey, type ItemRef, type RecipientRole, type SealRole } from '../sealing/dataKey.ts';
import { sealField } from '../sealing/field.ts';
import type { Identity } from '../sealing/identity.ts';
import { signStatement } from '../sealing/signature.ts';
import {
  encodeItem, encodeKeys, type GroupHeader, type ItemDocument, type ItemDocuments, type ItemHeader, type RecipientEntry,
} from './model.ts';
import { compareNames, recipientsDigest, recipientNames, sealEntry, sortEntries, type AudienceRecipient, type Recipient, type SealEntries } from './recipients.ts';
import type { VerifiedItem } from './verify.ts';

/** An admin who signs. */
export interface Signer {
  readonly name: string;
  readonly identity: Identity;
}

/** Everything that a new generation of an item is made from. */
export interface NewGeneration extends ItemRef {
  /** Digest of version 1 of the repository's roster. */
  readonly repository: string;
  readonly fields: Readonly<Record<string, Json>>;
  readonly searchQuery: string;
  /** Names of the admins that it is made for; null for everyone on the roster. */
  readonly namedAdmins: readonly string[] | null;
  /** Names of clients that shall be recipients whatever the query selects. */
  readonly namedClients: readonly string[];
  /** Admins and clients; or one audience alone. */
  readonly recipients: readonly (Recipient | AudienceRecipient)[];
  /** Of an audience. */
  readonly group?: GroupHeader | undefined;
  /** 1 for a new item; one more than the generation it replaces otherwise. */
  readonly generation: number;
  readonly signer: Signer;
  readonly time: Date;
}

/** Encrypts the fields under a fresh data key, seals it to every recipient and signs the header. */
export function sealItem(next: NewGeneration): ItemDocuments {
  const dataKey = newDataKey();
  try {
    return composeItem(next, dataKey, next.recipients.map((recipient) => sealEntry(dataKey, { vault: next.vault, item: next.item }, recipient)));
  } finally {
    wipe(dataKey);
  }
}

/** {@link sealItem} where somebody else seals the data key to the recipients: on several threads, for thousands of them. */
export async function sealItemWith(sealEntries: SealEntries, next: NewGeneration): Promise<ItemDocuments> {
  const dataKey = newDataKey();
  try {
    return composeItem(next, dataKey, await sealEntries(dataKey, { vault: next.vault, item: next.item }, next.recipients));
  } finally {
    wipe(dataKey);
  }
}

/** @param sealed one entry for each of `next.recipients`, in their order */
function composeItem(next: NewGeneration, dataKey: Uint8Array, sealed: readonly RecipientEntry[]): ItemDocuments {
  const { vault, item } = next;
  const ref: ItemRef = { vault, item };
  const document: ItemDocument = {
    format: FORMAT,
    id: item,
    vault,
    fields: Object.fromEntries(Object.entries(next.fields).map(([field, value]) => [field, sealField(value, dataKey, ref, field)])),
  };
  const itemBytes = encodeItem(document);
  const entriesOf = (role: SealRole): RecipientEntry[] => sortEntries(sealed.filter((_, i) => next.recipients[i]?.role === role));
  const [audience] = entriesOf('audience');
  const entries = { admins: entriesOf('admin'), clients: entriesOf('client'), ...(audience === undefined ? {} : { audience }) };
  const names = recipientNames(entries);
  const header: ItemHeader = {
    format: FORMAT,
    type: 'item',
    id: `${item}${KEYS_SUFFIX}`,
    vault,
    repository: next.repository,
    generation: next.generation,
    ...audienceMembers(next),
    item_digest: digestOf(itemBytes),
    commitment: commitmentOf(dataKey, ref),
    recipients_digest: recipientsDigest(names),
    recipients_count: names.length,
    time: timeText(next.time),
    signer: next.signer.name,
    ...(next.group === undefined ? {} : { group: next.group }),
  };
  return { item: itemBytes, keys: encodeKeys({ ...entries, header: signHeader(header, next.signer.identity) }) };
}

/** What a header says of who shall be able to open an item. */
export type Audience = Pick<NewGeneration, 'searchQuery' | 'namedAdmins' | 'namedClients'>;

/**
 * A generation that more recipients can open: the data key stays, and so does ITEM.json, to the byte. Costs one seal for each
 * newcomer and one signature, whatever the number of recipients.
 * @param audience what the header says from now on of who shall open it; as it was where left out
 */
export function extendItem(
  { verified, dataKey, newcomers, audience, signer, time }: {
    readonly verified: VerifiedItem; readonly dataKey: Uint8Array;
    readonly newcomers: readonly Recipient[]; readonly audience?: Audience; readonly signer: Signer; readonly time: Date;
  },
): ItemDocuments {
  const ref: ItemRef = { vault: verified.vault, item: verified.item };
  const withNew = (role: RecipientRole, present: readonly RecipientEntry[]): RecipientEntry[] =>
    sortEntries([...present, ...newcomers.filter((each) => each.role === role).map((each) => sealEntry(dataKey, ref, each))]);
  const { audience: group } = verified.keys;
  const entries = { admins: withNew('admin', verified.keys.admins), clients: withNew('client', verified.keys.clients), ...(group === undefined ? {} : { audience: group }) };
  const names = recipientNames(entries);
  const header: ItemHeader = {
    ...verified.header,
    ...(audience === undefined ? {} : audienceMembers(audience)),
    generation: verified.header.generation + 1,
    recipients_digest: recipientsDigest(names),
    recipients_count: names.length,
    time: timeText(time),
    signer: signer.name,
  };
  return { item: verified.itemBytes, keys: encodeKeys({ ...entries, header: signHeader(header, signer.identity) }) };
}

function audienceMembers({ searchQuery, namedAdmins, namedClients }: Audience): Pick<ItemHeader, 'search_query' | 'named_admins' | 'named_clients'> {
  return { search_query: searchQuery, named_admins: namedAdmins === null ? null : sortNames(namedAdmins), named_clients: sortNames(namedClients) };
}

/** Names as a header lists them: sorted, each once. */
export function sortNames(names: readonly string[]): string[] {
  return [...new Set(names)].sort(compareNames);
}

/** Signs a header. The caller vouches for what it says. */
export function signHeader(header: ItemHeader, identity: Identity): ItemHeader & { readonly signature: string } {
  return { ...header, signature: signStatement({ ...header }, identity) };
}

/** RFC 3339 in UTC, to the second. */
export function timeText(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
