import { alice, asRecipient, bob, carol, db, example, forge, ref, repository, roster, rosterOf, signedRoster, stranger, web } from '../../src/items/example.testing.ts';
import type { ItemDocument, ItemDocuments, RecipientEntry } from '../../src/items/model.ts';
import { canonicalBytes } from '../../src/json/canonical.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { newDataKey, sealDataKey, commitmentOf } from '../../src/sealing/dataKey.ts';
import { digestOf, encodeBase64 } from '../../src/sealing/encoding.ts';
import { sodium } from '../../src/sealing/sodium.ts';
import { encodeRoster, rosterDigest, signRoster, type Roster } from '../../src/trust/roster.ts';
import { extended, plain, rosters1, tampered, text, vector, walk, type Options } from './openVectors.ts';
import type { OpenVector } from './vector.ts';

function broken(name: string, error: ErrorCode, description: string, options: Options): OpenVector {
  return vector(name, description, { error }, options);
}

const item = text(plain.item);
const keys = text(plain.keys);
const keysText = (change: (keys: string) => string): Options => ({ documents: { item, keys: change(keys) } });
const replaced = (from: string | RegExp, to: string): Options => keysText((before) => before.replace(from, to));
/** web1's entry with another sealed key. */
const withSealedKey = (sealed_key: string): ItemDocuments =>
  tampered(({ clients }) => ({ clients: clients.map((entry) => (entry.name === web.name ? { ...entry, sealed_key } : entry)) }));
const sealedTo = (context: { vault?: string; item?: string; role?: 'admin' | 'client'; name?: string }): string => encodeBase64(sealDataKey(newDataKey(), {
  ...ref, role: 'client', name: web.name, fingerprint: web.identity.publicKey.fingerprint, ...context,
}, web.identity.publicKey));

