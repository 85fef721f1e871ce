import { bech32 } from '@scure/base';
import { VaultError } from '../errors.ts';
import { wipe } from './encoding.ts';
import { decodeKeyText, encodeKeyText, KEY_TEXT } from './keyText.ts';
import {
  agePublicKey, sshPublicKey, sshSigningKey, vaultPublicKey, vaultSigningKey, type PublicKey, type SigningKey,
} from './publicKey.ts';
import { locked, type AskPassphrase } from './passphrase.ts';
import { deriveFromPassphrase, MODERATE_COST, sodium, type PassphraseCost } from './sodium.ts';

/** A private key, and what others know of it. Holds secrets: {@link Identity.wipe} it when done. */
export interface Identity {
  readonly publicKey: PublicKey;
  /** Undefined for age keys, which cannot sign. */
  readonly signingKey: SigningKey | undefined;
  /** Opens what crypto_box_seal sealed to this identity; undefined where it does not open. */
  openSealed(sealed: Uint8Array): Uint8Array | undefined;
  /** Ed25519 signature (RFC 8032), 64 bytes. Throws not-an-admin where this identity cannot sign. */
  sign(message: Uint8Array): Uint8Array;
  wipe(): void;
}

const SEED_BYTES = 32;

/**
 * The identity of a 32-byte seed. Sealing and signing keys come from it by crypto_kdf (BLAKE2b) with separate contexts,
 * so that neither says anything about the other.
 */
export function identityFromSeed(seed: Uint8Array): Identity {
  const x25519Secret = sodium.crypto_kdf_derive_from_key(32, 1, 'ivltseal', seed);
  const signSeed = sodium.crypto_kdf_derive_from_key(32, 2, 'ivltsign', seed);
  const pair = sodium.crypto_sign_seed_keypair(signSeed);
  wipe(signSeed);
  return makeIdentity(vaultPublicKey(sodium.crypto_scalarmult_base(x25519Secret)), x25519Secret, {
    key: vaultSigningKey(pair.publicKey), secret: pair.privateKey,
  });
}

/** Makes a new random seed. */
export function generateSeed(): Uint8Array {
  return sodium.randombytes_buf(SEED_BYTES);
}

/** The line that holds `seed` in an identity file. */
export function encodeSeed(seed: Uint8Array): string {
  return encodeKeyText(KEY_TEXT.secret, seed).toUpperCase();
}

/** The line that holds `seed` under a passphrase: cost, salt, nonce and XChaCha20-Poly1305 ciphertext. */
export async function encodeProtectedSeed(
  seed: Uint8Array, passphrase: Uint8Array, cost: PassphraseCost = MODERATE_COST,
): Promise<string> {
  const salt = sodium.randombytes_buf(16);
  const nonce = sodium.randombytes_buf(24);
  const head = new Uint8Array(8);
  const view = new DataView(head.buffer);
  view.setUint32(0, cost.operations);
  view.setUint32(4, cost.memoryBytes);
  const key = await deriveFromPassphrase(passphrase, salt, cost);
  const ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(seed, head, null, nonce, key);
  wipe(key);
  return encodeKeyText(KEY_TEXT.protected, Uint8Array.of(...head, ...salt, ...nonce, ...ciphertext)).toUpperCase();
}

/**
 * Reads an identity file: the project's own, an OpenSSH ed25519 private key, or an age X25519 identity.
 * Lines that begin with `#` are comments. Errors never quote the text.
 * @throws VaultError identity-invalid, identity-locked
 */
