import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError, type ErrorCode } from '../../errors.ts';
import { fileOf, fileValue } from '../../items/fieldValues.ts';
import { draftName, draftOf, draftText, encodeDraft, mergeFields, parseDraft, readDraft, type Fields } from './draft.ts';

const ref = { vault: 'vault', item: 'database' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);

describe('a draft', () => {
  const whole: Fields = { user: 'app', ports: [1, 2], key: fileValue({ bytes: bytes('text'), mode: 0o640 }) };

  test('reads back as it was written, whatever its form', () => {
    for (const draft of [draftOf(ref, undefined, whole), ...Object.keys(whole).map((field) => draftOf(ref, field, { [field]: whole[field] ?? null }))]) {
      assert.deepEqual(readDraft(draft, draftText(draft)), draft.base);
      assert.deepEqual(parseDraft(encodeDraft(draft), 'kept'), draft);
    }
    assert.throws(() => parseDraft(bytes('{}'), 'kept'), failsWith('input-invalid'));
  });

  test('is named so that an editor knows what it is', () => {
    assert.equal(draftName(draftOf(ref, undefined, whole)), 'database.json');
    assert.equal(draftName(draftOf(ref, 'ports', { ports: [1] })), 'ports.json');
    assert.equal(draftName(draftOf(ref, 'key', whole)), 'key');
  });

  test('does not take the end of the last line for a change, where there was none before', () => {
    for (const [before, after, meant] of [['a', 'b\n', 'b'], ['a', 'b\n\n', 'b\n'], ['a\n', 'b\n', 'b\n'], ['a', 'b', 'b'], ['', '\n', '']] as const) {
      const [text, file] = [draftOf(ref, 'f', { f: before }), draftOf(ref, 'f', { f: fileValue({ bytes: bytes(before), mode: 0o400 }) })];
      assert.deepEqual(readDraft(text, bytes(after)), { f: meant });
      const found = fileOf(readDraft(file, bytes(after))['f'] ?? null);
      assert.deepEqual(found && [Buffer.from(found.bytes).toString(), found.mode], [meant, 0o400]);
    }
  });

  test('refuses what is no text', () => {
    assert.throws(() => draftOf(ref, 'f', { f: fileValue({ bytes: Uint8Array.of(0xff), mode: 0o600 }) }), failsWith('field-format'));
    assert.throws(() => draftOf(ref, 'f', { f: fileValue({ bytes: Uint8Array.of(0), mode: 0o600 }) }), failsWith('field-format'));
    assert.throws(() => readDraft(draftOf(ref, 'f', { f: 'text' }), Uint8Array.of(0xff)), failsWith('input-invalid'));
  });
});

describe('merging an edit', () => {
  test('keeps what only one of both changed', () => {
    const base = { same: 1, mine: 1, theirs: 1, gone: 1, goneThere: 1, both: 1 };
    const mine = { same: 1, mine: 2, theirs: 1, goneThere: 1, both: 3, added: 1 };
    const now = { same: 1, mine: 1, theirs: 2, gone: 1, both: 3, addedThere: 1 };
    assert.deepEqual(mergeFields(base, mine, now), { fields: { same: 1, mine: 2, theirs: 2, both: 3, added: 1, addedThere: 1 }, conflicts: [] });
  });

  test('names what both changed in another way, with the value of the one who edits', () => {
    const found = mergeFields({ a: 1, b: 1, c: 1 }, { a: 2, c: 1, d: 1 }, { a: 3, b: 2, d: 2 });
    assert.deepEqual([...found.conflicts].sort(), ['a', 'b', 'd']);
    assert.deepEqual(found.fields, { a: 2, d: 1 });
  });

  test('gives the edit where nobody else did anything, and the other\'s where the edit did nothing', () => {
    const fields = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 2 }), { noNullPrototype: true });
    fc.assert(fc.property(fields, fields, (base, other) => {
      assert.deepEqual(mergeFields(base, other, base), { fields: other, conflicts: [] });
      assert.deepEqual(mergeFields(base, base, other), { fields: other, conflicts: [] });
    }));
  });
});
