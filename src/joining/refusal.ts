import * as z from 'zod/mini';
import { layoutJson } from '../json/canonical.ts';
import { parseDocument } from '../json/document.ts';
import { FORMAT, utf8 } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import { signStatement, verifyStatement } from '../sealing/signature.ts';
import { signingKeyOf, type Roster } from '../trust/roster.ts';
import { requireSize } from './invitation.ts';
import { digest, documentOf, format, invitationId, name, signature, statementOf, time, timeText } from './statement.ts';

/**
 * Why a request is refused. `clock`: its time is ahead of the admitting machine's, or before the invitation; `used-before`: this node joined with this
 * invitation before, and was removed since; `key-known`: another node has that key; `token-invalid`: there is no such invitation, no admin signed it, or a
 * signature of the request is not good; `refused`: a person said no.
 */
export const REFUSAL_CODES = ['expired', 'used-up', 'revoked', 'name-taken', 'name-not-allowed', 'key-known', 'used-before', 'clock', 'token-invalid', 'refused'] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Somebody on the roster says that a request was refused, and why. */
export interface Refusal {
  readonly format: typeof FORMAT;
  readonly type: 'refusal';
  readonly repository: string;
  readonly name: string;
  readonly invitation: string;
  /** See `requestId`. */
  readonly request: string;
  readonly code: RefusalCode;
  readonly time: string;
  readonly signer: string;
}

export interface SignedRefusal {
  readonly refusal: Refusal;
  readonly signature: string;
}

const refusalSchema = z.strictObject({
  refusal: z.strictObject({ format, type: z.literal('refusal'), repository: digest, name, invitation: invitationId, request: digest, code: z.enum(REFUSAL_CODES), time, signer: name }),
  signature,
});

/** @throws VaultError document-invalid, document-not-canonical, format-unsupported */
export function parseRefusal(bytes: Uint8Array, source: string): SignedRefusal {
  requireSize(bytes, source);
  return parseDocument(refusalSchema, bytes, source, { name: FORMAT, path: ['refusal', 'format'] });
}

export function encodeRefusal(signed: SignedRefusal): Uint8Array {
  return utf8(layoutJson(documentOf(signed)));
}

export function signRefusal(members: Omit<Refusal, 'format' | 'type' | 'time' | 'signer'> & { readonly time: Date }, { name: signer, identity }: { readonly name: string; readonly identity: Identity }): SignedRefusal {
  const refusal: Refusal = { ...members, format: FORMAT, type: 'refusal', time: timeText(members.time), signer };
  return { refusal, signature: signStatement(statementOf(refusal), identity) };
}

export function isSignedRefusal({ refusal, signature: signed }: SignedRefusal, roster: Roster, repository: string): boolean {
  const signer = roster.admins.find((each) => each.name === refusal.signer);
  return signer !== undefined && refusal.repository === repository && verifyStatement(statementOf(refusal), signed, signingKeyOf(signer));
}
