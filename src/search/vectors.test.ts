import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isVaultError } from '../errors.ts';
import { compileQuery } from './compile.ts';
import { createFlatten, flattenNode, type NodeObject } from './flatten.ts';
import { parseQuery } from './parse.ts';

// Made with Apache Lucene's own classic query parser; they stand beside the repository.
const folder = new URL('../../../shared/search/', import.meta.url);
const nodes = JSON.parse(readFileSync(new URL('nodes.json', folder), 'utf8')) as NodeObject[];
const vectors = JSON.parse(readFileSync(new URL('vectors.json', folder), 'utf8')) as Vector[];

type Vector = { query: string; matches: string[] } | { query: string; error: true };

test('the vectors are complete', () => {
  assert.equal(nodes.length, 72);
  assert.equal(vectors.length, 269);
  assert.equal(vectors.filter((vector) => 'error' in vector).length, 19);
});

for (const [how, flatten] of [['in one pool', createFlatten()], ['one by one', flattenNode]] as const) {
  test(`Lucene's matches, nodes flattened ${how}`, async (t) => {
    const flat = nodes.map((node) => flatten(node));
    for (const vector of vectors) {
      await t.test(JSON.stringify(vector.query), () => {
        if ('error' in vector) {
          assert.throws(() => parseQuery(vector.query), (error) => isVaultError(error, 'query-invalid'));
          return;
        }
        const matches = flat.filter(compileQuery(parseQuery(vector.query))).map(({ name }) => name);
        assert.deepEqual(matches.sort(), [...vector.matches].sort());
      });
    }
  });
}
