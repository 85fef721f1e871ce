import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { commitmentOf, type ItemRef } from '../sealing/dataKey.ts';
import { openField } from '../sealing/field.ts';
import { mergedDataKey, sealMergedFields } from '../sealing/mergedKey.ts';
import { seedOf } from '../sealing/opensshKey.testing.ts';
import { compareVersions } from './changes.ts';
import { alice, asRecipient, bob, carol, db, example, fields, mac, ref, repository, roster, web, type Person } from './example.testing.ts';
import { mergeAudience, mergeFields, UNREADABLE } from './merge.ts';
import { mergeItem, mergeItemFile, type MergeSides } from './mergeItem.ts';
import { parseKeys, type ItemDocuments, type KeysDocument } from './model.ts';
import { recipientNames, sealEntry, type AudienceRecipient, type Recipient } from './recipients.ts';
import { extendItem, timeText } from './seal.ts';
import { openItem, parseItemDocuments, verifyItem, type VerifiedItem } from './verify.ts';

const people = [alice, bob, carol, web, db, mac];
const verify = (documents: ItemDocuments): VerifiedItem => verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration: 0 });
const authority = {
  signer: alice, time: new Date('2026-02-03T04:05:06Z'),
  publicKeyOf: ({ fingerprint }: { fingerprint: string }) => Promise.resolve(people.find(({ identity }) => identity.publicKey.fingerprint === fingerprint)?.identity.publicKey ?? assert.fail('no such key')),
  sealEntries: (dataKey: Uint8Array, to: ItemRef, recipients: readonly (Recipient | AudienceRecipient)[]) => Promise.resolve(recipients.map((each) => sealEntry(dataKey, to, each))),
};
const sidesOf = (base: VerifiedItem | undefined, ours: VerifiedItem, theirs: VerifiedItem): MergeSides => ({ base, ours, theirs, open: (version) => openItem(version, alice.identity) });
const conflicts = (error: unknown): boolean => isVaultError(error, 'merge-conflict');
const client = (who: Person): Recipient => asRecipient('client', who);

const base = verify(example());
function rotated(from: VerifiedItem, clients: readonly Person[], change: { readonly [name: string]: Json } = {}): VerifiedItem {
  return verify(example({ generation: from.header.generation + 1, fields: { ...openItem(from, alice.identity).all(), ...change }, recipients: [asRecipient('admin', alice), ...clients.map(client)] }));
}
function extended(from: VerifiedItem, ...newcomers: Person[]): VerifiedItem {
  return verify(extendItem({ verified: from, dataKey: openItem(from, alice.identity).copyDataKey(), newcomers: newcomers.map(client), signer: alice, time: new Date() }));
}

describe('the key of what was merged', () => {
  const [one, other, third] = [seedOf(1), seedOf(2), seedOf(3)];

  test('is the same whichever side is called ours, and another for other keys, content or items', () => {
    const key = mergedDataKey(one, other, ref, fields);
    assert.deepEqual(mergedDataKey(other, one, ref, fields), key);
    for (const another of [
      mergedDataKey(one, third, ref, fields), mergedDataKey(third, other, ref, fields),
      mergedDataKey(one, other, ref, { ...fields, data: 1 }), mergedDataKey(one, other, ref, {}), mergedDataKey(one, other, { ...ref, item: 'another' }, fields), one, other,
    ]) assert.notDeepEqual(another, key);
  });

  test('encrypts to the same bytes each time, with a nonce of its own for each field', () => {
    const key = mergedDataKey(one, other, ref, fields);
    const sealed = sealMergedFields({ a: 'same', b: 'same' }, key, ref);
    assert.deepEqual(sealMergedFields({ a: 'same', b: 'same' }, key, ref), sealed);
    assert.notEqual(sealed['a']?.nonce, sealed['b']?.nonce);
    assert.ok(sealed['a']);
    assert.equal(openField(sealed['a'], key, ref, 'a'), 'same');
  });

  // docs/format.md, "Merging": computed from that page alone with Python's hashlib.
  test('is what the specification says', () => {
    assert.equal(commitmentOf(mergedDataKey(one, other, ref, { f: 'v' }), ref), 'rP8GWtvdzWzqYFk7hzqyWaYaIb2UuNuMDcZXt92eiKY');
    assert.equal(sealMergedFields({ f: 'v' }, mergedDataKey(one, other, ref, { f: 'v' }), ref)['f']?.nonce, 'Dj8jhp5G8XT3nc9K_QOc7FySRUhqzVe9');
  });
});

