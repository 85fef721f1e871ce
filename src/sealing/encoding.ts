import { VaultError } from '../errors.ts';
import { sodium } from './sodium.ts';

/** The format that this code reads and writes; a member of everything that is signed, sealed or encrypted. */
export const FORMAT = 'iam-vault/1';

/** base64url without padding (RFC 4648, section 5). */
export function encodeBase64(bytes: Uint8Array): string {
  return sodium.to_base64(bytes, sodium.base64_variants.URLSAFE_NO_PADDING);
}

const LAST: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' };

/** True for text that {@link encodeBase64} gives, so without spare bits; for `bytes` bytes, where that is said. */
export function isBase64(text: string, bytes?: number): boolean {
  if (bytes !== undefined && text.length !== Math.ceil((bytes * 4) / 3)) return false;
  const rest = text.length % 4;
  if (rest === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return false;
  return rest === 0 || (LAST[rest] ?? '').includes(text.slice(-1));
}

/**
 * The bytes of `text`, which must be the one base64url text that {@link encodeBase64} gives for them.
 * @param length exact number of bytes, where it is known
 * @throws VaultError document-invalid
 */
export function decodeBase64(text: string, what: string, length?: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = sodium.from_base64(text, sodium.base64_variants.URLSAFE_NO_PADDING);
  } catch (cause) {
    throw new VaultError('document-invalid', `${what} is not base64url text.`, { cause });
  }
  if (encodeBase64(bytes) !== text) {
    throw new VaultError('document-invalid', `${what} is not canonical base64url text.`);
  }
  if (length !== undefined && bytes.length !== length) {
    throw new VaultError('document-invalid', `${what} has ${String(bytes.length)} bytes instead of ${String(length)}.`);
  }
  return bytes;
}

/** UTF-8 bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** BLAKE2b (RFC 7693) with 32 bytes of output; keyed where `key` is given. */
export function blake2b(bytes: Uint8Array, key?: Uint8Array): Uint8Array {
  return sodium.crypto_generichash(32, bytes, key ?? null);
}

/** What `digest` members hold: base64url of the BLAKE2b-256 of `bytes`. */
export function digestOf(bytes: Uint8Array): string {
  return encodeBase64(blake2b(bytes));
}

/** Compares in constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.memcmp(a, b);
}

/** Overwrites secrets. Copies that the engine made cannot be reached from JavaScript. */
export function wipe(...secrets: (Uint8Array | undefined)[]): void {
  for (const secret of secrets) if (secret !== undefined) sodium.memzero(secret);
}
