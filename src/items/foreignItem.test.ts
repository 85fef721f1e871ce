import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { example } from './example.testing.ts';
import { foreignTypeOf } from './foreignItem.ts';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const encrypted = { encrypted_data: 'c2VjcmV0', iv: 'aXY=', auth_tag: 'dGFn', version: 3, cipher: 'aes-256-gcm' };

describe('data bag items of other programs', () => {
  test('chef-vault\'s are known by their keys document, in both layouts', () => {
    const keys = { id: 'database_keys', admins: ['alice'], clients: ['db01'], search_query: 'role:db' };
    const item = bytes({ id: 'database', password: encrypted });
    assert.equal(foreignTypeOf({ item, keys: bytes({ ...keys, mode: 'default', alice: 'YWJj', db01: 'ZGVm' }) }), 'chef-vault');
    assert.equal(foreignTypeOf({ item, keys: bytes({ ...keys, mode: 'sparse', search_query: [] }) }), 'chef-vault');
    assert.equal(foreignTypeOf({ keys: bytes(keys) }), 'chef-vault');
  });

  test('so are those of its version 1, and the documents of its sparse layout', () => {
    assert.equal(foreignTypeOf({ keys: bytes({ id: 'database_keys', alice: 'YWJj', db01: 'ZGVm\n' }) }), 'chef-vault');
    for (const keys of [{ id: 'database', alice: 'YWJj' }, { id: 'database_keys', alice: 1 }, { id: 'database_keys', header: {} }, { id: 'database_keys' }]) assert.equal(foreignTypeOf({ keys: bytes(keys) }), undefined);
    const sealed = `${'QUJD'.repeat(15)}\n`.repeat(6);
    assert.equal(foreignTypeOf({ item: bytes({ id: 'database_key_db01', db01: sealed }) }), 'chef-vault');
    for (const item of [{ db01: 'a password' }, { db01: sealed, user: 'app' }, { db02: sealed }]) assert.equal(foreignTypeOf({ item: bytes({ id: 'database_key_db01', ...item }) }), 'plain');
  });

  test('encrypted and plain ones have none', () => {
    assert.equal(foreignTypeOf({ item: bytes({ id: 'database', password: encrypted }) }), 'encrypted');
    assert.equal(foreignTypeOf({ item: bytes({ id: 'database', password: encrypted, user: 'app' }) }), 'plain');
    assert.equal(foreignTypeOf({ item: bytes({ id: 'database' }) }), 'plain');
  });

  test('ours, damaged ones and what is no item at all are none of them', () => {
    const ours = example();
    assert.equal(foreignTypeOf(ours), undefined);
    assert.equal(foreignTypeOf({ item: ours.item }), undefined);
    assert.equal(foreignTypeOf({ item: ours.item, keys: ours.keys.slice(0, 100) }), undefined);
    for (const item of ['', '[]', '{"id":1}', 'null', '{"id":"x"', '["id"]']) assert.equal(foreignTypeOf({ item: bytes(item) }), undefined, item);
    assert.equal(foreignTypeOf({}), undefined);
  });
});
