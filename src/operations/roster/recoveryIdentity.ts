import { Secret } from '../../secret.ts';
import { wipe } from '../../sealing/encoding.ts';
import { encodeSeed, generateSeed, identityFromSeed, type Identity } from '../../sealing/identity.ts';
import { adminWithKeys } from '../../trust/adminKeys.ts';
import type { Admin } from '../../trust/roster.ts';

/** What a recovery identity is called on the roster that `vault init --recovery` makes. */
export const RECOVERY_NAME = 'recovery';

/** An identity that is in no file: its secret is printed once, for a person to keep. */
export interface RecoveryIdentity {
  readonly admin: Admin;
  /** The line of an identity file. */
  readonly secret: Secret;
  /** Of the sealing key. */
  readonly fingerprint: string;
}

/** Makes one from a random seed. @param use gets the identity for as long as it takes, to sign with */
export async function makeRecoveryIdentity<T>(name: string, use: (recovery: RecoveryIdentity, identity: Identity) => Promise<T>): Promise<T> {
  const seed = generateSeed();
  const secret = new Secret(encodeSeed(seed));
  const identity = identityFromSeed(seed);
  wipe(seed);
  try {
    const admin = adminWithKeys(name, identity.publicKey.line, identity.signingKey?.line);
    return await use({ admin, secret, fingerprint: identity.publicKey.fingerprint }, identity);
  } finally {
    identity.wipe();
  }
}