export async function parseIdentity(text: string, source: string, askPassphrase?: AskPassphrase): Promise<Identity> {
  refusePublicKey(text, source);
  if (text.includes('-----BEGIN ')) {
    const { parseSshIdentity } = await import('./sshIdentity.ts');
    const { ed25519Seed } = await parseSshIdentity(text, source, askPassphrase);
    return identityFromSshSeed(ed25519Seed);
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const line = lines[0];
  if (line === undefined || lines.length > 1) throw wrongKind(source);
  if (line.startsWith(`${KEY_TEXT.secret.toUpperCase()}1`)) {
    return consume(decodeKeyText(KEY_TEXT.secret, line, `The identity in ${source}`, SEED_BYTES, 'identity-invalid'));
  }
  if (line.startsWith(`${KEY_TEXT.protected.toUpperCase()}1`)) {
    return consume(await openProtectedSeed(line, source, askPassphrase));
  }
  if (line.startsWith('AGE-SECRET-KEY-1')) return ageIdentity(line, source);
  throw wrongKind(source);
}

/** @throws VaultError identity-invalid where `text` is the line of a public key */
export function refusePublicKey(text: string, source: string): void {
  if (!/^(?:vaultseal1|vaultsign1|age1|ssh-\S+ |ecdsa-\S+ |sk-\S+ )/.test(text)) return;
  throw new VaultError('identity-invalid', `${source} holds a public key, not an identity.`, { hint: 'This is a public key; name the private one.', details: { source } });
}

function consume(seed: Uint8Array): Identity {
  const identity = identityFromSeed(seed);
  wipe(seed);
  return identity;
}

function identityFromSshSeed(ed25519Seed: Uint8Array): Identity {
  const pair = sodium.crypto_sign_seed_keypair(ed25519Seed);
  wipe(ed25519Seed);
  return makeIdentity(sshPublicKey(pair.publicKey), sodium.crypto_sign_ed25519_sk_to_curve25519(pair.privateKey), {
    key: sshSigningKey(pair.publicKey), secret: pair.privateKey,
  });
}

function ageIdentity(line: string, source: string): Identity {
  let secret: Uint8Array;
  try {
    const decoded = bech32.decode(line as `${string}1${string}`, 100);
    secret = bech32.fromWords(decoded.words);
    if (decoded.prefix !== 'age-secret-key-' || secret.length !== 32) throw wrongKind(source);
  } catch (error) {
    if (error instanceof VaultError) throw error;
    throw new VaultError('identity-invalid', `The age identity in ${source} is damaged: its checksum does not fit.`);
  }
  return makeIdentity(agePublicKey(sodium.crypto_scalarmult_base(secret)), secret, undefined);
}

/** Costs that a file may ask for: a hostile one must not be able to exhaust memory or time. */
const MAX_COST: PassphraseCost = { operations: 10, memoryBytes: 1_073_741_824 };
/** The least that Argon2id is defined for (crypto_pwhash_OPSLIMIT_MIN, _MEMLIMIT_MIN). */
const MIN_COST: PassphraseCost = { operations: 1, memoryBytes: 8192 };

async function openProtectedSeed(line: string, source: string, askPassphrase: AskPassphrase | undefined): Promise<Uint8Array> {
  const bytes = decodeKeyText(KEY_TEXT.protected, line, `The identity in ${source}`, 8 + 16 + 24 + SEED_BYTES + 16, 'identity-invalid');
  const head = bytes.slice(0, 8);
  const view = new DataView(head.buffer);
  const cost: PassphraseCost = { operations: view.getUint32(0), memoryBytes: view.getUint32(4) };
  if (cost.operations < MIN_COST.operations || cost.operations > MAX_COST.operations
    || cost.memoryBytes < MIN_COST.memoryBytes || cost.memoryBytes > MAX_COST.memoryBytes) {
    throw new VaultError('identity-invalid', `The identity in ${source} asks for more or less work than is reasonable.`);
  }
  if (askPassphrase === undefined) throw locked(source, 'is protected by a passphrase, and there is no terminal to ask for it');
  const passphrase = await askPassphrase();
  let key: Uint8Array;
  try {
    key = await deriveFromPassphrase(passphrase, bytes.slice(8, 24), cost);
  } catch {
    throw locked(source, `needs ${String(cost.memoryBytes >> 20)} MiB of memory to open, which this machine does not give`);
  } finally {
    wipe(passphrase);
  }
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, bytes.slice(48), head, bytes.slice(24, 48), key);
  } catch {
    throw locked(source, 'does not open with that passphrase');
  } finally {
    wipe(key);
  }
}

function wrongKind(source: string): VaultError {
  return new VaultError('identity-invalid', `${source} is not an identity that this program knows.`, {
    hint: 'Allowed: a file of "vault key generate", an OpenSSH ed25519 private key, an age X25519 identity.',
    details: { source },
  });
}

function makeIdentity(
  publicKey: PublicKey, x25519Secret: Uint8Array, signing: { key: SigningKey; secret: Uint8Array } | undefined,
): Identity {
  return {
    publicKey,
    signingKey: signing?.key,
    openSealed(sealed) {
      try {
        return sodium.crypto_box_seal_open(sealed, publicKey.x25519, x25519Secret);
      } catch {
        return undefined;
      }
    },
    sign(message) {
      if (signing === undefined) {
        throw new VaultError('not-an-admin', 'An age identity cannot sign, so it cannot change anything in the vault.', {
          hint: 'Use the identity of an admin, made by "vault key generate".',
        });
      }
      return sodium.crypto_sign_detached(message, signing.secret);
    },
    wipe() {
      wipe(x25519Secret, signing?.secret);
    },
  };
}
