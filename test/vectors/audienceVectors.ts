import { alice, asRecipient, db, example, fields, forge, ref, repository, roster, stranger, web } from '../../src/items/example.testing.ts';
import { groupRecipient, nextGroupKeys, type GroupKeys } from '../../src/items/group.ts';
import type { ItemDocuments, KeysDocument } from '../../src/items/model.ts';
import { openItem, parseItemDocuments, verifyItem, type VerifiedItem } from '../../src/items/verify.ts';
import { encodeBase64 } from '../../src/sealing/encoding.ts';
import { sealEntry } from '../../src/items/recipients.ts';
import { generateSeed, identityFromSeed } from '../../src/sealing/identity.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { Expectation, OpenVector } from './vector.ts';
import { plain, text, vector, type Options } from './openVectors.ts';

const name = `audience-${'0123456789abcdef'.repeat(2)}`;
const at = { vault: ref.vault, item: name };
const members = [asRecipient('admin', alice), asRecipient('client', web), asRecipient('client', db)];

function verified(documents: ItemDocuments, of: { vault: string; item: string } = ref): VerifiedItem {
  return verifyItem(parseItemDocuments(of, documents), { roster, repository, seenGeneration: 0 });
}

function audienceOf(keys: GroupKeys, generation = 1): ItemDocuments {
  return example({ ...at, ...keys, recipients: members, generation });
}

const firstKeys = nextGroupKeys(undefined, () => false);
const first = audienceOf(firstKeys);
const open = openItem(verified(first, at), alice.identity);
/** The second epoch, with the key of the first. */
const second = audienceOf(nextGroupKeys({ verified: verified(first, at), open }, () => true), 2);
/** And without it. */
const third = audienceOf(nextGroupKeys({ verified: verified(first, at), open }, () => false), 2);
open.wipe();

const sealedToFirst = example({ recipients: [groupRecipient(verified(first, at))] });
const sealedToSecond = example({ recipients: [groupRecipient(verified(second, at))], generation: 2 });

function audienceVector(id: string, description: string, expect: Expectation, audience: ItemDocuments | undefined, options: Options = {}): OpenVector {
  return {
    ...vector(`audience-${id}`, description, expect, { documents: sealedToFirst, ...options }),
    ...(audience === undefined ? {} : { audience: { name, item: text(audience.item), keys: text(audience.keys) } }),
  };
}

function broken(id: string, error: ErrorCode, description: string, audience: ItemDocuments | undefined, options: Options = {}): OpenVector {
  return audienceVector(id, description, { error }, audience, options);
}

const data = { value: fields['data'] ?? null };
const otherSeed = generateSeed();

/** The item, with another header or other lists, signed by the admin. */
const changed = (change: Parameters<typeof forge>[1], documents = sealedToFirst): Options => ({ documents: forge(documents, change) });
const entry = (keys: KeysDocument): NonNullable<KeysDocument['audience']> => keys.audience ?? { name, fingerprint: '', sealed_key: '' };

export function audienceVectors(): OpenVector[] {
  return [
    audienceVector('opens-as-node', 'A node opens an item that is sealed to its audience.', data, first),
    audienceVector('opens-as-admin', 'The admin does, all fields.', { value: fields }, first, { as: alice, field: null }),
    audienceVector('opens-as-ssh-key', 'A member with an ssh-ed25519 key.', data, first, { as: db }),
    audienceVector('next-epoch', 'The item and the audience are at the second epoch.', data, second, { documents: sealedToSecond, seen: 2 }),
    audienceVector('item-behind', 'The audience has a new epoch, which the item does not follow yet.', data, second),
    broken('key-forgotten', 'audience-mismatch', 'The audience does not hold the key that the item is sealed to any more.', third),
    broken('item-ahead', 'audience-mismatch', 'The item is sealed to a key that this older audience does not have.', first, { documents: sealedToSecond }),
    broken('missing', 'item-missing', 'There is no such audience.', undefined),
    broken('not-a-member', 'not-a-recipient', 'Somebody who is not in the audience.', first, { as: stranger }),
    broken('no-audience', 'document-invalid', 'What has the name of an audience is an item without keys.', example({ ...at, recipients: members })),
    broken('signature', 'signature-invalid', 'Somebody who is no admin signed the audience.', forge(first, { signer: stranger })),
    broken('item-digest', 'item-digest-mismatch', 'Both files of the audience are not of one generation.', { item: second.item, keys: first.keys }),
    broken('seeds-of-others-signed', 'commitment-mismatch', 'The audience holds other seeds than those of its public keys, and an admin signed that.',
      audienceOf({ ...firstKeys, fields: { seeds: [encodeBase64(otherSeed)] } })),
    broken('seeds-no-list-signed', 'commitment-mismatch', 'The field of the audience is no list.', audienceOf({ ...firstKeys, fields: { seeds: encodeBase64(otherSeed) } })),
    broken('in-audience-signed', 'document-invalid', 'An audience is sealed to an audience.', forge(first, { keys: () => ({ admins: [], clients: [], audience: { name, fingerprint: identityFromSeed(otherSeed).publicKey.fingerprint, sealed_key: 'A'.repeat(150) } }) })),
    broken('and-recipients-signed', 'document-invalid', 'An item lists clients beside the audience.', first, changed({ keys: () => ({ clients: verified(plain).keys.clients }) })),
    broken('other-name-signed', 'document-invalid', 'The entry has a name that is none of an audience.', first, changed({ keys: (keys) => ({ audience: { ...entry(keys), name: 'audience' } }) })),
    broken('group-in-item-signed', 'document-invalid', 'An item that is no audience has keys.', first, changed({ header: { group: firstKeys.group } })),
    broken('recipients-digest', 'recipients-digest-mismatch', 'The entry has the fingerprint of another key than the one that was signed.', second,
      { documents: { item: text(sealedToFirst.item), keys: text(sealedToFirst.keys).replace(entry(verified(sealedToFirst).keys).fingerprint, groupRecipient(verified(second, at)).publicKey.fingerprint) } }),
    broken('role-signed', 'sealed-key-context', 'The data key was sealed to the audience as if it were a client.', first,
      changed({ keys: (keys) => ({ audience: { ...entry(keys), sealed_key: sealEntry(openItemKey(), ref, { ...groupRecipient(verified(first, at)), role: 'client' }).sealed_key } }) })),
  ];
}

/** The data key of the item that is sealed to the first epoch. */
function openItemKey(): Uint8Array {
  const seed = firstKeys.fields['seeds'] as [string];
  return openItem(verified(sealedToFirst), identityFromSeed(Uint8Array.from(Buffer.from(seed[0], 'base64url')))).copyDataKey();
}
