import * as z from 'zod/mini';
import { canonicalBytes, layoutJson } from '../json/canonical.ts';
import { parseDocument } from '../json/document.ts';
import { nameProblem } from '../names.ts';
import { VaultError } from '../errors.ts';
import { digestOf, FORMAT, isBase64 } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import { parsePublicKey, parseSigningKey, type SigningKey } from '../sealing/publicKey.ts';
import { signStatement, verifyStatement } from '../sealing/signature.ts';

/** Somebody who may change the vault. Also the content of users/ADMIN.json. */
export interface Admin {
  readonly name: string;
  /** What is sealed to. */
  readonly public_key: string;
  /** What signatures are checked with. */
  readonly signing_key: string;
  /** All that they may do; everything where it is absent. `seal`: be a recipient and sign items, and nothing else (a refresher). */
  readonly rights?: readonly ['seal'];
}

/** One version of the list of admins: what is signed. */
export interface Roster {
  readonly format: typeof FORMAT;
  readonly type: 'roster';
  /** 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly admins: readonly Admin[];
  /** How many admins of this version must sign the next one. */
  readonly quorum: number;
  /** RFC 3339, UTC, to the second. */
  readonly time: string;
  /** {@link rosterDigest} of the version before; null for version 1. */
  readonly previous: string | null;
}

/** What trust/N.json holds. */
export interface SignedRoster {
  readonly roster: Roster;
  readonly signatures: readonly { readonly name: string; readonly signature: string }[];
}

const adminName = z.string().check(z.refine((name) => nameProblem('admin', name) === undefined, 'not an admin name'));
const keyLine = z.string().check(z.maxLength(200));
const signature = z.string().check(z.refine((text) => isBase64(text, 64), 'not base64url of 64 bytes'));

const signedRosterSchema = z.strictObject({
  roster: z.strictObject({
    format: z.literal(FORMAT),
    type: z.literal('roster'),
    version: z.int().check(z.gte(1)),
    admins: z.array(z.strictObject({ name: adminName, public_key: keyLine, signing_key: keyLine, rights: z.exactOptional(z.tuple([z.literal('seal')])) })).check(z.minLength(1), z.maxLength(1000)),
    quorum: z.int().check(z.gte(1)),
    time: z.iso.datetime({ precision: 0 }),
    previous: z.nullable(z.string().check(z.refine((text) => isBase64(text, 32), 'not a digest'))),
  }),
  signatures: z.array(z.strictObject({ name: adminName, signature })).check(z.maxLength(1000)),
});

/**
 * Parses trust/N.json; checks form alone, no signature.
 * @throws VaultError document-invalid, document-not-canonical, format-unsupported
 */
export function parseRoster(bytes: Uint8Array, source: string): SignedRoster {
  const signed = parseDocument(signedRosterSchema, bytes, source, { name: FORMAT, path: ['roster', 'format'] });
  const names = signed.roster.admins.map((admin) => admin.name);
  if (new Set(names).size !== names.length || signed.roster.quorum > fullAdmins(signed.roster).length) {
    throw new VaultError('document-invalid', `${source} names an admin twice, or asks for more signatures than it has admins who may sign it.`, {
      details: { source },
    });
  }
  for (const admin of signed.roster.admins) requireKeys(admin, source);
  return signed;
}

/** Both keys must be good, and the one text that stands for them. */
function requireKeys({ name, public_key, signing_key }: Admin, source: string): void {
  let cause: unknown;
  try {
    if (parsePublicKey(public_key).line === public_key && parseSigningKey(signing_key).line === signing_key) return;
  } catch (error) {
    cause = error;
  }
  throw new VaultError('document-invalid', `${source} holds a key of ${name} that is none, or that is not written as this program writes it.`, {
    cause, details: { source, name },
  });
}

/** The bytes of trust/N.json. */
export function encodeRoster(signed: SignedRoster): Uint8Array {
  return new TextEncoder().encode(layoutJson({ roster: { ...signed.roster, admins: signed.roster.admins.map((a) => ({ ...a })) },
    signatures: signed.signatures.map((s) => ({ ...s })) }));
}

/** base64url BLAKE2b-256 of the roster's RFC 8785 bytes, without signatures: its fingerprint, which readers pin. */
export function rosterDigest(roster: Roster): string {
  return digestOf(canonicalBytes(statementOf(roster)));
}

/** Signs a roster as the admin `name`. */
export function signRoster(roster: Roster, name: string, identity: Identity): { name: string; signature: string } {
  return { name, signature: signStatement(statementOf(roster), identity) };
}

const signingKeys = new WeakMap<Admin, SigningKey>();

/** What the signatures of an admin are checked with. To parse it costs as much as a signature, and one admin signs thousands of items. */
export function signingKeyOf(admin: Admin): SigningKey {
  let key = signingKeys.get(admin);
  if (key === undefined) signingKeys.set(admin, key = parseSigningKey(admin.signing_key));
  return key;
}

/** Whether somebody on the roster may do everything: sign rosters and invitations too. */
export function isFullAdmin({ rights }: Admin): boolean {
  return rights === undefined;
}

/** Those alone who decide about the roster, and about who may join. */
export function fullAdmins({ admins }: Pick<Roster, 'admins'>): Admin[] {
  return admins.filter(isFullAdmin);
}

/** How many different admins of `judges` signed `signed.roster`. A bad signature of one of them counts as none, and so does any of one who may only seal. */
export function countSignatures(signed: SignedRoster, judges: Roster): number {
  const keys = new Map<string, SigningKey>(fullAdmins(judges).map((admin) => [admin.name, signingKeyOf(admin)]));
  // Two names with one key are one signer: a quorum counts keys.
  const counted = new Set<string>();
  for (const { name, signature } of signed.signatures) {
    const key = keys.get(name);
    if (key !== undefined && verifyStatement(statementOf(signed.roster), signature, key)) counted.add(key.fingerprint);
  }
  return counted.size;
}

/** Names of admins of `judges` under which stands a signature on `signed.roster` that is not theirs. */
export function badSigners(signed: SignedRoster, judges: Roster): string[] {
  const keys = new Map<string, SigningKey>(judges.admins.map((admin) => [admin.name, signingKeyOf(admin)]));
  return signed.signatures.flatMap(({ name, signature }) => {
    const key = keys.get(name);
    return key === undefined || verifyStatement(statementOf(signed.roster), signature, key) ? [] : [name];
  });
}

function statementOf(roster: Roster): Roster & { [member: string]: never } {
  return roster as Roster & { [member: string]: never };
}
