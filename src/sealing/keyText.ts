import { bech32m } from '@scure/base';
import { VaultError } from '../errors.ts';

/**
 * Keys as one line of text: bech32m (BIP 350) over a version byte and the key. The part before the `1` is the type,
 * the last six characters are the checksum. Specified in docs/format.md, "Keys as text".
 */
export const KEY_TEXT = {
  /** X25519 public key: what others seal to. */
  sealing: 'vaultseal',
  /** Ed25519 public key: what others verify with. */
  signing: 'vaultsign',
  /** The 32-byte seed of an identity. */
  secret: 'vault-secret-key-',
  /** A seed under a passphrase. */
  protected: 'vault-protected-key-',
  /** An invitation's id and seed, and the roster that the node shall meet: see joining/token.ts. */
  join: 'vault-join-token-',
} as const;

const VERSION = 1;

/** No key is longer than this, in characters: a longer line is refused before it is decoded. */
const MAX_LENGTH = 256;

/** Encodes `bytes` as a line of type `prefix`. */
export function encodeKeyText(prefix: string, bytes: Uint8Array): string {
  return bech32m.encode(prefix, bech32m.toWords(Uint8Array.of(VERSION, ...bytes)), false);
}

/**
 * The key in `text`; `what` names it in errors, which never quote the text, because it may be a secret.
 * @throws VaultError with `code`
 */
export function decodeKeyText(
  prefix: string, text: string, what: string, length: number, code: 'key-invalid' | 'identity-invalid' | 'token-invalid' = 'key-invalid',
): Uint8Array {
  const invalid = (why: string): VaultError =>
    new VaultError(code, `${what} ${why}.`, { hint: 'Copy the whole line again from where it was printed.' });
  if (text.length > MAX_LENGTH) throw invalid('is too long');
  let bytes: Uint8Array;
  try {
    const decoded = bech32m.decode(text as `${string}1${string}`, false);
    if (decoded.prefix !== prefix) throw invalid('is of another type');
    bytes = bech32m.fromWords(decoded.words);
  } catch (error) {
    if (error instanceof VaultError) throw error;
    throw invalid('is damaged: its checksum does not fit');
  }
  if (bytes[0] !== VERSION) throw invalid(`is of version ${String(bytes[0])}; this program knows version ${String(VERSION)}`);
  const key = bytes.slice(1);
  bytes.fill(0);
  if (key.length !== length) throw invalid(`holds ${String(key.length)} bytes instead of ${String(length)}`);
  return key;
}
