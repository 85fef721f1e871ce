import { canonicalBytes } from '../json/canonical.ts';
import { VaultError } from '../errors.ts';
import { blake2b, encodeBase64, equalBytes, FORMAT, wipe } from './encoding.ts';
import type { Identity } from './identity.ts';
import type { PublicKey } from './publicKey.ts';
import { sodium } from './sodium.ts';

/** Which item a key or a field belongs to. */
export interface ItemRef {
  readonly vault: string;
  readonly item: string;
}

/** Admins are on the roster; clients are nodes. */
export type RecipientRole = 'admin' | 'client';

/** What an entry can be for: an audience is sealed to in place of all who are in it. */
export type SealRole = RecipientRole | 'audience';

/** To whom, for what: what a sealed key is bound to. */
export interface SealContext extends ItemRef {
  readonly role: SealRole;
  readonly name: string;
  readonly fingerprint: string;
}

const KEY_BYTES = 32;

/** A fresh random 32-byte data key. */
export function newDataKey(): Uint8Array {
  return sodium.randombytes_buf(KEY_BYTES);
}

/**
 * The data key's commitment, for the signed header: a keyed hash that only the holder of the key can make,
 * and that no second key fits. base64url.
 */
export function commitmentOf(dataKey: Uint8Array, { vault, item }: ItemRef): string {
  return encodeBase64(blake2b(canonicalBytes([FORMAT, 'commitment', vault, item]), dataKey));
}

function contextDigest({ vault, item, role, name, fingerprint }: SealContext): Uint8Array {
  return blake2b(canonicalBytes([FORMAT, 'sealed-key', vault, item, role, name, fingerprint]));
}

/** Seals the data key and the digest of its context to one recipient (crypto_box_seal): 112 bytes. */
export function sealDataKey(dataKey: Uint8Array, context: SealContext, recipient: Pick<PublicKey, 'x25519'>): Uint8Array {
  const plaintext = new Uint8Array(2 * KEY_BYTES);
  plaintext.set(dataKey, 0);
  plaintext.set(contextDigest(context), KEY_BYTES);
  try {
    return sodium.crypto_box_seal(plaintext, recipient.x25519);
  } catch (cause) {
    throw new VaultError('key-invalid', `The public key of ${context.name} cannot be sealed to: it is a weak key.`, { cause });
  } finally {
    wipe(plaintext);
  }
}

/**
 * Opens a sealed key and checks what it was sealed for.
 * @throws VaultError sealed-key-unopenable, sealed-key-context
 */
export function openDataKey(sealed: Uint8Array, context: SealContext, identity: Identity): Uint8Array {
  const where = `the entry of ${context.name} in ${context.vault}/${context.item}`;
  const plaintext = identity.openSealed(sealed);
  if (plaintext === undefined || plaintext.length !== 2 * KEY_BYTES) {
    wipe(plaintext);
    throw new VaultError('sealed-key-unopenable', `The sealed key in ${where} is damaged: it does not open.`, {
      hint: 'Restore ITEM_keys.json from version control.',
    });
  }
  const dataKey = plaintext.slice(0, KEY_BYTES);
  const fits = equalBytes(plaintext.subarray(KEY_BYTES), contextDigest(context));
  wipe(plaintext);
  if (!fits) {
    wipe(dataKey);
    throw new VaultError('sealed-key-context', `The sealed key in ${where} was made for another item or recipient.`, {
      hint: 'Somebody moved entries between files: restore them from a trusted copy, and find out who did.',
    });
  }
  return dataKey;
}
