import type { Json } from '../json/canonical.ts';
import { KEYS_SUFFIX } from '../names.ts';
import { digestOf, FORMAT, wipe } from '../sealing/encoding.ts';
import { commitmentOf, newDataKey, type ItemRef, type RecipientRole } from '../sealing/dataKey.ts';
import { sealField } from '../sealing/field.ts';
import type { Identity } from '../sealing/identity.ts';
import { signStatement } from '../sealing/signature.ts';
import {
  encodeItem, encodeKeys, type ItemDocument, type ItemDocuments, type ItemHeader, type RecipientEntry,
} from './model.ts';
import { recipientsDigest, recipientNames, sealEntry, sortEntries, type Recipient } from './recipients.ts';
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
  readonly recipients: readonly Recipient[];
  /** 1 for a new item; one more than the generation it replaces otherwise. */
  readonly generation: number;
  readonly signer: Signer;
  readonly time: Date;
}

/** Encrypts the fields under a fresh data key, seals it to every recipient and signs the header. */
export function sealItem(next: NewGeneration): ItemDocuments {
  const { vault, item } = next;
  const ref: ItemRef = { vault, item };
  const dataKey = newDataKey();
  try {
    const document: ItemDocument = {
      format: FORMAT,
      id: item,
      vault,
      fields: Object.fromEntries(Object.entries(next.fields).map(([field, value]) => [field, sealField(value, dataKey, ref, field)])),
    };
    const itemBytes = encodeItem(document);
    const entriesOf = (role: RecipientRole): RecipientEntry[] =>
      sortEntries(next.recipients.filter((recipient) => recipient.role === role).map((recipient) => sealEntry(dataKey, ref, recipient)));
    const entries = { admins: entriesOf('admin'), clients: entriesOf('client') };
    const names = recipientNames(entries);
    const header: ItemHeader = {
      format: FORMAT,
      type: 'item',
      id: `${item}${KEYS_SUFFIX}`,
      vault,
      repository: next.repository,
      generation: next.generation,
      search_query: next.searchQuery,
      item_digest: digestOf(itemBytes),
      commitment: commitmentOf(dataKey, ref),
      recipients_digest: recipientsDigest(names),
      recipients_count: names.length,
      time: timeText(next.time),
      signer: next.signer.name,
    };
    return { item: itemBytes, keys: encodeKeys({ ...entries, header: signHeader(header, next.signer.identity) }) };
  } finally {
    wipe(dataKey);
  }
}

/**
 * A generation that more recipients can open: the data key stays, and so does ITEM.json, to the byte. Costs one seal for each
 * newcomer and one signature, whatever the number of recipients.
 */
export function extendItem(
  { verified, dataKey, newcomers, signer, time }: {
    readonly verified: VerifiedItem; readonly dataKey: Uint8Array;
    readonly newcomers: readonly Recipient[]; readonly signer: Signer; readonly time: Date;
  },
): ItemDocuments {
  const ref: ItemRef = { vault: verified.vault, item: verified.item };
  const withNew = (role: RecipientRole, present: readonly RecipientEntry[]): RecipientEntry[] =>
    sortEntries([...present, ...newcomers.filter((each) => each.role === role).map((each) => sealEntry(dataKey, ref, each))]);
  const entries = { admins: withNew('admin', verified.keys.admins), clients: withNew('client', verified.keys.clients) };
  const names = recipientNames(entries);
  const header: ItemHeader = {
    ...verified.header,
    generation: verified.header.generation + 1,
    recipients_digest: recipientsDigest(names),
    recipients_count: names.length,
    time: timeText(time),
    signer: signer.name,
  };
  return { item: verified.itemBytes, keys: encodeKeys({ ...entries, header: signHeader(header, signer.identity) }) };
}

function signHeader(header: ItemHeader, identity: Identity): ItemHeader & { readonly signature: string } {
  return { ...header, signature: signStatement({ ...header }, identity) };
}

/** RFC 3339 in UTC, to the second. */
export function timeText(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
