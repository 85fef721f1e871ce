import { bech32 } from '@scure/base';
import { VaultError } from '../errors.ts';
import { blake2b, encodeBase64, utf8 } from './encoding.ts';
import { decodeKeyText, encodeKeyText, KEY_TEXT } from './keyText.ts';
import { sodium } from './sodium.ts';

/** Kinds of public key that can be sealed to. */
export type KeyType = 'vault' | 'ssh-ed25519' | 'age';

/** A public key that can be a recipient. */
export interface PublicKey {
  readonly type: KeyType;
  /** The key as one line, without comment: what is written to files and compared. */
  readonly line: string;
  /** The X25519 key that is sealed to. */
  readonly x25519: Uint8Array;
  /** See {@link sealingFingerprint}. */
  readonly fingerprint: string;
}

/** A public key that signatures are checked with. */
export interface SigningKey {
  readonly line: string;
  readonly ed25519: Uint8Array;
  readonly fingerprint: string;
}

/** base64url BLAKE2b-256 of "iam-vault/1 x25519 " and the key: 43 characters. The same for every text form of one key. */
export function sealingFingerprint(x25519: Uint8Array): string {
  return encodeBase64(blake2b(Uint8Array.of(...utf8('iam-vault/1 x25519 '), ...x25519)));
}

function signingFingerprint(ed25519: Uint8Array): string {
  return encodeBase64(blake2b(Uint8Array.of(...utf8('iam-vault/1 ed25519 '), ...ed25519)));
}

export function vaultPublicKey(x25519: Uint8Array): PublicKey {
  return make('vault', encodeKeyText(KEY_TEXT.sealing, x25519), x25519);
}

export function sshPublicKey(ed25519: Uint8Array): PublicKey {
  return make('ssh-ed25519', sshLine(ed25519), ed25519ToX25519(ed25519));
}

export function agePublicKey(x25519: Uint8Array): PublicKey {
  return make('age', bech32.encode('age', bech32.toWords(x25519), false), x25519);
}

export function vaultSigningKey(ed25519: Uint8Array): SigningKey {
  return { line: encodeKeyText(KEY_TEXT.signing, ed25519), ed25519, fingerprint: signingFingerprint(ed25519) };
}

export function sshSigningKey(ed25519: Uint8Array): SigningKey {
  return { line: sshLine(ed25519), ed25519, fingerprint: signingFingerprint(ed25519) };
}

/**
 * Reads a `vaultseal1…`, `ssh-ed25519 …` or `age1…` line.
 * @throws VaultError key-invalid, with what is allowed
 */
export function parsePublicKey(text: string): PublicKey {
  const line = text.trim();
  if (line.startsWith(`${KEY_TEXT.sealing}1`)) return vaultPublicKey(strong(decodeKeyText(KEY_TEXT.sealing, line, 'The public key', 32)));
  if (line.startsWith('ssh-')) return sshPublicKey(parseSshLine(line));
  if (line.startsWith('age1')) return agePublicKey(strong(parseAgeLine(line)));
  throw new VaultError('key-invalid', `A ${nameOfOther(line)} cannot be sealed to.`, {
    hint: 'Allowed: vaultseal1… (vault key generate), ssh-ed25519 … and age1… keys.',
  });
}

/**
 * Reads a `vaultsign1…` or `ssh-ed25519 …` line.
 * @throws VaultError key-invalid
 */
export function parseSigningKey(text: string): SigningKey {
  const line = text.trim();
  if (line.startsWith(`${KEY_TEXT.signing}1`)) return vaultSigningKey(onCurve(decodeKeyText(KEY_TEXT.signing, line, 'The signing key', 32)));
  if (line.startsWith('ssh-')) return sshSigningKey(onCurve(parseSshLine(line)));
  throw new VaultError('key-invalid', `A ${nameOfOther(line)} cannot verify signatures.`, {
    hint: 'Allowed: vaultsign1… (vault key generate) and ssh-ed25519 … keys.',
  });
}

