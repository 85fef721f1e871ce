import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileQuery } from './compile.ts';
import { flattenNode } from './flatten.ts';
import { parseQuery } from './parse.ts';

const values = ['', '*', '10', '9', 'Web', 'a b', 'web', 'web1', 'web12', '\uffee', '\u{1f511}'];
const nodes = [...values.map((v) => flattenNode({ name: `has ${v}`, normal: { v } })), flattenNode({ name: 'without' })];

function matches(query: string): string[] {
  return nodes.filter(compileQuery(parseQuery(query))).map(({ name }) => name.replace(/^has /, ''));
}

test('which values a test of a field matches', async (t) => {
  const cases: readonly (readonly [query: string, matches: readonly string[]])[] = [
    ['v:web', ['web']],
    ['v:"a b"', ['a b']],
    ['v:"a  b"', []],
    ['v:""', ['']],
    ['v:"*"', ['*']],
    ['v:"web*"', []],
    ['v:*', values],
    ['v:web*', ['web', 'web1', 'web12']],
    ['v:web?', ['web1']],
    ['v:?', ['*', '9', '\uffee', '\u{1f511}']],
    ['v:*b*', ['Web', 'a b', 'web', 'web1', 'web12']],
    ['v:w*1*', ['web1', 'web12']],
    // strings: 10 comes before 9
    ['v:[10 TO 9]', ['10', '9']],
    ['v:{10 TO 9]', ['9']],
    ['v:[10 TO 9}', ['10']],
    ['v:{10 TO 9}', []],
    ['v:[9 TO 10]', []],
    ['v:[web TO *]', ['web', 'web1', 'web12', '\uffee', '\u{1f511}']],
    ['v:{web1 TO *}', ['web12', '\uffee', '\u{1f511}']],
    ['v:[* TO 10}', ['', '*']],
    ['v:[* TO *]', values],
    ['v:{"\uffee" TO *]', ['\u{1f511}']],
  ];
  for (const [query, expected] of cases) {
    await t.test(query, () => {
      assert.deepEqual(matches(query), expected);
    });
  }
});

test('a group of must-not clauses is the complement, at any depth', () => {
  assert.deepEqual(matches('NOT v:*'), ['without']);
  assert.deepEqual(matches('v:web OR (NOT v:*)'), ['web', 'without']);
  assert.deepEqual(matches('v:web* AND (NOT v:*1*)'), ['web']);
  assert.deepEqual(matches('NOT (NOT v:web)'), ['web']);
  assert.deepEqual(matches('-v:* -v:web'), ['without']);
  assert.deepEqual(matches('NOT *:*'), []);
  assert.deepEqual(matches('*:* -v:*'), ['without']);
});

test('beside a must clause, a should clause changes nothing', () => {
  assert.deepEqual(matches('v:web1 +v:web*'), matches('v:web*'));
  assert.deepEqual(matches('v:web1 OR v:web* AND NOT v:web'), ['web1', 'web12']);
});
