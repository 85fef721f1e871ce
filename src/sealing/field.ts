import { canonicalBytes, canonicalJson, type Json } from '../json/canonical.ts';
import { VaultError } from '../errors.ts';
import { decodeBase64, encodeBase64, FORMAT, wipe } from './encoding.ts';
import type { ItemRef } from './dataKey.ts';
import { sodium } from './sodium.ts';

/** An encrypted field as it is stored; both members base64url. */
export interface SealedField {
  readonly ciphertext: string;
  readonly nonce: string;
}

const NONCE_BYTES = 24;

/** The key of the fields: one step from the data key, so that encryption and commitment use different keys. */
function fieldKey(dataKey: Uint8Array): Uint8Array {
  return sodium.crypto_kdf_derive_from_key(32, 1, 'ivltdata', dataKey);
}

function associatedData({ vault, item }: ItemRef, field: string): Uint8Array {
  return canonicalBytes([FORMAT, 'field', vault, item, field]);
}

/** Encrypts a value (its RFC 8785 text) with XChaCha20-Poly1305 under a random nonce. */
export function sealField(value: Json, dataKey: Uint8Array, ref: ItemRef, field: string): SealedField {
  return sealFieldWith(sodium.randombytes_buf(NONCE_BYTES), value, dataKey, ref, field);
}

/** {@link sealField} under a nonce that must never meet another value of this field under this key. */
export function sealFieldWith(nonce: Uint8Array, value: Json, dataKey: Uint8Array, ref: ItemRef, field: string): SealedField {
  const key = fieldKey(dataKey);
  const plaintext = canonicalBytes(value);
  const ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, associatedData(ref, field), null, nonce, key);
  wipe(key, plaintext);
  return { ciphertext: encodeBase64(ciphertext), nonce: encodeBase64(nonce) };
}

/**
 * Decrypts a field.
 * @throws VaultError field-unopenable, document-invalid
 */
export function openField(sealed: SealedField, dataKey: Uint8Array, ref: ItemRef, field: string): Json {
  const nonce = decodeBase64(sealed.nonce, `The nonce of field ${field}`, NONCE_BYTES);
  const ciphertext = decodeBase64(sealed.ciphertext, `The ciphertext of field ${field}`);
  const key = fieldKey(dataKey);
  let plaintext: Uint8Array;
  try {
    plaintext = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, ciphertext, associatedData(ref, field), nonce, key);
  } catch {
    throw new VaultError('field-unopenable', `Field ${field} of ${ref.vault}/${ref.item} is damaged, or belongs to another item or field.`, {
      hint: 'Restore the item from a trusted copy.',
    });
  } finally {
    wipe(key);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
    const value = JSON.parse(text) as Json;
    if (canonicalJson(value) === text) return value;
  } catch {
    // Not JSON, or nested too deep for a reader: said below, without a word of what it is.
  } finally {
    wipe(plaintext);
  }
  throw new VaultError('field-unopenable', `Field ${field} of ${ref.vault}/${ref.item} does not hold canonical JSON.`);
}
