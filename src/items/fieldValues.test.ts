import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError, type ErrorCode } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { checkFields, FILE_MEMBER, fileOf, fileValue, MAX_VALUE_BYTES } from './fieldValues.ts';

const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);

describe('a file as a value', () => {
  test('comes back byte for byte, with its mode', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 0, max: 0o777 }), (bytes, mode) => {
      const back = fileOf(fileValue({ bytes, mode }));
      assert.ok(back !== undefined && Buffer.from(back.bytes).equals(bytes));
      assert.equal(back.mode, mode);
    }));
  });

  test('carries no set-user-id bit', () => {
    assert.equal(fileOf(fileValue({ bytes: new Uint8Array(), mode: 0o6755 }))?.mode, 0o755);
  });

  test('is nothing else', () => {
    const content = 'AAAA';
    for (const value of [
      null, 'text', [], {}, { content, mode: '0600' }, { [FILE_MEMBER]: null }, { [FILE_MEMBER]: { content } }, { [FILE_MEMBER]: { content, mode: '600' } },
      { [FILE_MEMBER]: { content, mode: '01777' } }, { [FILE_MEMBER]: { content: 'A', mode: '0600' } }, { [FILE_MEMBER]: { content, mode: '0600', more: 1 } },
      { [FILE_MEMBER]: { content, mode: '0600' }, more: 1 },
    ] as Json[]) assert.equal(fileOf(value), undefined, JSON.stringify(value));
    fc.assert(fc.property(fc.jsonValue(), (value) => { assert.equal(fileOf(value as Json), undefined); }));
  });
});

describe('fields', () => {
  test('are checked before they are sealed', () => {
    checkFields({ a: 'x'.repeat(MAX_VALUE_BYTES - 2), b: fileValue({ bytes: new Uint8Array(MAX_VALUE_BYTES), mode: 0o600 }) });
    assert.throws(() => { checkFields({ a: 'x'.repeat(MAX_VALUE_BYTES - 1) }); }, failsWith('input-too-large'));
    assert.throws(() => { checkFields({ a: fileValue({ bytes: new Uint8Array(MAX_VALUE_BYTES + 1), mode: 0o600 }) }); }, failsWith('input-too-large'));
    assert.throws(() => { checkFields(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${String(i)}`, 'x'.repeat(MAX_VALUE_BYTES - 2)]))); }, failsWith('input-too-large'));
    assert.throws(() => { checkFields({ '../a': 1 }); }, failsWith('name-invalid'));
    assert.throws(() => { checkFields({ a: [{ b: Infinity }] }); }, failsWith('input-invalid'));
    assert.throws(() => { checkFields({ a: 2 ** 53 }); }, failsWith('input-invalid'));
    assert.throws(() => { checkFields({ a: { [FILE_MEMBER]: 'PLANTED' } }); }, (error) => isVaultError(error, 'input-invalid') && !error.message.includes('PLANTED'));
  });
});