function form(): OpenVector[] {
  return [
    broken('keys-truncated', 'document-invalid', 'The last third of ITEM_keys.json is missing.', keysText((before) => before.slice(0, -600))),
    broken('keys-empty', 'document-invalid', 'ITEM_keys.json is empty.', keysText(() => '')),
    broken('keys-byte-order-mark', 'document-invalid', 'A byte order mark is no JSON.', keysText((before) => `\ufeff${before}`)),
    broken('keys-missing-member', 'document-invalid', 'The header has no commitment.', replaced(/ {4}"commitment": .*\n/, '')),
    broken('keys-unknown-member', 'document-invalid', 'The header has a member that the format does not know.', replaced('    "commitment"', '    "admin": true,\n    "commitment"')),
    broken('keys-generation-zero', 'document-invalid', 'Generations begin at 1.', replaced('"generation": 1', '"generation": 0')),
    broken('keys-time-with-fraction', 'document-invalid', 'Times are to the second.', replaced('04:05Z', '04:05.5Z')),
    broken('keys-time-impossible', 'document-invalid', 'There is no 30 February.', replaced('2026-01-02T', '2026-02-30T')),
    broken('keys-time-zone', 'document-invalid', 'Times are in UTC, written Z.', replaced('04:05Z', '04:05+00:00')),
    broken('keys-name-reserved', 'document-invalid', 'No recipient may be called __proto__.', replaced('"name":"web1"', '"name":"__proto__"')),
    broken('keys-name-with-slash', 'document-invalid', 'Names are one part of a path.', replaced('"name":"web1"', '"name":"../web1"')),
    broken('keys-base64-padding', 'document-invalid', 'base64url has no padding here.', replaced(/("commitment": "[^"]*)"/, '$1="')),
    broken('keys-base64-spare-bits', 'document-invalid', 'The last character of a digest has bits set that stand for nothing.', keysText((before) =>
      before.replace(/"commitment": "([^"]*)(.)"/, (_, most: string, last: string) => `"commitment": "${most}${String.fromCharCode(last.charCodeAt(0) + 1)}"`))),
    broken('keys-half-surrogate', 'document-invalid', 'Half of a surrogate pair is no character.', replaced('"role:web"', '"role:\\ud800"')),
    broken('keys-named-admins-empty', 'document-invalid', 'Named admins are null, or at least one.', replaced('"named_admins": null', '"named_admins": []')),
    broken('keys-named-clients-order', 'document-invalid', 'Named clients are sorted.', replaced('"named_clients": []', '"named_clients": ["b","a"]')),
    broken('keys-named-clients-twice', 'document-invalid', 'Named clients are listed once.', replaced('"named_clients": []', '"named_clients": ["a","a"]')),
    broken('keys-of-another-item', 'document-invalid', 'Both files are those of another item of the vault.', { documents: example({ item: 'other' }) }),
    broken('keys-of-another-vault', 'document-invalid', 'Both files are those of an item of another vault.', { documents: example({ vault: 'other' }) }),
    broken('item-schema-signed', 'document-invalid', 'ITEM.json has an unknown member, and an admin signed its digest.', { documents: signedItemText(item.replace('"format"', '"extra": 1,\n  "format"')) }),
    broken('item-of-another-item-signed', 'document-invalid', 'ITEM.json says that it is another item, and an admin signed its digest.', { documents: signedItemText(item.replace('"id": "account_user"', '"id": "other"')) }),
    broken('keys-spaces', 'document-not-canonical', 'A space too many at the end of a line.', replaced('{\n', '{ \n')),
    broken('keys-crlf', 'document-not-canonical', 'Line ends of another system.', keysText((before) => before.replaceAll('\n', '\r\n'))),
    broken('keys-no-last-newline', 'document-not-canonical', 'The last line has no end.', keysText((before) => before.slice(0, -1))),
    broken('keys-duplicate-key', 'document-not-canonical', 'A member stands twice, with one value.', replaced('    "generation": 1,', '    "generation": 1,\n    "generation": 1,')),
    broken('keys-member-order', 'document-not-canonical', 'Members of the header are not in order.', keysText((before) => before.replace(/( {4}"id": .*\n)( {4}"item_digest": .*\n)/, '$2$1'))),
    broken('keys-escaped-letter', 'document-not-canonical', 'A letter is written as an escape.', replaced('"role:web"', '"\\u0072ole:web"')),
    broken('keys-number-form', 'document-not-canonical', 'A number is written otherwise.', replaced('"generation": 1', '"generation": 1.0')),
    broken('keys-recipients-order', 'document-not-canonical', 'Recipients are not sorted by name.', { documents: tampered(({ clients }) => ({ clients: [...clients].reverse() })) }),
    broken('keys-recipient-twice', 'document-not-canonical', 'A recipient is listed twice.', { documents: tampered(({ clients }) => ({ clients: clients.flatMap((entry) => [entry, entry]) })) }),
    broken('item-layout-signed', 'document-not-canonical', 'ITEM.json is not in the stored layout, and an admin signed its digest.', { documents: signedItemText(item.replace('{\n', '{\n\n')) }),
    broken('keys-format', 'format-unsupported', 'The header is of a later format.', replaced('iam-vault/1', 'iam-vault/2')),
    broken('item-format-signed', 'format-unsupported', 'ITEM.json is of a later format, and an admin signed its digest.', { documents: signedItemText(item.replace('iam-vault/1', 'iam-vault/2')) }),
  ];
}

/** ITEM.json with any text, and a header that an admin signed for it. */
function signedItemText(changed: string): ItemDocuments {
  const itemBytes = new TextEncoder().encode(changed);
  return forge(plain, { itemBytes, header: { item_digest: digestOf(itemBytes) } });
}

function trust(): OpenVector[] {
  const { two, three } = walk;
  const withRosters = (changed: Readonly<Record<string, string>>): Options => ({ documents: walk.item, rosters: { ...walk.rosters, ...changed } });
  const signedAs = (signed: Roster, signatures: readonly { name: string; signature: string }[]): string => text(encodeRoster({ roster: signed, signatures }));
  const pinned = { version: 2, digest: rosterDigest(two), repository };
  const carolsSignature = signRoster(three, 'carol', carol.identity);
  const aliceTwice = rosterOf(1, [alice, { ...alice, name: 'alice2' }], 2, null);
  return [
    broken('roster-missing', 'roster-missing', 'There is no version 1.', { rosters: {} }),
    broken('roster-rollback', 'roster-rollback', 'The pinned version is gone.', { rosters: rosters1, pin: pinned }),
    broken('roster-pin-mismatch', 'roster-pin-mismatch', 'The version that was pinned has other content.', { pin: { version: 1, digest: digestOf(new Uint8Array()), repository: digestOf(new Uint8Array()) } }),
    broken('roster-unsigned-first', 'roster-broken', 'Version 1 is not signed by its own admin.', { rosters: { 1: signedAs(roster, []) } }),
    broken('roster-bad-signature', 'roster-broken', 'Version 2 has a signature over something else.', withRosters({ 2: signedAs(two, [{ name: 'alice', signature: signRoster(roster, 'alice', alice.identity).signature }]) })),
    broken('roster-self-signed', 'roster-broken', 'Version 2 is signed by a new admin, who was none in version 1.', withRosters({ 2: text(signedRoster(two, [bob])) })),
    broken('roster-too-few', 'roster-broken', 'Version 3 has one signature of two.', withRosters({ 3: signedAs(three, [carolsSignature]) })),
    broken('roster-signer-twice', 'roster-broken', 'Version 3 has the signature of one admin twice.', withRosters({ 3: signedAs(three, [carolsSignature, carolsSignature]) })),
    broken('roster-key-twice', 'roster-broken', 'Two names with one key are one signer.', {
      rosters: { 1: signedAs(aliceTwice, [signRoster(aliceTwice, 'alice', alice.identity), signRoster(aliceTwice, 'alice2', alice.identity)]) },
    }),
    broken('roster-wrong-previous', 'roster-broken', 'Version 3 follows another version 2.', withRosters({ 3: text(signedRoster({ ...three, previous: repository }, [bob, carol])) })),
    broken('roster-first-has-previous', 'roster-broken', 'Version 1 refers to an earlier version.', { rosters: { 1: text(signedRoster({ ...roster, previous: repository }, [alice])) } }),
    broken('roster-wrong-number', 'roster-broken', 'trust/1.json says that it is version 2.', { rosters: { 1: text(signedRoster({ ...roster, version: 2 }, [alice])) } }),
    broken('roster-name-twice', 'document-invalid', 'One name for two admins.', { rosters: { 1: text(signedRoster(rosterOf(1, [alice, { ...bob, name: 'alice' }], 1, null), [alice])) } }),
    broken('roster-first-not-by-all', 'roster-broken', 'The first version names an admin who did not sign it.', { rosters: { 1: text(signedRoster(rosterOf(1, [alice, bob], 1, null), [alice])) } }),
    broken('roster-quorum-too-large', 'document-invalid', 'Two must sign, and there is one.', { rosters: { 1: text(signedRoster(rosterOf(1, [alice], 2, null), [alice])) } }),
    broken('roster-key-with-comment', 'document-invalid', 'A key is not written in its one form.', {
      rosters: { 1: text(signedRoster({ ...roster, admins: [{ name: 'alice', public_key: `${bob.identity.publicKey.line} a comment`, signing_key: roster.admins[0]?.signing_key ?? '' }] }, [alice])) },
    }),
    broken('roster-format', 'format-unsupported', 'The roster is of a later format.', { rosters: { 1: (rosters1['1'] ?? '').replace('iam-vault/1', 'iam-vault/2') } }),
    broken('repository-mismatch', 'repository-mismatch', 'The item is of another repository that has the same admin.', { documents: example({ repository: digestOf(new Uint8Array()) }) }),
    broken('signer-unknown', 'signer-unknown', 'A stranger signed.', { documents: example({ signer: stranger }) }),
    broken('signer-removed', 'signer-unknown', 'Alice signed, who is not on the newest roster.', { rosters: walk.rosters }),
    broken('signature-of-another-admin', 'signature-invalid', 'Bob signed in Carol\'s name.', { rosters: walk.rosters, documents: forge(walk.item, { signer: bob }) }),
    broken('signature-other-header', 'signature-invalid', 'The search query was changed after signing.', { documents: forge(plain, { sign: false, header: { search_query: '*:*' } }) }),
    broken('signature-generation-raised', 'signature-invalid', 'The generation was raised after signing.', { documents: forge(plain, { sign: false, header: { generation: 2 } }) }),
  ];
}

function content(): OpenVector[] {
  const entryOf = (documents: ItemDocuments, change: (entry: RecipientEntry) => RecipientEntry): ItemDocuments => tampered(({ clients }) => ({ clients: clients.map(change) }), documents);
  const swapped = ({ fields }: ItemDocument): Partial<ItemDocument> => ({
    fields: { data: fields['search_query'] ?? { ciphertext: '', nonce: '' }, search_query: fields['data'] ?? { ciphertext: '', nonce: '' } },
  });
  const resigned = (change: (item: ItemDocument) => Partial<ItemDocument>): ItemDocuments => {
    const forged = forge(plain, { item: change });
    return forge(forged, { header: { item_digest: digestOf(forged.item) } });
  };
  const stolen = carol.identity.publicKey;
  return [
    broken('item-of-another-generation', 'item-digest-mismatch', 'ITEM.json is of another generation than ITEM_keys.json.', { documents: { item: example({ generation: 2 }).item, keys: plain.keys } }),
    broken('item-changed', 'item-digest-mismatch', 'One character of a ciphertext was changed.', { documents: { keys, item: item.replace(/"ciphertext":"./, (found) => found.slice(0, -1) + (found.endsWith('A') ? 'B' : 'A')) } }),
    broken('item-spaces', 'item-digest-mismatch', 'The digest is over the bytes of ITEM.json, so it comes before its layout.', { documents: { keys, item: `${item}\n` } }),
    broken('generation-rollback', 'generation-rollback', 'This reader has seen generation 2.', { seen: 2 }),
    broken('recipient-removed', 'recipients-digest-mismatch', 'An entry was taken out.', { documents: tampered(({ clients }) => ({ clients: clients.filter(({ name }) => name !== db.name) })) }),
    broken('recipient-slipped-in', 'recipients-digest-mismatch', 'An entry was put in, so that the next honest generation would be sealed to it.', {
      documents: tampered(({ clients }) => ({ clients: [{ name: 'carol', fingerprint: stolen.fingerprint, sealed_key: clients[0]?.sealed_key ?? '' }, ...clients] })),
    }),
    broken('recipient-fingerprint', 'recipients-digest-mismatch', 'An entry names another key.', { documents: entryOf(plain, (entry) => (entry.name === web.name ? { ...entry, fingerprint: stolen.fingerprint } : entry)) }),
    broken('recipient-role', 'recipients-digest-mismatch', 'A node was made an admin.', { documents: tampered(({ admins, clients }) => ({ admins: [...admins, ...clients.slice(2)], clients: clients.slice(0, 2) })) }),
    broken('recipients-count-signed', 'recipients-digest-mismatch', 'The number of recipients is wrong, and an admin signed it.', { documents: forge(plain, { header: { recipients_count: 5 } }) }),
    broken('not-a-recipient', 'not-a-recipient', 'The item is not sealed to this identity.', { as: stranger }),
    broken('not-a-recipient-named', 'not-a-recipient', 'The same, for one who knows its name.', { as: stranger, reader: 'stranger' }),
    broken('recipient-key-changed', 'recipient-key-changed', 'The item is sealed to this name, but to another key.', { as: stranger, reader: 'web1' }),
    broken('sealed-key-damaged', 'sealed-key-unopenable', 'The own entry does not open.', { documents: withSealedKey(encodeBase64(new Uint8Array(112).fill(1))) }),
    broken('sealed-key-of-another-recipient', 'sealed-key-unopenable', 'The own entry holds what was sealed to somebody else.', { documents: entryOf(plain, (entry) => ({ ...entry, sealed_key: entryOfName(db.name) })) , as: web }),
    broken('sealed-key-of-another-item', 'sealed-key-context', 'The own entry is that of another item.', { documents: withSealedKey(sealedTo({ item: 'other' })) }),
    broken('sealed-key-of-another-vault', 'sealed-key-context', 'The own entry is that of an item of another vault.', { documents: withSealedKey(sealedTo({ vault: 'other' })) }),
    broken('sealed-key-of-another-role', 'sealed-key-context', 'The own entry was sealed for the same key as an admin.', { documents: withSealedKey(sealedTo({ role: 'admin' })) }),
    broken('sealed-key-of-another-name', 'sealed-key-context', 'The own entry was sealed for the same key under another name.', { documents: withSealedKey(sealedTo({ name: 'web2' })) }),
    broken('commitment-other-key', 'commitment-mismatch', 'Somebody without the data key sealed one of his own to this recipient.', { documents: withSealedKey(sealedTo({})) }),
    broken('commitment-signed', 'commitment-mismatch', 'An admin signed a commitment to another key.', { documents: forge(plain, { header: { commitment: commitmentOf(newDataKey(), ref) } }) }),
    broken('field-not-found', 'field-not-found', 'The item has no such field.', { field: 'Data' }),
    broken('field-not-found-prototype', 'field-not-found', 'A name that objects of some languages have of themselves.', { field: 'toString' }),
    broken('field-swapped-signed', 'field-unopenable', 'Two fields were exchanged, and an admin signed it.', { documents: resigned(swapped) }),
    broken('field-damaged-signed', 'field-unopenable', 'A ciphertext is damaged, and an admin signed it.', {
      documents: resigned(({ fields }) => ({ fields: { ...fields, data: { nonce: fields['data']?.nonce ?? '', ciphertext: encodeBase64(new Uint8Array(40)) } } })),
    }),
    broken('field-not-json-signed', 'field-unopenable', 'A field decrypts to text that is not JSON.', { documents: notJson() }),
  ];
}

function entryOfName(wanted: string): string {
  const sealed = (JSON.parse(keys) as { clients: RecipientEntry[] }).clients.find(({ name }) => name === wanted)?.sealed_key;
  if (sealed === undefined) throw new Error(wanted);
  return sealed;
}

/** An item whose field holds `{` instead of JSON; made by hand, step by step, as docs/format.md describes it. */
function notJson(): ItemDocuments {
  const dataKey = newDataKey();
  const nonce = new Uint8Array(24).fill(9);
  const key = sodium.crypto_kdf_derive_from_key(32, 1, 'ivltdata', dataKey);
  const ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
    new TextEncoder().encode('{'), canonicalBytes(['iam-vault/1', 'field', ref.vault, ref.item, 'data']), null, nonce, key);
  const changed = forge(plain, { item: () => ({ fields: { data: { ciphertext: encodeBase64(ciphertext), nonce: encodeBase64(nonce) } } }) });
  const context = { ...ref, role: 'client', name: web.name, fingerprint: web.identity.publicKey.fingerprint } as const;
  const sealed_key = encodeBase64(sealDataKey(dataKey, context, web.identity.publicKey));
  return forge(changed, {
    header: { item_digest: digestOf(changed.item), commitment: commitmentOf(dataKey, ref) },
    keys: ({ clients }) => ({ clients: clients.map((entry) => (entry.name === web.name ? { ...entry, sealed_key } : entry)) }),
  });
}

/** Two things are wrong: the earlier step's code is the answer. */
function order(): OpenVector[] {
  const strangers = forge(plain, { sign: false, header: { signer: 'stranger' } });
  return [
    broken('order-form-before-roster', 'document-not-canonical', 'ITEM_keys.json is not canonical, and there is no roster.', { ...keysText((before) => `${before}\n`), rosters: {} }),
    broken('order-roster-before-signer', 'roster-missing', 'There is no roster, and the signer is unknown.', { documents: strangers, rosters: {} }),
    broken('order-repository-before-signer', 'repository-mismatch', 'Another repository, and an unknown signer.', { documents: example({ repository: digestOf(new Uint8Array()), signer: stranger }) }),
    broken('order-signature-before-digest', 'signature-invalid', 'The header was changed, and ITEM.json is of another generation.', { documents: { ...forge(plain, { sign: false, header: { generation: 7 } }), item: example().item } }),
    broken('order-digest-before-generation', 'item-digest-mismatch', 'ITEM.json is another, and the generation is old.', { documents: { item: example().item, keys: plain.keys }, seen: 2 }),
    broken('order-generation-before-recipients', 'generation-rollback', 'The generation is old, and an entry is missing.', { documents: tampered(() => ({ clients: [] })), seen: 2 }),
    broken('order-recipients-before-own-entry', 'recipients-digest-mismatch', 'An entry is missing: this reader\'s own.', { documents: tampered(({ clients }) => ({ clients: clients.filter(({ name }) => name !== web.name) })) }),
    broken('order-own-entry-before-field', 'not-a-recipient', 'Not a recipient, and no such field.', { as: stranger, field: 'nothing' }),
    broken('order-key-before-field', 'commitment-mismatch', 'Another data key, and no such field.', { documents: withSealedKey(sealedTo({})), field: 'nothing' }),
    broken('order-rollback-of-extended', 'generation-rollback', 'Generation 1 again after generation 2 added a node.', { documents: { ...extended(), keys: plain.keys, item: plain.item }, seen: 2 }),
    broken('order-admin-is-no-client', 'sealed-key-context', 'The entry of a node that was sealed as an admin\'s, opened by its own name.', {
      documents: withSealedKey(sealedTo({ role: 'admin' })), reader: asRecipient('client', web).name,
    }),
  ];
}

/** Vectors that must not open. */
export function brokenVectors(): OpenVector[] {
  return [...form(), ...trust(), ...content(), ...order()];
}
