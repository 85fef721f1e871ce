import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alice, asRecipient, db, example, ref, web } from '../../items/example.testing.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { findExposure, type StoredGeneration, type Suspect } from './exposure.ts';

function seal(generation: number, fields: readonly string[], readers: readonly (typeof web)[]): ItemDocuments {
  return example({ generation, fields: Object.fromEntries(fields.map((name) => [name, 'x'])), recipients: [asRecipient('admin', alice), ...readers.map((each) => asRecipient('client', each))] });
}

async function* stored(...documents: readonly (ItemDocuments & { readonly at?: typeof ref | { vault: string; item: string } })[]): AsyncGenerator<StoredGeneration> {
  for (const { at = ref, keys, item } of documents) yield await Promise.resolve({ ref: at, keys, item });
}

const suspect = (name: string, ...fingerprints: string[]): Suspect => ({ name, fingerprints: new Set(fingerprints) });

describe('findExposure', () => {
  it('tells each field with the generations in which the party could read it', async () => {
    const { exposure: found } = await findExposure(stored(seal(1, ['a', 'b'], [web]), seal(2, ['b', 'c'], [web, db]), seal(3, ['b', 'd'], [db])), suspect('web1'));
    assert.deepEqual(found, [{
      ...ref, first: 1, last: 2, incomplete: false, fields: [{ name: 'a', first: 1, last: 1 }, { name: 'b', first: 1, last: 2 }, { name: 'c', first: 2, last: 2 }],
    }]);
  });

  it('finds the party by its key under another name', async () => {
    const documents = seal(1, ['a'], [{ ...web, name: 'alias' }]);
    assert.equal((await findExposure(stored(documents), suspect('web1'))).exposure.length, 0);
    assert.equal((await findExposure(stored(documents), suspect('web1', web.identity.publicKey.fingerprint))).exposure.length, 1);
  });

  it('says where fields are not known any more, and passes over what is no item', async () => {
    const { keys } = seal(4, ['a'], [web]);
    const damaged = { keys: new TextEncoder().encode('{'), item: new Uint8Array() };
    const { exposure: found } = await findExposure(stored(damaged, { keys, item: new TextEncoder().encode('<<<<<<<') }), suspect('web1'));
    assert.deepEqual(found, [{ ...ref, first: 4, last: 4, incomplete: true, fields: [] }]);
  });

  it('sorts by vault and item', async () => {
    const documents = seal(1, ['a'], [web]);
    const { exposure: found } = await findExposure(stored({ ...documents, at: { vault: 'z', item: 'a' } }, { ...documents, at: { vault: 'a', item: 'z' } }), suspect('web1'));
    assert.deepEqual(found.map(({ vault }) => vault), ['a', 'z']);
  });

  it('tells which generations it was not given', async () => {
    const { unknown } = await findExposure(stored(seal(7, ['a'], [web]), seal(2, ['a'], []), seal(3, ['a'], [])), suspect('web1'));
    assert.deepEqual(unknown, [{ ...ref, ranges: [{ first: 1, last: 1 }, { first: 4, last: 6 }] }]);
  });
});
