import { canonicalBytes, type Json } from '../json/canonical.ts';
import { blake2b, FORMAT, wipe } from './encoding.ts';
import { commitmentOf, type ItemRef } from './dataKey.ts';
import { sealFieldWith, type SealedField } from './field.ts';
import { sodium } from './sodium.ts';

const NONCE_BYTES = 24;

/**
 * The data key of an item that two branches had each encrypted anew, made from the data keys of both and from the merged
 * content: whoever merges the same two sides to the same content gets the same key, without a word to anybody. Git merges the two
 * files of an item one by one, in processes that cannot speak with each other; both compute this.
 *
 * Why it is safe:
 * - BLAKE2b is keyed with both data keys, 64 random bytes. Who lacks either of them, a recipient that one side has removed, lacks
 *   256 bits of the key, and the output is indistinguishable from random to them. The output says nothing about the keys.
 * - The commitments order the keys, so that it does not matter which side is called ours; they are different, as the keys are.
 * - The whole plaintext is hashed in. A nonce is derived from the key and the field's name, so one key must never encrypt two values
 *   of one field: other content gives another key. Same content gives the same key, nonces and ciphertext, which says nothing new.
 * - Every later change of content takes a fresh random data key, so no random nonce ever meets a derived one.
 * - The key's length (64 bytes, a parameter of BLAKE2b) and the context keep this apart from every other use of a data key.
 * @param fields the merged content
 */
export function mergedDataKey(one: Uint8Array, other: Uint8Array, ref: ItemRef, fields: Readonly<Record<string, Json>>): Uint8Array {
  const keys = [one, other].map((key) => ({ key, commitment: commitmentOf(key, ref) })).sort((a, b) => (a.commitment < b.commitment ? -1 : 1));
  const both = new Uint8Array(one.length + other.length);
  let at = 0;
  for (const { key } of keys) {
    both.set(key, at);
    at += key.length;
  }
  const message = canonicalBytes([FORMAT, 'merge', ref.vault, ref.item, ...keys.map(({ commitment }) => commitment), { ...fields }]);
  try {
    return sodium.crypto_generichash(32, message, both);
  } finally {
    wipe(both, message);
  }
}

/** Encrypts the merged content under {@link mergedDataKey}, with nonces that follow from it. */
export function sealMergedFields(fields: Readonly<Record<string, Json>>, dataKey: Uint8Array, ref: ItemRef): Record<string, SealedField> {
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => {
    const nonce = blake2b(canonicalBytes([FORMAT, 'merge-nonce', ref.vault, ref.item, field]), dataKey).slice(0, NONCE_BYTES);
    return [field, sealFieldWith(nonce, value, dataKey, ref, field)];
  }));
}