/** What a key that is not usable seems to be, for messages. */
function nameOfOther(line: string): string {
  if (/-----BEGIN (RSA )?PUBLIC KEY-----/.test(line)) return "Chef client's RSA key";
  if (line.includes('PRIVATE KEY') || /SECRET-KEY/i.test(line)) return 'private key';
  if (line.startsWith(KEY_TEXT.signing)) return 'vaultsign1… key';
  if (line.startsWith(KEY_TEXT.sealing)) return 'vaultseal1… key';
  return 'key of an unknown kind';
}

function make(type: KeyType, line: string, x25519: Uint8Array): PublicKey {
  return {
    type,
    line,
    x25519,
    // Computed when asked: converting and printing thousands of keys should not hash them.
    get fingerprint() {
      return sealingFingerprint(x25519);
    },
  };
}

const SSH_TYPE = 'ssh-ed25519';

/** `string "ssh-ed25519", string key` in base64 (RFC 8709, section 4). */
function sshLine(ed25519: Uint8Array): string {
  const blob = Buffer.alloc(4 + SSH_TYPE.length + 4 + 32);
  blob.writeUInt32BE(SSH_TYPE.length, 0);
  blob.write(SSH_TYPE, 4, 'latin1');
  blob.writeUInt32BE(32, 4 + SSH_TYPE.length);
  blob.set(ed25519, 8 + SSH_TYPE.length);
  return `${SSH_TYPE} ${blob.toString('base64')}`;
}

function parseSshLine(line: string): Uint8Array {
  const [type = '', base64 = ''] = line.split(/\s+/);
  if (type !== SSH_TYPE) {
    throw new VaultError('key-invalid', `An SSH key of type ${JSON.stringify(type.slice(0, 40))} cannot be sealed to.`, {
      hint: 'Of SSH keys only ssh-ed25519 can; a host has one in /etc/ssh/ssh_host_ed25519_key.pub.',
    });
  }
  const key = Uint8Array.from(Buffer.from(base64, 'base64').subarray(-32));
  // Encoding again is the check: length, inner type and base64 must all be the one canonical text.
  if (key.length !== 32 || sshLine(key) !== `${type} ${base64}`) {
    throw new VaultError('key-invalid', 'The ssh-ed25519 key is damaged.', { hint: 'Copy the whole line of the .pub file again.' });
  }
  return key;
}

/** The X25519 key of the same point. Fails for points of small order. */
function ed25519ToX25519(ed25519: Uint8Array): Uint8Array {
  try {
    return sodium.crypto_sign_ed25519_pk_to_curve25519(ed25519);
  } catch (cause) {
    throw new VaultError('key-invalid', 'The Ed25519 key is no valid point of the curve.', { cause });
  }
}

/** Refuses Ed25519 keys that no signature could be checked with. */
function onCurve(ed25519: Uint8Array): Uint8Array {
  ed25519ToX25519(ed25519);
  return ed25519;
}

/** X25519 keys of small order, with which every agreement gives zero (RFC 7748, section 6.1). */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** 2^255 - 19, least byte first: keys from there up are second texts of others (RFC 7748, section 5). */
const FIELD_PRIME = Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex').reverse();

/**
 * Refuses keys that libsodium would refuse to seal to, better when a key is read than when a secret waits for it, and second
 * texts of one key, so that a key has one fingerprint.
 */
function strong(x25519: Uint8Array): Uint8Array {
  const canonical = Buffer.from(x25519).reverse().compare(FIELD_PRIME) < 0;
  if (canonical && !SMALL_ORDER.has(Buffer.from(x25519).toString('hex'))) return x25519;
  throw new VaultError('key-invalid', 'The public key is a weak key, or not written in its one form: nothing can be sealed to it.', { hint: 'Make a new one with "vault key generate".' });
}

/** @see https://age-encryption.org/v1 (recipient encoding: bech32, "age") */
function parseAgeLine(line: string): Uint8Array {
  try {
    if (line.length > 100) throw new RangeError();
    const decoded = bech32.decode(line as `${string}1${string}`, false);
    const key = bech32.fromWords(decoded.words);
    if (decoded.prefix === 'age' && key.length === 32) return key;
  } catch {
    // Damaged: said below.
  }
  throw new VaultError('key-invalid', 'The age key is damaged or is of a kind other than X25519.', {
    hint: 'Copy the whole age1… line again; plugin and hybrid recipients are not supported.',
  });
}
