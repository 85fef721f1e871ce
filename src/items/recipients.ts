import { canonicalBytes } from '../json/canonical.ts';
import { digestOf, encodeBase64, utf8 } from '../sealing/encoding.ts';
import { sealDataKey, type ItemRef, type RecipientRole, type SealRole } from '../sealing/dataKey.ts';
import type { PublicKey } from '../sealing/publicKey.ts';
import type { KeysDocument, RecipientEntry } from './model.ts';

/** One who shall be able to open an item. */
export interface Recipient {
  readonly role: RecipientRole;
  readonly name: string;
  readonly publicKey: PublicKey;
}

/** An audience that an item is sealed to. */
export interface AudienceRecipient {
  readonly role: 'audience';
  readonly name: string;
  readonly publicKey: PublicKey;
}

/** Who an entry is for, without its key. */
export interface RecipientName {
  readonly role: SealRole;
  readonly name: string;
  readonly fingerprint: string;
}

/** By UTF-16 code units, as RFC 8785 sorts. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Entries as they are stored: sorted by name, each name once. */
export function sortEntries(entries: readonly RecipientEntry[]): RecipientEntry[] {
  const sorted = [...entries].sort((a, b) => compareNames(a.name, b.name));
  sorted.forEach(({ name }, i) => {
    if (i > 0 && sorted[i - 1]?.name === name) throw new TypeError(`Two recipients are named ${name}.`);
  });
  return sorted;
}

/** All recipients of a keys document, admins first. */
export function recipientNames(keys: Pick<KeysDocument, 'admins' | 'clients' | 'audience'>): RecipientName[] {
  const named = (role: SealRole, entries: readonly RecipientEntry[]): RecipientName[] =>
    entries.map(({ name, fingerprint }) => ({ role, name, fingerprint }));
  return [...named('admin', keys.admins), ...named('client', keys.clients), ...named('audience', keys.audience === undefined ? [] : [keys.audience])];
}

/** Digest over [role, name, fingerprint] of each recipient, sorted by role, then name. */
export function recipientsDigest(recipients: readonly RecipientName[]): string {
  const sorted = [...recipients].sort((a, b) => compareNames(a.role, b.role) || compareNames(a.name, b.name));
  const list = sorted.map(({ role, name, fingerprint }) => [role, name, fingerprint]);
  // Without escapes, as names and fingerprints are, this is RFC 8785's text already, and costs a tenth.
  const text = JSON.stringify(list);
  return digestOf(text.includes('\\') ? canonicalBytes(list) : utf8(text));
}

/** Seals the data key to each recipient: one entry for each, in their order. */
export type SealEntries = (dataKey: Uint8Array, ref: ItemRef, recipients: readonly (Recipient | AudienceRecipient)[]) => Promise<readonly RecipientEntry[]>;

/** What sealing needs to know of a recipient. */
export interface SealTarget {
  readonly role: SealRole;
  readonly name: string;
  readonly publicKey: Pick<PublicKey, 'x25519' | 'fingerprint'>;
}

/** Seals the data key to one recipient. */
export function sealEntry(dataKey: Uint8Array, ref: ItemRef, { role, name, publicKey }: SealTarget): RecipientEntry {
  const { fingerprint } = publicKey;
  const sealed = sealDataKey(dataKey, { ...ref, role, name, fingerprint }, publicKey);
  return { name, fingerprint, sealed_key: encodeBase64(sealed) };
}
