import * as z from 'zod/mini';
import type { Json } from '../json/canonical.ts';
import { nameProblem } from '../names.ts';
import { FORMAT, isBase64 } from '../sealing/encoding.ts';
import { parsePublicKey, parseSigningKey } from '../sealing/publicKey.ts';
import type { Statement } from '../sealing/signature.ts';

/* Members that the signed statements about joining have in common; see docs/format.md, "Joining". */

export const format: z.ZodMiniLiteral<typeof FORMAT> = z.literal(FORMAT);
export const name: z.ZodMiniString = z.string().check(z.refine((text) => nameProblem('node', text) === undefined, 'not a name'));
export const digest: z.ZodMiniString = z.string().check(z.refine((text) => isBase64(text, 32), 'not a digest'));
export const signature: z.ZodMiniString = z.string().check(z.refine((text) => isBase64(text, 64), 'not base64url of 64 bytes'));
export const time: z.ZodMiniISODateTime = z.iso.datetime({ precision: 0 });
export const invitationId: z.ZodMiniString = z.string().check(z.regex(/^[0-9a-f]{32}$/, 'not 16 bytes in hexadecimal'));
export const sealingLine: z.ZodMiniString = z.string().check(z.maxLength(200), z.refine((line) => isLine(line, parsePublicKey), 'not a public key as this program writes it'));
export const signingLine: z.ZodMiniString = z.string().check(z.maxLength(200), z.refine((line) => isLine(line, parseSigningKey), 'not a signing key as this program writes it'));

function isLine(text: string, parse: (text: string) => { readonly line: string }): boolean {
  try {
    return parse(text).line === text;
  } catch {
    return false;
  }
}

/** A time as statements hold it, to the second. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** As what is signed. An interface has no index signature, though each of its members is JSON. */
export function statementOf(members: { readonly format: string; readonly type: string }): Statement {
  return members;
}

/** As {@link statementOf}, for a document that is laid out. */
export function documentOf(members: object): { readonly [key: string]: Json } {
  return members as { readonly [key: string]: Json };
}

/** Statements about nodes are small; what is larger is none. */
export const MOST_STATEMENT_BYTES = 64 << 10;