describe('merging an item', () => {
  const cases: readonly (readonly [string, VerifiedItem | undefined, VerifiedItem, VerifiedItem, { readonly can: readonly Person[]; readonly values: object }])[] = [
    ['both extended', base, extended(base, carol), extended(base, bob), { can: [alice, web, db, mac, carol, bob], values: fields }],
    ['one side changed content', base, rotated(base, [web, db], { data: 1 }), extended(base, carol), { can: [alice, web, db, carol], values: { ...fields, data: 1 } }],
    ['both changed content', base, rotated(base, [web, db], { data: 1 }), rotated(base, [db, mac, bob], { more: 2 }), { can: [alice, db, bob], values: { ...fields, data: 1, more: 2 } }],
    ['both made it', undefined, rotated(base, [web], { data: 1 }), rotated(base, [mac], { data: 1, more: 2 }), { can: [alice, web, mac], values: { ...fields, data: 1, more: 2 } }],
  ];
  for (const [name, from, ours, theirs, { can, values }] of cases) {
    test(`gives one pair, made alike from either side, that those open who shall: ${name}`, async () => {
      const results = [];
      for (const sides of [sidesOf(from, ours, theirs), sidesOf(from, theirs, ours)]) {
        const documents = await mergeItem(sides, authority);
        assert.deepEqual(mergeItemFile(sides), documents.item, 'the file alone is the file of the pair');
        const merged = verify(documents);
        assert.equal(merged.header.generation, Math.max(ours.header.generation, theirs.header.generation) + 1);
        assert.equal(merged.header.time, timeText(authority.time));
        for (const each of people) {
          if (can.includes(each)) assert.deepEqual(openItem(merged, each.identity).all(), values, each.name);
          else assert.throws(() => openItem(merged, each.identity), (error) => isVaultError(error, 'not-a-recipient'), each.name);
        }
        const { time: _time, ...header } = merged.header;
        results.push([documents.item, header, recipientNames(merged.keys)]);
      }
      assert.deepEqual(results[1], results[0]);
    });
  }

  test('stops where both changed one field, and names it without its value', async () => {
    const [ours, theirs] = [rotated(base, [web], { data: 'PLANTED-1' }), rotated(base, [web], { data: 'PLANTED-2' })];
    await assert.rejects(mergeItem(sidesOf(base, ours, theirs), authority), (error) => {
      assert.ok(isVaultError(error, 'merge-conflict'));
      assert.deepEqual(error.details['conflicts'], [{ what: 'field data', ours: 'changed it', theirs: 'changed it' }]);
      assert.doesNotMatch(error.message, /PLANTED/);
      return true;
    });
    assert.throws(() => mergeItemFile(sidesOf(base, ours, theirs)), conflicts);
    for (const [prefer, value] of [['ours', 'PLANTED-1'], ['theirs', 'PLANTED-2']] as const) {
      assert.equal(openItem(verify(await mergeItem({ ...sidesOf(base, ours, theirs), prefer }, authority)), web.identity).field('data'), value);
    }
  });

  test('stops where the base cannot be opened and it cannot be told who changed what', () => {
    const sealedToOthers = verify(example({ recipients: [asRecipient('admin', bob)] }));
    assert.throws(() => mergeItemFile(sidesOf(sealedToOthers, rotated(base, [web], { data: 1 }), rotated(base, [web]))), conflicts);
    assert.deepEqual(mergeFields({ base: { a: UNREADABLE, b: UNREADABLE }, ours: { a: 1, b: 2 }, theirs: { a: 1 } }).conflicts, [{ what: 'field b', ours: 'may have changed it', theirs: 'removed it' }]);
  });

  test('refuses a removal that kept the data key', () => {
    const keptKey = verify(extendItem({ verified: { ...base, keys: { ...base.keys, clients: base.keys.clients.filter(({ name }) => name !== web.name) } }, dataKey: openItem(base, alice.identity).copyDataKey(), newcomers: [], signer: alice, time: new Date() }));
    assert.throws(() => mergeItemFile(sidesOf(base, keptKey, extended(base, carol))), conflicts);
    assert.throws(() => mergeItemFile(sidesOf(base, keptKey, rotated(base, [web, db]))), conflicts);
  });

  test('needs no key where both only added recipients', async () => {
    const shut: MergeSides = { ...sidesOf(base, extended(base, carol), extended(base, bob)), open: () => assert.fail('opened') };
    assert.equal(verify(await mergeItem(shut, authority)).keys.clients.length, 5);
  });
});

const names = ['a', 'b', 'c', 'd'];
const entry = fc.record({ name: fc.constantFrom(...names), fingerprint: fc.constantFrom('f1', 'f2') });
const keys: fc.Arbitrary<KeysDocument> = fc.record({
  clients: fc.uniqueArray(entry, { selector: ({ name }) => name }),
  query: fc.constantFrom('q1', 'q2', 'q3'), namedAdmins: fc.option(fc.subarray(['x', 'y'], { minLength: 1 })), named: fc.boolean(),
}).map(({ clients, query, namedAdmins, named }) => {
  const sorted = [...clients].sort((one, other) => (one.name < other.name ? -1 : 1)).map((each) => ({ ...each, sealed_key: '' }));
  return {
    admins: ['x', 'y'].map((name) => ({ name, fingerprint: 'f', sealed_key: '' })), clients: sorted,
    header: { ...parseKeys(example().keys, 'keys').header, search_query: query, named_admins: namedAdmins, named_clients: named ? sorted.slice(0, 2).map(({ name }) => name) : [] },
  };
});
/** As a version that was made from one of {@link keys}. */
const newer = keys.map((document): KeysDocument => ({ ...document, header: { ...document.header, generation: 2, signature: 'another' } }));
const swapped = <T extends { readonly ours: string; readonly theirs: string }>(list: readonly T[]): T[] => list.map((each) => ({ ...each, ours: each.theirs, theirs: each.ours }));

