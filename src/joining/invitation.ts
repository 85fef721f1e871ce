import * as z from 'zod/mini';
import { VaultError } from '../errors.ts';
import { layoutJson, type Json } from '../json/canonical.ts';
import { parseDocument } from '../json/document.ts';
import { FORMAT, utf8 } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import { signStatement, verifyStatement } from '../sealing/signature.ts';
import { isFullAdmin, signingKeyOf, type Roster } from '../trust/roster.ts';
import { digest, documentOf, format, invitationId, MOST_STATEMENT_BYTES, name, signature, signingLine, statementOf, time, timeText } from './statement.ts';

/** What a node is by the invitation that it joins with: it chooses nothing of it. Members as of a Chef node object. */
export interface InvitedAttributes {
  readonly chef_environment: string;
  readonly run_list: readonly string[];
  readonly normal: Readonly<Record<string, Json>>;
}

/** What an admin signs: who has the token may join as such a node, so many times, until then. */
export interface Invitation {
  readonly format: typeof FORMAT;
  readonly type: 'invitation';
  /** Digest of the roster's version 1. */
  readonly repository: string;
  /** 16 random bytes in hexadecimal. */
  readonly id: string;
  /** What proofs of the token's possession are verified with. */
  readonly public_key: string;
  readonly attributes: InvitedAttributes;
  /** Which names a node may have: all of it, or with one `*` for any characters. */
  readonly names: string;
  /** A person must approve each request. */
  readonly approval: boolean;
  readonly uses: number;
  readonly expires: string;
  readonly time: string;
  /** Name of the admin who signed. */
  readonly signer: string;
}

/** What is stored: the statement, and what became of it, which nobody signs. */
export interface StoredInvitation {
  readonly invitation: Invitation;
  readonly signature: string;
  /** How many nodes joined with it. */
  readonly used: number;
  /** When somebody revoked it; null where nobody did. */
  readonly revoked: string | null;
}

/** Most nodes that one invitation lets in. */
export const MOST_USES = 100_000;
export const ANY_NAME = '*';

/** As deep as attributes may be nested: what is stored by a stranger must not exhaust the stack. */
const MOST_LEVELS = 32;

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}

const attribute = z.custom<Json>((value) => isShallow(value, MOST_LEVELS), 'nested too deeply');

const namePattern = z.string().check(z.maxLength(128), z.regex(/^[A-Za-z0-9_@+=,.-]*\*?[A-Za-z0-9_@+=,.-]*$/, 'not a name with at most one *'), z.minLength(1));

const invitationSchema = z.strictObject({
  invitation: z.strictObject({
    format, type: z.literal('invitation'), repository: digest, id: invitationId, public_key: signingLine,
    attributes: z.strictObject({
      chef_environment: z.string().check(z.maxLength(256)),
      run_list: z.array(z.string().check(z.maxLength(512))).check(z.maxLength(1000)),
      normal: z.record(z.string(), attribute),
    }),
    names: namePattern, approval: z.boolean(), uses: z.int().check(z.gte(1), z.lte(MOST_USES)), expires: time, time, signer: name,
  }),
  signature, used: z.int().check(z.gte(0)), revoked: z.nullable(time),
});

/** @throws VaultError document-invalid, document-not-canonical, format-unsupported */
export function parseInvitation(bytes: Uint8Array, source: string): StoredInvitation {
  requireSize(bytes, source);
  return parseDocument(invitationSchema, bytes, source, { name: FORMAT, path: ['invitation', 'format'] });
}

/** @throws VaultError input-too-large, input-too-deep, where it would not be read again */
export function encodeInvitation(stored: StoredInvitation): Uint8Array {
  if (!isShallow(stored.invitation.attributes.normal, MOST_LEVELS + 1)) {
    throw new VaultError('input-too-deep', `The attributes are nested more than ${String(MOST_LEVELS)} levels deep.`, { hint: 'Give flatter attributes.' });
  }
  const bytes = utf8(layoutJson(documentOf(stored)));
  if (bytes.length > MOST_STATEMENT_BYTES) {
    throw new VaultError('input-too-large', `The invitation would have ${String(bytes.length)} bytes; at most ${String(MOST_STATEMENT_BYTES)} are allowed.`, { hint: 'Give fewer attributes.' });
  }
  return bytes;
}

export function signInvitation(members: Omit<Invitation, 'format' | 'type' | 'expires' | 'time'> & { readonly expires: Date; readonly time: Date }, identity: Identity): StoredInvitation {
  const invitation: Invitation = { ...members, format: FORMAT, type: 'invitation', expires: timeText(members.expires), time: timeText(members.time) };
  return { invitation, signature: signStatement(statementOf(invitation), identity), used: 0, revoked: null };
}

/** Whether an admin who is on this roster with every right signed it, for this repository. */
export function isSignedInvitation({ invitation, signature: signed }: StoredInvitation, roster: Roster, repository: string): boolean {
  const admin = roster.admins.find((each) => each.name === invitation.signer);
  return admin !== undefined && isFullAdmin(admin) && invitation.repository === repository && verifyStatement(statementOf(invitation), signed, signingKeyOf(admin));
}

/** Whether a node may have this name by a pattern of {@link Invitation.names}. */
export function fitsNames(pattern: string, node: string): boolean {
  const star = pattern.indexOf('*');
  if (star === -1) return node === pattern;
  return node.length >= pattern.length - 1 && node.startsWith(pattern.slice(0, star)) && node.endsWith(pattern.slice(star + 1));
}

export function isNamePattern(text: string): boolean {
  return z.safeParse(namePattern, text).success;
}

export function requireSize(bytes: Uint8Array, source: string): void {
  if (bytes.length <= MOST_STATEMENT_BYTES) return;
  throw new VaultError('document-invalid', `${source} is too large: ${String(bytes.length)} bytes.`, { details: { source } });
}
