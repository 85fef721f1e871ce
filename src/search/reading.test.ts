import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatQuery } from './format.ts';
import { parseQuery } from './parse.ts';
import { readQuery } from './reading.ts';

test('the reading of a query', async (t) => {
  const cases: readonly (readonly [query: string, parenthesised: string, surprising: boolean, ignored: readonly string[]])[] = [
    ['role:web', 'role:web', false, []],
    ['a:1 AND b:2', 'a:1 AND b:2', false, []],
    ['a:1 b:2', 'a:1 OR b:2', false, []],
    ['a:1 AND NOT b:2', 'a:1 AND NOT b:2', false, []],
    ['a:1 NOT b:2', 'a:1 AND NOT b:2', false, []],
    ['a:1 OR b:2 AND c:3', 'b:2 AND c:3', true, ['a:1']],
    ['a:1 AND b:2 OR c:3', 'a:1 AND b:2', true, ['c:3']],
    ['a:1 AND b:2 OR c:3 AND d:4', 'a:1 AND b:2 AND c:3 AND d:4', true, []],
    ['a:1 AND b:2 c:3', 'a:1 AND b:2', true, ['c:3']],
    ['a:1 OR NOT b:2', 'a:1 AND NOT b:2', true, []],
    ['a:1 OR (NOT b:2)', 'a:1 OR (NOT b:2)', false, []],
    ['(a:1 OR b:2) AND c:3', '(a:1 OR b:2) AND c:3', false, []],
    ['a:1 OR (b:2 AND c:3)', 'a:1 OR (b:2 AND c:3)', false, []],
    ['a:1 AND (b:2 OR c:3 AND d:4)', 'a:1 AND (c:3 AND d:4)', true, ['b:2']],
    ['a:1 +b:2', 'b:2', false, ['a:1']],
    ['a:(x OR y) -b:2 c:3', '((a:x OR a:y) OR c:3) AND NOT b:2', false, []],
    ['NOT (a:1 OR b:2)', 'NOT (a:1 OR b:2)', false, []],
    ['NOT a:1 AND NOT b:2', 'NOT a:1 AND NOT b:2', false, []],
  ];
  for (const [query, parenthesised, surprising, ignored] of cases) {
    await t.test(query, () => {
      assert.deepEqual(readQuery(parseQuery(query)), { parenthesised, surprising, ignored });
    });
  }
});

test('canonical text', async (t) => {
  const cases: readonly (readonly [query: string, canonical: string])[] = [
    ['  a:1   AND b:2', '+a:1 +b:2'],
    ['a:(x OR "y z")', 'a:x a:"y z"'],
    ['recipe:nginx\\:\\:ssl', 'recipe:"nginx::ssl"'],
    ['run_list:role\\[web\\]', 'run_list:"role[web]"'],
    ['a:role\\[*', 'a:role\\[*'],
    ['a:"AND" b:\\AND', 'a:"AND" b:"AND"'],
    ['\\AND:1 a\\ b:2', '\\AND:1 a\\ b:2'],
    ['a:{1 TO *]', 'a:{1 TO *]'],
    ['NOT (a:1 b:2)', '-(a:1 b:2)'],
    ['a:"\\u0007\\u00a0"', 'a:"\\u0007\\u00a0"'],
  ];
  for (const [query, canonical] of cases) {
    await t.test(query, () => {
      assert.equal(formatQuery(parseQuery(query)), canonical);
      assert.equal(formatQuery(parseQuery(canonical)), canonical);
    });
  }
});
