import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sodium } from './sodium.ts';

test('libsodium takes its randomness from the generator of the host, in whole blocks', (t) => {
  const blocks: unknown[] = [];
  const real = globalThis.crypto.getRandomValues.bind(globalThis.crypto);
  t.mock.method(globalThis.crypto, 'getRandomValues', (array: Uint32Array<ArrayBuffer>) => {
    blocks.push([array.constructor.name, array.length]);
    return real(array);
  });
  // More words than one block has, however much of one was left; every byte of libsodium's costs a word or less.
  const drawn = Array.from({ length: 600 }, () => Buffer.from(sodium.randombytes_buf(32)).toString('hex'));
  assert.ok(blocks.length > 0, 'an update of libsodium does not ask our generator any more');
  for (const block of blocks) assert.deepEqual(block, ['Uint32Array', 256]);
  assert.equal(new Set(drawn).size, drawn.length);
});
