import {
  alice, asRecipient, bob, carol, db, example, fields, mac, ref, repository, roster, rosterOf, signedRoster, web, type Person,
} from '../../src/items/example.testing.ts';
import { encodeKeys, parseKeys, type ItemDocuments, type KeysDocument } from '../../src/items/model.ts';
import { extendItem } from '../../src/items/seal.ts';
import { openItem, parseItemDocuments, verifyItem } from '../../src/items/verify.ts';
import type { Json } from '../../src/json/canonical.ts';
import { rosterDigest } from '../../src/trust/roster.ts';
import type { Expectation, OpenVector, VectorIdentity } from './vector.ts';

const decoder = new TextDecoder();

export function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function identityOf({ type, text: file, secret }: Person): VectorIdentity {
  return { type, text: file, secret: Buffer.from(secret).toString('hex') };
}

/** Version 1 of the roster, signed by Alice: what most vectors have. */
export const rosters1: Readonly<Record<string, string>> = { 1: text(signedRoster(roster, [alice])) };

export interface Options {
  readonly documents?: ItemDocuments | { readonly item: string; readonly keys: string };
  readonly rosters?: Readonly<Record<string, string>>;
  readonly as?: Person;
  readonly reader?: string;
  readonly field?: string | null;
  readonly pin?: OpenVector['pin'];
  readonly seen?: number;
}

/** The item that most vectors are made of. */
export const plain: ItemDocuments = example();

export function vector(name: string, description: string, expect: Expectation, options: Options = {}): OpenVector {
  const { item, keys } = options.documents ?? plain;
  const asText = (document: Uint8Array | string): string => (typeof document === 'string' ? document : text(document));
  return {
    name, description, ...ref,
    field: options.field === undefined ? 'data' : options.field,
    identity: identityOf(options.as ?? web), reader: options.reader ?? null,
    pin: options.pin ?? null, seen_generation: options.seen ?? 0,
    rosters: options.rosters ?? rosters1,
    documents: { item: asText(item), keys: asText(keys) }, expect,
  };
}

/** The plain item's keys document with changes that nobody signed. */
export function tampered(change: (keys: KeysDocument) => Partial<KeysDocument>, documents = plain): ItemDocuments {
  const keys = parseKeys(documents.keys, 'keys');
  return { item: documents.item, keys: encodeKeys({ ...keys, ...change(keys) }) };
}

const data = { value: fields['data'] ?? null };

function openings(): OpenVector[] {
  return [
    vector('opens-as-admin', 'The admin who signed opens a field.', data, { as: alice }),
    vector('opens-as-vault-key', 'A node with a vaultseal key.', data),
    vector('opens-as-ssh-key', 'A node with its ssh-ed25519 host key.', data, { as: db }),
    vector('opens-as-age-key', 'A node with an age X25519 key.', data, { as: mac }),
    vector('opens-all-fields', 'No field is named: an object of all of them.', { value: fields }, { field: null }),
    vector('opens-with-pin', 'The reader has seen this roster and this generation before: the same generation is no rollback.', data, {
      pin: { version: 1, digest: repository, repository }, seen: 1,
    }),
    vector('opens-with-named-recipients', 'The header says which admins and clients it was made for by name.', data, {
      documents: example({ namedAdmins: ['alice'], namedClients: ['web1', 'db1'] }),
    }),
    vector('opens-signed-by-ssh-admin', 'The admin who signed has an ssh-ed25519 signing key.', data, (() => {
      const ssh = rosterOf(1, [bob], 1, null);
      return {
        rosters: { 1: text(signedRoster(ssh, [bob])) },
        documents: example({ repository: rosterDigest(ssh), signer: bob, recipients: [asRecipient('admin', bob), asRecipient('client', web)] }),
      };
    })()),
  ];
}

function values(): OpenVector[] {
  const strange: { readonly [field: string]: Json } = {
    unicode: 'Grüße, 世界 😀 \u0000\u001f\u007f\u2028 "quoted" \\ / ',
    numbers: [0, 1, -1, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 9007199254740991],
    nested: { 'ä': [[], {}, [{ deep: [null, true, false, ''] }]], '€': { '😀': 1, 'דּ': 2 } },
    empty_object: {}, empty_list: [], empty_text: '', nothing: null, yes: true,
    large: 'x'.repeat(5000),
  };
  const documents = example({ fields: strange });
  return [
    ...Object.entries(strange).map(([field, value]) => vector(`value-${field.replace('_', '-')}`, `A field that holds ${field.replace('_', ' ')}.`, { value }, { documents, field })),
    vector('no-fields', 'An item without fields.', { value: {} }, { documents: example({ fields: {} }), field: null }),
    vector('names-with-all-characters', 'Names of recipients and fields use every character that is allowed.', { value: 1 }, {
      documents: example({ fields: { 'A-z_0.@+=,': 1 }, recipients: [asRecipient('admin', alice), { ...asRecipient('client', web), name: '-Az_0.@+=,' }] }), field: 'A-z_0.@+=,',
    }),
  ];
}

/** Generation 2 of the plain item, sealed to one more node under the same data key. */
export function extended(): ItemDocuments {
  const small = example({ recipients: [asRecipient('admin', alice), asRecipient('client', db)] });
  const verified = verifyItem(parseItemDocuments(ref, small), { roster, repository, seenGeneration: 0 });
  const dataKey = openItem(verified, alice.identity).copyDataKey();
  return extendItem({ verified, dataKey, newcomers: [asRecipient('client', web)], signer: alice, time: new Date('2026-02-03T04:05:06Z') });
}

function generations(): OpenVector[] {
  const documents = extended();
  return [
    vector('extended-newcomer', 'Generation 2: a node was added, the data key and ITEM.json are those of generation 1.', data, { documents, seen: 1 }),
    vector('extended-earlier', 'The same, opened by a node of generation 1.', data, { documents, as: db, seen: 2 }),
  ];
}

const two = rosterOf(2, [alice, bob, carol], 2, repository);
const three = rosterOf(3, [bob, carol], 2, rosterDigest(two));

/** Three versions: Alice alone; Alice, Bob and Carol of whom two must sign; Bob and Carol. */
export const walk = {
  two, three,
  rosters: { ...rosters1, 2: text(signedRoster(two, [alice])), 3: text(signedRoster(three, [carol, bob])) },
  item: example({ signer: carol, recipients: [asRecipient('admin', bob), asRecipient('admin', carol), asRecipient('client', web)] }),
} as const;

function rosters(): OpenVector[] {
  const options = { rosters: walk.rosters, documents: walk.item };
  return [
    vector('roster-first-use', 'Three versions of the roster, from version 1.', data, options),
    vector('roster-from-pin', 'The same from a pin of version 2.', data, { ...options, pin: { version: 2, digest: rosterDigest(two), repository } }),
    vector('roster-newest-pinned', 'The same from a pin of the newest version: signatures of pinned versions do not matter.', data, {
      ...options, rosters: { 3: text(signedRoster(three, [])) }, pin: { version: 3, digest: rosterDigest(three), repository },
    }),
  ];
}

/** Vectors that open. */
export function goodVectors(): OpenVector[] {
  return [...openings(), ...values(), ...generations(), ...rosters()];
}
