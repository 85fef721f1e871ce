import * as z from 'zod/mini';
import { VaultError } from '../errors.ts';
import { canonicalBytes, layoutJson } from '../json/canonical.ts';
import { parseDocument } from '../json/document.ts';
import { digestOf, FORMAT, utf8 } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import { parsePublicKey, parseSigningKey } from '../sealing/publicKey.ts';
import { signStatement, verifyStatement } from '../sealing/signature.ts';
import { requireSize, type Invitation } from './invitation.ts';
import { digest, documentOf, format, invitationId, name, sealingLine, signature, signingLine, statementOf, time, timeText } from './statement.ts';

/** What a node asks for: to be known by this name, with these keys, by that invitation. */
export interface JoinRequest {
  readonly format: typeof FORMAT;
  readonly type: 'join';
  readonly repository: string;
  /** Id of the invitation. */
  readonly invitation: string;
  readonly name: string;
  /** What would be sealed to. */
  readonly public_key: string;
  /** What the node's statements are verified with. */
  readonly signing_key: string;
  /** By the node's clock. */
  readonly time: string;
}

export interface SignedRequest {
  readonly request: JoinRequest;
  /** Signature by the invitation's key: whoever asks has the token. */
  readonly proof: string;
  /** Signature by the request's own signing key: whoever asks has the node's private key. */
  readonly signature: string;
}

const requestSchema = z.strictObject({
  request: z.strictObject({ format, type: z.literal('join'), repository: digest, invitation: invitationId, name, public_key: sealingLine, signing_key: signingLine, time }),
  proof: signature, signature,
});

/** @throws VaultError document-invalid, document-not-canonical, format-unsupported */
export function parseRequest(bytes: Uint8Array, source: string): SignedRequest {
  requireSize(bytes, source);
  return parseDocument(requestSchema, bytes, source, { name: FORMAT, path: ['request', 'format'] });
}

export function encodeRequest(signed: SignedRequest): Uint8Array {
  return utf8(layoutJson(documentOf(signed)));
}

/** @throws VaultError key-invalid, for an identity that cannot sign */
export function signRequest(members: Pick<JoinRequest, 'repository' | 'invitation' | 'name'> & { readonly time: Date }, node: Identity, token: Identity): SignedRequest {
  if (node.signingKey === undefined) {
    throw new VaultError('key-invalid', 'An age identity cannot sign, so it cannot prove that it is the node\'s.', { hint: 'Use an identity of "vault key generate", or the host\'s SSH ed25519 key.' });
  }
  const request: JoinRequest = {
    ...members, format: FORMAT, type: 'join', public_key: node.publicKey.line, signing_key: node.signingKey.line, time: timeText(members.time),
  };
  return { request, proof: signStatement(statementOf(request), token), signature: signStatement(statementOf(request), node) };
}

/**
 * Under which a request is filed: the same for the same node, keys and invitation, whenever it asks, so that asking again adds nothing; and nothing that
 * somebody could know who has not seen the keys.
 */
export function requestId({ repository, invitation, name: node, public_key, signing_key }: JoinRequest): string {
  return digestOf(canonicalBytes([FORMAT, 'join', repository, invitation, node, public_key, signing_key]));
}

/** Whether both signatures are good. Of an SSH key, which is both, it is one key that signs and is sealed to. */
export function isProvenRequest({ request, proof, signature: own }: SignedRequest, invitation: Invitation): boolean {
  const statement = statementOf(request);
  const isOneKey = parsePublicKey(request.public_key).type !== 'ssh-ed25519' || request.public_key === request.signing_key;
  return isOneKey && verifyStatement(statement, proof, parseSigningKey(invitation.public_key)) && verifyStatement(statement, own, parseSigningKey(request.signing_key));
}
