import { bech32 } from '@scure/base';
import type { Json } from '../json/canonical.ts';
import { identityFromSeed, parseIdentity, type Identity } from '../sealing/identity.ts';
import { opensshPrivateKey, seedOf } from '../sealing/opensshKey.testing.ts';
import { signStatement } from '../sealing/signature.ts';
import { encodeSeed } from '../sealing/identity.ts';
import { encodeRoster, rosterDigest, signRoster, type Admin, type Roster } from '../trust/roster.ts';
import { encodeItem, encodeKeys, type ItemDocument, type ItemDocuments, type ItemHeader, type KeysDocument, parseItem, parseKeys } from './model.ts';
import type { Recipient } from './recipients.ts';
import { sealItem, type NewGeneration } from './seal.ts';

/** An identity, with the text of its file. */
export interface Person {
  readonly name: string;
  readonly type: 'vault' | 'ssh-ed25519' | 'age';
  /** The seed (vault, ssh-ed25519) or X25519 scalar (age). */
  readonly secret: Uint8Array;
  readonly text: string;
  readonly identity: Identity;
}

export async function person(name: string, type: Person['type'], byte: number): Promise<Person> {
  const secret = seedOf(byte);
  const text = type === 'vault' ? `${encodeSeed(secret)}\n`
    : type === 'ssh-ed25519' ? opensshPrivateKey(secret, name)
    : `${bech32.encode('age-secret-key-', bech32.toWords(secret), false).toUpperCase()}\n`;
  const identity = type === 'vault' ? identityFromSeed(secret) : await parseIdentity(text, name);
  return { name, type, secret, text, identity };
}

export function adminOf({ name, identity }: Person): Admin {
  return { name, public_key: identity.publicKey.line, signing_key: identity.signingKey?.line ?? '' };
}

export function asRecipient(role: Recipient['role'], { name, identity }: Person): Recipient {
  return { role, name, publicKey: identity.publicKey };
}

export const TIME = '2026-01-02T03:04:05Z';

export function rosterOf(version: number, admins: readonly Person[], quorum: number, previous: string | null): Roster {
  return { format: 'iam-vault/1', type: 'roster', version, admins: admins.map(adminOf), quorum, time: TIME, previous };
}

/** The bytes of a roster that `signers` signed. */
export function signedRoster(roster: Roster, signers: readonly Person[]): Uint8Array {
  return encodeRoster({ roster, signatures: signers.map((signer) => signRoster(roster, signer.name, signer.identity)) });
}

export const alice: Person = await person('alice', 'vault', 0xa1);
export const bob: Person = await person('bob', 'ssh-ed25519', 0xb0);
export const carol: Person = await person('carol', 'vault', 0xc4);
export const web: Person = await person('web1', 'vault', 0x11);
export const db: Person = await person('db1', 'ssh-ed25519', 0x22);
export const mac: Person = await person('mac1', 'age', 0x33);
export const stranger: Person = await person('stranger', 'vault', 0x99);

/** Version 1 of the example's roster: Alice alone. */
export const roster: Roster = rosterOf(1, [alice], 1, null);
export const repository: string = rosterDigest(roster);
export const ref = { vault: 'vault', item: 'account_user' } as const;

export const fields: { readonly [name: string]: Json } = {
  data: { aws_access_key_id: 'AKIAIOSFODNN7EXAMPLE', aws_secret_access_key: 'PLANTED/SECRET/wJalrXUtnFEMI' },
  search_query: 'role:web',
};

/** An item that Alice sealed to herself and the three nodes. */
export function example(changes: Partial<NewGeneration> = {}): ItemDocuments {
  return sealItem({
    ...ref, repository, fields, searchQuery: 'role:web', namedAdmins: null, namedClients: [], generation: 1,
    recipients: [asRecipient('admin', alice), ...[web, db, mac].map((each) => asRecipient('client', each))],
    signer: alice, time: new Date(TIME), ...changes,
  });
}

/** Both documents with changes, signed again: what an admin could do who means harm. */
export function forge(
  documents: ItemDocuments,
  changes: {
    readonly header?: Partial<ItemHeader>; readonly keys?: (keys: KeysDocument) => Partial<KeysDocument>;
    readonly item?: (item: ItemDocument) => Partial<ItemDocument>; readonly itemBytes?: Uint8Array; readonly signer?: Person; readonly sign?: boolean;
  },
): ItemDocuments {
  const parsed = parseKeys(documents.keys, 'keys');
  const item = changes.itemBytes ?? (changes.item === undefined ? documents.item
    : (() => { const before = parseItem(documents.item, 'item'); return encodeItem({ ...before, ...changes.item(before) }); })());
  const { signature, ...before } = parsed.header;
  const header = { ...before, ...changes.header };
  const signed = changes.sign === false ? signature : signStatement({ ...header }, (changes.signer ?? alice).identity);
  return { item, keys: encodeKeys({ ...parsed, ...changes.keys?.(parsed), header: { ...header, signature: signed } }) };
}
