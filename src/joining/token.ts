import { decodeBase64, encodeBase64, wipe } from '../sealing/encoding.ts';
import { identityFromSeed, type Identity } from '../sealing/identity.ts';
import { decodeKeyText, encodeKeyText, KEY_TEXT } from '../sealing/keyText.ts';
import type { PinOfRepository } from '../trust/walkFrom.ts';

/** What a token carries: which invitation, the secret that proves it, and the roster that the node shall meet. */
export interface JoinToken {
  readonly invitation: string;
  /** 32 bytes: the seed of an identity, whose signing key the invitation names. Secret. */
  readonly seed: Uint8Array;
  readonly pin: PinOfRepository;
}

const ID = 16;
const SEED = 32;
const DIGEST = 32;
const LENGTH = ID + SEED + 4 + DIGEST + DIGEST;

/** The one line that a token is. */
export function encodeToken({ invitation, seed, pin }: JoinToken): string {
  const bytes = new Uint8Array(LENGTH);
  bytes.set(Buffer.from(invitation, 'hex'));
  bytes.set(seed, ID);
  new DataView(bytes.buffer).setUint32(ID + SEED, pin.version);
  bytes.set(decodeBase64(pin.digest, 'The digest of the roster', DIGEST), ID + SEED + 4);
  bytes.set(decodeBase64(pin.repository, 'The digest of the repository', DIGEST), ID + SEED + 4 + DIGEST);
  const line = encodeKeyText(KEY_TEXT.join, bytes).toUpperCase();
  wipe(bytes);
  return line;
}

/** The token in a line, which errors never quote. The caller wipes its seed. @throws VaultError token-invalid */
export function parseToken(text: string): JoinToken {
  const bytes = decodeKeyText(KEY_TEXT.join, text.trim(), 'The token', LENGTH, 'token-invalid');
  const token: JoinToken = {
    invitation: Buffer.from(bytes.subarray(0, ID)).toString('hex'),
    seed: bytes.slice(ID, ID + SEED),
    pin: {
      version: new DataView(bytes.buffer, bytes.byteOffset).getUint32(ID + SEED),
      digest: encodeBase64(bytes.slice(ID + SEED + 4, ID + SEED + 4 + DIGEST)),
      repository: encodeBase64(bytes.slice(ID + SEED + 4 + DIGEST)),
    },
  };
  wipe(bytes);
  return token;
}

/** The identity by which possession of a token is proven. The caller wipes it. */
export function tokenIdentity({ seed }: Pick<JoinToken, 'seed'>): Identity {
  return identityFromSeed(seed);
}
