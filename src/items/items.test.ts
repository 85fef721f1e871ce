import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { isVaultError, VaultError, type ErrorCode } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { decodeBase64 } from '../sealing/encoding.ts';
import { compareAudience } from './audience.ts';
import { adminOf, alice, asRecipient, bob, carol, db, example, fields, forge, mac, ref, repository, roster, rosterOf, stranger, web } from './example.testing.ts';
import { encodeItem, encodeKeys, parseItem, parseKeys, type ItemDocuments } from './model.ts';
import { recipientNames, recipientsDigest } from './recipients.ts';
import { extendItem, timeText } from './seal.ts';
import { openItem, ownEntry, parseItemDocuments, verifyItem, type VerifiedItem } from './verify.ts';

const FORM = ['document-invalid', 'document-not-canonical', 'format-unsupported'] as const;
const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const verify = (documents: ItemDocuments, judge = {}): VerifiedItem =>
  verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration: 0, ...judge });

const documents = example();
const verified = verify(documents);

describe('the documents of an item', () => {
  test('parse and encode are inverse', () => {
    assert.deepEqual(encodeItem(parseItem(documents.item, 'item')), documents.item);
    assert.deepEqual(encodeKeys(parseKeys(documents.keys, 'keys')), documents.keys);
  });

  test('put one recipient on a line, sorted by name, whatever order they were given in', () => {
    const shuffled = example({ recipients: [mac, web, db].map((each) => asRecipient('client', each)).concat(asRecipient('admin', alice)) });
    const lines = text(shuffled.keys).split('\n').filter((line) => line.includes('"sealed_key"'));
    assert.deepEqual(lines.map((line) => (JSON.parse(line.trim().replace(/,$/, '')) as { name: string }).name), ['alice', 'db1', 'mac1', 'web1']);
    assert.equal(verify(shuffled).header.recipients_digest, verified.header.recipients_digest);
    assert.throws(() => example({ recipients: [asRecipient('client', web), asRecipient('client', web)] }), TypeError);
  });

  test('do not hold the secret, nor anything that is the same twice', () => {
    for (const document of [documents.item, documents.keys]) assert.doesNotMatch(text(document), /PLANTED|AKIAIOSFODNN7EXAMPLE/);
    const again = verify(example());
    assert.notEqual(again.header.commitment, verified.header.commitment);
    assert.notEqual(again.document.fields['data']?.nonce, verified.document.fields['data']?.nonce);
    assert.notEqual(again.keys.clients[0]?.sealed_key, verified.keys.clients[0]?.sealed_key);
  });

  // Each byte, changed in two ways: a second implementation, or an editor, may get any of them wrong.
  for (const which of ['item', 'keys'] as const) {
    test(`any changed byte of the ${which} document is noticed`, () => {
      const original = documents[which];
      for (let at = 0; at < original.length; at++) {
        for (const flip of [1, 0x20]) {
          const changed = Uint8Array.from(original);
          changed[at] = (changed[at] ?? 0) ^ flip;
          assert.throws(() => {
            const opened = openItem(verify({ ...documents, [which]: changed }), web.identity);
            opened.all();
            // What is left: another recipient's sealed key, which that recipient notices.
            for (const each of [alice, db, mac]) openItem(verify({ ...documents, [which]: changed }), each.identity);
          }, (error) => {
            assert.ok(isVaultError(error), inspect(error));
            return which !== 'item' || error.code === 'item-digest-mismatch';
          }, `byte ${String(at)}`);
        }
      }
    });

    test(`any truncation of the ${which} document is noticed`, () => {
      const original = documents[which];
      for (let length = 0; length < original.length; length++) {
        assert.throws(() => verify({ ...documents, [which]: original.slice(0, length) }), failsWith(...FORM, 'item-digest-mismatch'));
      }
    });
  }

  test('arbitrary bytes and JSON give a VaultError', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(bytes),
      fc.record({ header: fc.jsonValue(), admins: fc.jsonValue(), clients: fc.jsonValue(), format: fc.constantFrom('iam-vault/1', 'x'), fields: fc.jsonValue() }, { requiredKeys: [] })
        .map((value) => bytes(JSON.stringify(value))),
    );
    fc.assert(fc.property(anything, (input) => {
      assert.throws(() => parseItem(input, 'item'), failsWith(...FORM));
      assert.throws(() => parseKeys(input, 'keys'), failsWith(...FORM));
    }));
    for (const nasty of ['['.repeat(5_000_000), '{"a":'.repeat(1_000_000), `{"header":${'['.repeat(100_000)}`, '{\n  "fields": {\n    "__proto__": 1\n  }\n}\n', '"\\ud800"', 'null', '1e999']) {
      assert.throws(() => parseItem(bytes(nasty), 'item'), failsWith(...FORM));
      assert.throws(() => parseKeys(bytes(nasty), 'keys'), failsWith(...FORM));
    }
  });

  test('a member of a JavaScript prototype is no member', () => {
    const changed = text(documents.item).replace('"data":', '"__proto__":');
    assert.throws(() => parseItem(bytes(changed), 'item'), failsWith(...FORM));
    assert.throws(() => openItem(verified, web.identity).field('__proto__'), failsWith('field-not-found'));
    assert.throws(() => openItem(verified, web.identity).field('constructor'), failsWith('field-not-found'));
  });

  test('times are in UTC, to the second', () => {
    assert.equal(timeText(new Date(1_234_567_890_123)), '2009-02-13T23:31:30Z');
  });
});

