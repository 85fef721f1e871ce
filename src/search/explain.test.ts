import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainQuery, type Explanation } from './explain.ts';
import { flattenNode } from './flatten.ts';
import { parseQuery } from './parse.ts';

const node = flattenNode({
  name: 'web1',
  run_list: ['role[web]', 'role[base]'],
  normal: { tags: ['canary', 'pci', 'canary'], many: Array.from({ length: 30 }, (_, i) => `v${String(i)}`), long: 'x'.repeat(5000) },
});

function explain(query: string): Explanation {
  return explainQuery(parseQuery(query), node);
}

/** `+` matched, `-` did not, `!` behind what is decisive. */
function outline({ source, matched, decisive, clauses }: Explanation): string {
  const inner = clauses.length === 0 ? '' : ` {${clauses.map(outline).join(', ')}}`;
  return `${matched ? '+' : '-'}${source}${decisive ? '!' : ''}${inner}`;
}

test('an explanation says which clauses decided', async (t) => {
  const cases: readonly (readonly [query: string, expected: string])[] = [
    ['role:web', '+role:web!'],
    [' (role:web) ', '+(role:web)!'],
    ['role:web AND tags:gone', '-role:web AND tags:gone! {+role:web, -tags:gone!}'],
    ['role:web OR role:db', '+role:web OR role:db! {+role:web!, -role:db}'],
    ['role:x OR role:y', '-role:x OR role:y! {-role:x!, -role:y!}'],
    ['role:web AND NOT tags:pci', '-role:web AND NOT tags:pci! {+role:web, +tags:pci!}'],
    ['role:web -tags:gone', '+role:web -tags:gone! {+role:web!, -tags:gone!}'],
    ['NOT role:db', '+NOT role:db! {-role:db!}'],
    ['role:x OR role:web AND name:*', '+role:x OR role:web AND name:*! {-role:x, +role:web!, +name:*!}'],
    ['role:web OR role:x AND name:*', '-role:web OR role:x AND name:*! {+role:web, -role:x!, +name:*}'],
    ['role:(db OR (web AND base))', '+role:(db OR (web AND base))! {-db, +(web AND base)! {+web!, +base!}}'],
    ['*:* AND name:x', '-*:* AND name:x! {+*:*, -name:x!}'],
  ];
  for (const [query, expected] of cases) {
    await t.test(query, () => {
      assert.equal(outline(explain(query)), expected);
    });
  }
});

test('an explanation shows the values that matched, or those that are there', () => {
  assert.deepEqual(explain('tags:can*').values, ['canary']);
  assert.deepEqual(explain('tags:x').values, ['canary', 'pci']);
  assert.equal(explain('gone:x').values, undefined);
  assert.equal(explain('gone:x').field, 'gone');
  assert.equal(explain('*:*').field, undefined);
  const many = explain('many:*');
  assert.equal(many.values?.length, 10);
  assert.equal(many.more, 20);
  assert.ok((explain('long:*').values?.[0]?.length ?? Infinity) < 300);
});

test('an explanation names the roles of its clauses', () => {
  assert.deepEqual(explain('role:web role:a AND role:b NOT role:c').clauses.map(({ occur }) => occur), ['should', 'must', 'must', 'must-not']);
});