describe('properties of merging', () => {
  test('who is ours makes no difference', () => {
    fc.assert(fc.property(fc.option(fc.oneof(keys, newer), { nil: undefined }), newer, newer, (from, ours, theirs) => {
      const [one, other] = [mergeAudience({ base: from, ours, theirs }), mergeAudience({ base: from, ours: theirs, theirs: ours })];
      assert.deepEqual(swapped(other.conflicts), one.conflicts);
      if (one.conflicts.length === 0) assert.deepEqual(other, one);
    }));
  });

  test('nobody comes back who was removed on one side, and nobody goes whom nobody removed', () => {
    fc.assert(fc.property(keys, newer, newer, (from, ours, theirs) => {
      const { recipients, conflicts: found } = mergeAudience({ base: from, ours, theirs });
      if (found.length > 0) return;
      const has = (document: KeysDocument, name: string): boolean => document.clients.some((each) => each.name === name);
      for (const name of names) {
        const merged = recipients.some((each) => each.role === 'client' && each.name === name);
        const wanted = has(from, name) ? has(ours, name) && has(theirs, name) : has(ours, name) || has(theirs, name);
        assert.equal(merged, wanted, name);
      }
    }));
  });

  test('merging with an unchanged side gives the other', () => {
    fc.assert(fc.property(keys, newer, (from, theirs) => {
      const merged = mergeAudience({ base: from, ours: from, theirs });
      assert.deepEqual(merged.conflicts, []);
      assert.deepEqual([merged.recipients, merged.searchQuery, merged.namedAdmins, merged.namedClients], [recipientNames(theirs), theirs.header.search_query, theirs.header.named_admins, theirs.header.named_clients]);
    }));
  });

  test('a side that is older than what both began with decides nothing, unless it is preferred', () => {
    fc.assert(fc.property(newer, keys, newer.map((each) => ({ ...each, header: { ...each.header, generation: 3 } })), (from, older, newest) => {
      for (const [sides, prefer] of [[{ ours: older, theirs: newest }, 'theirs'], [{ ours: newest, theirs: older }, 'ours']] as const) {
        assert.notDeepEqual(mergeAudience({ base: from, ...sides }).conflicts, []);
        const merged = mergeAudience({ base: from, ...sides }, prefer);
        assert.deepEqual(merged.recipients.filter(({ name }) => !merged.namedClients.includes(name)), recipientNames(newest).filter(({ name }) => !merged.namedClients.includes(name)));
        assert.deepEqual([merged.searchQuery, merged.namedAdmins, merged.namedClients], [newest.header.search_query, newest.header.named_admins, newest.header.named_clients]);
      }
    }));
    assert.deepEqual(mergeFields({ base: { a: 2 }, ours: { a: 1 }, theirs: { a: 2 } }, 'theirs', true).fields, { a: 2 });
    assert.equal(mergeFields({ base: { a: 2 }, ours: { a: 1 }, theirs: { a: 2 } }, undefined, true).conflicts.length, 1);
  });

  const values = fc.dictionary(fc.constantFrom(...names), fc.constantFrom(1, 2, 'x'));
  test('of fields: symmetric, and each value is one that somebody wrote', () => {
    fc.assert(fc.property(fc.option(values, { nil: undefined }), values, values, (from, ours, theirs) => {
      const [one, other] = [mergeFields({ base: from, ours, theirs }), mergeFields({ base: from, ours: theirs, theirs: ours })];
      assert.deepEqual(swapped(other.conflicts), one.conflicts);
      if (one.conflicts.length > 0) return;
      assert.deepEqual(other.fields, one.fields);
      for (const [name, value] of Object.entries(one.fields)) assert.ok(ours[name] === value || theirs[name] === value);
      assert.deepEqual(mergeFields({ base: from, ours: one.fields, theirs: one.fields }).fields, one.fields);
    }));
  });
});

test('two versions are compared by names', () => {
  const after = rotated(extended(base, carol), [web, carol], { data: 1, more: 2 });
  const values = { from: openItem(base, alice.identity).all(), to: openItem(after, alice.identity).all() };
  assert.deepEqual(compareVersions(base, after).fields, [{ name: 'data', change: 'encrypted-anew' }, { name: 'more', change: 'added' }, { name: 'search_query', change: 'encrypted-anew' }]);
  const { fields: changed, recipients, ...rest } = compareVersions(base, after, values);
  assert.deepEqual(changed, [{ name: 'data', change: 'changed' }, { name: 'more', change: 'added' }]);
  assert.deepEqual(recipients.map(({ name, change }) => [name, change]), [['carol', 'added'], ['db1', 'removed'], ['mac1', 'removed']]);
  assert.deepEqual(rest, {});
});