describe('opening', () => {
  test('gives each recipient what was sealed', () => {
    for (const each of [alice, web, db, mac]) {
      const opened = openItem(verified, each.identity);
      assert.deepEqual(opened.fields, ['data', 'search_query']);
      assert.deepEqual(opened.all(), fields);
      assert.deepEqual(opened.field('data'), fields['data']);
      opened.wipe();
      assert.throws(() => opened.field('data'), failsWith('field-unopenable'), 'the key is gone');
    }
  });

  test('any JSON value comes back', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_@+=,-][A-Za-z0-9_.@+=,-]{0,20}$/).filter((each) => !['__proto__', 'constructor', 'prototype'].includes(each));
    const value = fc.jsonValue({ stringUnit: 'grapheme' }).map((each) => JSON.parse(JSON.stringify(each)) as Json);
    fc.assert(fc.property(fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }), fc.string({ unit: 'grapheme' }), (given, searchQuery) => {
      const sealed = verify(example({ fields: given, searchQuery }));
      assert.equal(sealed.header.search_query, searchQuery);
      assert.deepEqual(openItem(sealed, mac.identity).all(), given);
    }), { numRuns: 40 });
  });

  test('finds the own entry by fingerprint, an admin\'s first', () => {
    const { keys } = verify(example({ recipients: [asRecipient('admin', alice), { ...asRecipient('client', alice), name: 'a-host' }, asRecipient('client', web)] }));
    assert.equal(ownEntry(keys, alice.identity.publicKey.fingerprint)?.role, 'admin');
    assert.equal(ownEntry(keys, web.identity.publicKey.fingerprint)?.role, 'client');
    assert.equal(ownEntry(keys, stranger.identity.publicKey.fingerprint), undefined);
  });

  test('tells a stranger, by name and fingerprint', () => {
    const { fingerprint } = stranger.identity.publicKey;
    for (const [name, code] of [[undefined, 'not-a-recipient'], ['stranger', 'not-a-recipient'], ['web1', 'recipient-key-changed'], ['alice', 'recipient-key-changed']] as const) {
      assert.throws(() => openItem(verified, stranger.identity, name), (error) => {
        assert.ok(error instanceof VaultError && error.code === code);
        assert.equal(error.details['fingerprint'], fingerprint);
        assert.equal(error.details['name'], name);
        return true;
      });
    }
  });

  test('judges by the roster, the repository and the generation that the reader knows', () => {
    assert.throws(() => verify(documents, { roster: rosterOf(1, [bob], 1, null) }), failsWith('signer-unknown'));
    assert.throws(() => verify(documents, { roster: rosterOf(1, [{ ...carol, name: 'alice' }], 1, null) }), failsWith('signature-invalid'));
    assert.throws(() => verify(documents, { repository: verified.header.commitment }), failsWith('repository-mismatch'));
    assert.throws(() => verify(documents, { seenGeneration: 2 }), failsWith('generation-rollback'));
    assert.equal(verify(documents, { seenGeneration: 1 }).header.generation, 1);
  });

  test('takes the signature of a former admin only where the caller says so, and by that key alone', () => {
    const now = rosterOf(2, [bob], 1, null);
    const formerAdmins = [adminOf(alice)];
    assert.equal(verify(documents, { roster: now, formerAdmins }).header.signer, 'alice');
    assert.throws(() => verify(documents, { roster: now, formerAdmins: [adminOf(carol)] }), failsWith('signer-unknown'));
    assert.throws(() => verify(documents, { roster: now, formerAdmins: [adminOf({ ...carol, name: 'alice' })] }), failsWith('signature-invalid'));
    // A name that somebody else has now: either key.
    assert.equal(verify(documents, { roster: rosterOf(2, [{ ...carol, name: 'alice' }], 1, null), formerAdmins }).header.signer, 'alice');
  });

  test('refuses what belongs to another item or vault', () => {
    for (const other of [{ vault: 'other', item: ref.item }, { vault: ref.vault, item: 'other' }]) {
      assert.throws(() => parseItemDocuments(other, documents), failsWith('document-invalid'));
      const renamed = forge(example(other), { header: { vault: ref.vault, id: `${ref.item}_keys` } });
      assert.throws(() => verify(renamed), failsWith('document-invalid'), 'ITEM.json is still the other\'s');
    }
  });

  test('shows the secret in no error', () => {
    const fieldsOf = parseItem(documents.item, 'item').fields;
    const swapped = { data: fieldsOf['search_query'] ?? assert.fail(), search_query: fieldsOf['data'] ?? assert.fail() };
    const attempts: (() => unknown)[] = [
      () => openItem(verified, stranger.identity, 'web1'),
      () => openItem({ ...verified, document: { ...verified.document, fields: swapped } }, web.identity).all(),
      () => openItem({ ...verified, header: { ...verified.header, commitment: verified.header.item_digest } }, web.identity),
      () => openItem({ ...verified, item: 'other' }, web.identity),
      () => openItem(verified, web.identity).field('nothing'),
    ];
    const dataKey = Buffer.from(openItem(verified, web.identity).copyDataKey());
    for (const attempt of attempts) {
      assert.throws(attempt, (error) => {
        assert.ok(isVaultError(error));
        const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + String(error.stack);
        for (const secret of ['PLANTED', 'AKIAIOSFODNN7EXAMPLE', dataKey.toString('hex'), dataKey.toString('base64url')]) assert.ok(!shown.includes(secret));
        return true;
      });
    }
    assert.doesNotMatch(inspect(openItem(verified, web.identity), { depth: 9, showHidden: true, getters: true }), /PLANTED/);
  });
});

