import { canonicalBytes, type Json } from '../json/canonical.ts';
import { decodeBase64, encodeBase64 } from './encoding.ts';
import type { Identity } from './identity.ts';
import type { SigningKey } from './publicKey.ts';
import { sodium } from './sodium.ts';

/**
 * A statement that is signed: its RFC 8785 bytes are the message. `format` and `type` keep a signature
 * on one kind of statement from being taken for one on another.
 */
export interface Statement {
  readonly format: string;
  readonly type: string;
  readonly [member: string]: Json;
}

/** Ed25519 signature over the statement, base64url. */
export function signStatement(statement: Statement, identity: Identity): string {
  return encodeBase64(identity.sign(canonicalBytes(statement)));
}

/** True where `signature` is `key`'s over the statement. */
export function verifyStatement(statement: Statement, signature: string, key: SigningKey): boolean {
  return sodium.crypto_sign_verify_detached(decodeBase64(signature, 'The signature', 64), canonicalBytes(statement), key.ed25519);
}