describe('extending', () => {
  const opened = openItem(verified, alice.identity);
  const extend = (newcomers = [asRecipient('client', stranger), asRecipient('admin', bob)]): ItemDocuments =>
    extendItem({ verified, dataKey: opened.copyDataKey(), newcomers, signer: alice, time: new Date('2026-05-06T07:08:09.999Z') });

  test('keeps ITEM.json, the data key and the entries that were there', () => {
    const after = extend();
    assert.deepEqual(after.item, documents.item);
    const next = verify(after, { seenGeneration: 1 });
    assert.equal(next.header.generation, 2);
    assert.equal(next.header.commitment, verified.header.commitment);
    assert.equal(next.header.item_digest, verified.header.item_digest);
    assert.equal(next.header.time, '2026-05-06T07:08:09Z');
    assert.equal(next.header.recipients_count, 6);
    for (const entry of [...verified.keys.admins, ...verified.keys.clients]) {
      assert.ok([...next.keys.admins, ...next.keys.clients].some((each) => each.sealed_key === entry.sealed_key && each.name === entry.name));
    }
    for (const each of [alice, bob, web, db, mac, stranger]) {
      assert.deepEqual(openItem(next, each.identity).copyDataKey(), opened.copyDataKey());
      assert.deepEqual(openItem(next, each.identity).all(), fields);
    }
  });

  test('does not list anybody twice', () => {
    assert.throws(() => extend([asRecipient('client', web)]), TypeError);
  });

  test('makes the generation before it a rollback, and its keys no partner of another', () => {
    assert.throws(() => verify(documents, { seenGeneration: 2 }), failsWith('generation-rollback'));
    assert.throws(() => verify({ item: example().item, keys: extend().keys }), failsWith('item-digest-mismatch'));
  });
});

describe('recipients', () => {
  test('have a digest that does not depend on their order, and on nothing else', () => {
    const names = recipientNames(verified.keys);
    const digest = recipientsDigest(names);
    fc.assert(fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (shuffled) => { assert.equal(recipientsDigest(shuffled), digest); }), { numRuns: 20 });
    const others = [
      names.slice(1), [...names, ...names.slice(0, 1)],
      names.map((each) => (each.name === 'web1' ? { ...each, name: 'web2' } : each)),
      names.map((each) => (each.name === 'web1' ? { ...each, role: 'admin' as const } : each)),
      names.map((each) => (each.name === 'web1' ? { ...each, fingerprint: stranger.identity.publicKey.fingerprint } : each)),
    ];
    for (const other of others) assert.notEqual(recipientsDigest(other), digest);
  });

  test('are compared by role and name, then by key', () => {
    const wanted = [asRecipient('admin', alice), { ...asRecipient('client', web), publicKey: stranger.identity.publicKey }, asRecipient('client', db), asRecipient('client', bob)];
    const change = compareAudience(verified.keys, wanted);
    assert.deepEqual(change.gained.map(({ name }) => name), ['bob']);
    assert.deepEqual(change.lost, [{ role: 'client', name: 'mac1' }]);
    assert.deepEqual(change.rekeyed.map(({ name, before, after }) => [name, before, after]),
      [['web1', web.identity.publicKey.fingerprint, stranger.identity.publicKey.fingerprint]]);
    assert.deepEqual(compareAudience(verified.keys, [asRecipient('client', alice)]).gained.map(({ role }) => role), ['client']);
  });

  test('have sealed keys of one length', () => {
    for (const { sealed_key } of [...verified.keys.admins, ...verified.keys.clients]) assert.equal(decodeBase64(sealed_key, 'sealed key').length, 112);
  });
});
