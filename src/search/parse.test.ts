import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVaultError } from '../errors.ts';
import type { Expression, Occur } from './ast.ts';
import { DEPTH_MAX, FIELD_MAX, parseQuery, PATTERN_MAX } from './parse.ts';
import { QUERY_MAX } from './tokens.ts';

const invalid: readonly (readonly [query: string, column: number])[] = [
  // nothing, or nothing where a clause should be
  ['', 1], ['   ', 1], ['()', 2], ['role:', 6], ['role: ', 6], ['role:()', 7], ['AND', 1], ['OR a:1', 1], ['&& a:1', 1], ['a:1 AND', 8],
  ['a:1 OR OR b:2', 8], ['a:1 AND )', 9], ['NOT NOT a:1', 5], ['NOT', 4], ['+-a:1', 2], ['-(', 2], ['-', 1], ['role:AND', 6],
  // a word without a field
  ['web1', 1], ['a:1 web1', 5], ['"web1"', 1], ['[a TO b]', 1], ['*', 1], ['web*', 1], ['a:1 and b:2', 5], ['(web)', 2],
  // fields
  ['a::1', 3], [':1', 1], ['a:b:c', 4], ['a*:1', 1], ['"a":1', 1], ['*:1', 1], ['*:(a)', 1], ['a:+1', 3], ['a:-1', 3], ['a:NOT', 3],
  // parentheses, quotes, backslashes
  ['(a:1', 1], ['a:(1', 3], ['((a:1)', 1], ['a:1)', 4], ['a:"x', 3], ['a:"x\\"', 3], ['a:x\\', 4], ['a:\\uZZ00', 3], ['a:\\u12', 3],
  ['a:\\ud800', 3],
  // what Lucene allows, and a query for a secret must not
  ['a:1~', 4], ['a:1~2', 4], ['a:"1 2"~2', 8], ['a:1^2', 4], ['(a:1)^2', 6], ['a:/x/', 3], ['a:x/y', 4], ['- a:1', 1], ['a:1 ! b:2', 5],
  ['a:1(b:2)', 4], ['a:1"b"', 4], ['(a:1)(b:2)', 6], ['a:1!b:2', 4], ['a:"1"b:2', 6], ['a:(x and y)', 6], ['a:(Not y)', 4],
  ['a:x&&b', 4], ['a:(x & y)', 6], ['a:x||y', 4], ['a:1 &&b:2', 5],
  // ranges
  ['a:[1 TO', 3], ['a:[1 2]', 6], ['a:[1 TO 2', 3], ['a:[1 TO 2)', 10], ['a:[TO 2]', 4], ['a:[1 TO ]', 9], ['a:[]', 4], ['a:[1 TO2]', 6],
  ['a:[1* TO 2]', 5], ['a:[** TO 2]', 4], ['a:[1? TO 2]', 5], ['a:[1 TO 2~]', 10], ['a:[x\\] TO y]', 5], ['a:[1 TO TO]', 9], ['a:]', 3],
  ['run_list:role[web]', 14], ['a:{1 TO 2', 3], ['a:[1 TO 2 3]', 11],
  // characters that cannot be seen or are not what they seem
  ['a:1\u00a0b:2', 4], ['a:\u202e1', 3], ['a:1\u0000', 4], ['a:\u001b[0m', 3], ['a:\ud800', 3], ['a:1 \u2013b:2', 5], ['a:\u201c1\u201d', 3],
  ['a:1 \uff01b:2', 5], ['a:"\u200b"', 4],
  // columns count characters
  ['a:"\u{1f511}" b', 7],
];

test('a query that cannot be read names the column', async (t) => {
  for (const [query, column] of invalid) {
    await t.test(JSON.stringify(query), () => {
      assert.throws(
        () => parseQuery(query),
        (error) => {
          assert.ok(isVaultError(error, 'query-invalid'), String(error));
          assert.deepEqual(error.details, { query, column });
          assert.ok(error.hint !== undefined);
          return true;
        },
      );
    });
  }
});

test('the caret stands under the column, in a long query too', () => {
  for (const before of ['', 'a:1 ', 'name:web\n', 'name:"\u00e9" ', 'name:x '.repeat(300)]) {
    const query = `${before}bare${' name:x'.repeat(100)}`;
    assert.throws(() => parseQuery(query), (error) => {
      assert.ok(isVaultError(error, 'query-invalid'));
      const lines = error.message.split('\n');
      assert.equal(lines.length, 3);
      assert.equal([...(lines[1] ?? '')].slice((lines[2] ?? '').indexOf('^')).join('').slice(0, 4), 'bare');
      assert.ok((lines[1] ?? '').length < 140);
      return true;
    });
  }
});

test('queries are limited in length and depth', () => {
  const longest = `a:${'x'.repeat(QUERY_MAX - 2)}`;
  assert.equal(parseQuery(longest).root.kind, 'equals');
  assert.throws(() => parseQuery(`${longest}x`), (error) => isVaultError(error, 'query-invalid') && error.details['column'] === QUERY_MAX + 1);
  const nested = (depth: number): string => `${'('.repeat(depth)}a:1${')'.repeat(depth)}`;
  assert.equal(parseQuery(nested(DEPTH_MAX)).root.kind, 'equals');
  assert.throws(() => parseQuery(nested(DEPTH_MAX + 1)), (error) => isVaultError(error, 'query-invalid') && error.details['column'] === DEPTH_MAX + 1);
  assert.throws(() => parseQuery('('.repeat(QUERY_MAX)), (error) => isVaultError(error, 'query-invalid'));
});

test('fields and patterns are limited in length', () => {
  const field = 'f'.repeat(FIELD_MAX);
  const pattern = `${'*?'.repeat(10)}${'x'.repeat(PATTERN_MAX - 20)}`;
  assert.equal(parseQuery(`${field}:1`).root.kind, 'equals');
  assert.equal(parseQuery(`\\${field}:${pattern.replaceAll('x', '\\x')}`).root.kind, 'pattern');
  for (const [query, column] of [[`b:1 ${field}f:1`, 5], [`b:1 ${field}f:(1 2)`, 5], [`b:1 a:${pattern}x`, 7], [`a:(1 ${pattern}*)`, 6]] as const) {
    assert.throws(() => parseQuery(query), (error) => isVaultError(error, 'query-invalid') && error.details['column'] === column && error.hint !== undefined);
  }
});

test('clauses get the roles that Lucene gives them', async (t) => {
  const cases: readonly (readonly [query: string, roles: string])[] = [
    ['a:1 b:2', 'a b'], ['a:1 OR b:2', 'a b'], ['a:1 || b:2', 'a b'], ['a:1 AND b:2', '+a +b'], ['a:1 && b:2', '+a +b'],
    ['a:1 OR b:2 AND c:3', 'a +b +c'], ['a:1 AND b:2 OR c:3', '+a +b c'], ['a:1 AND b:2 OR c:3 AND d:4', '+a +b +c +d'],
    ['a:1 b:2 AND c:3', 'a +b +c'], ['NOT a:1', '-a'], ['!a:1', '-a'], ['-a:1', '-a'], ['+a:1', '+a'], ['a:1 NOT b:2', 'a -b'],
    ['a:1 AND NOT b:2', '+a -b'], ['a:1 OR NOT b:2', 'a -b'], ['NOT a:1 AND b:2', '-a +b'], ['-a:1 AND -b:2', '-a -b'],
    ['a:1 -b:2 AND c:3', 'a -b +c'], ['a:1 OR +b:2', 'a +b'], ['+a:1 AND NOT b:2 OR c:3', '+a -b c'], ['x:(a OR b AND c)', 'x +x +x'],
    ['(a:1) (b:2)', 'a b'], ['((a:1 AND b:2))', '+a +b'], ['a:1 AND (b:2 c:3)', '+a +(b c)'], ['(NOT a:1)', '-a'], ['b:1 (NOT a:1)', 'b (-a)'],
    ['x:(+a -b c)', '+x -x x'], ['x:(a y:b)', 'x y'], ['x:(a (b AND c))', 'x (+x +x)'], ['a:1 AND(b:2)', '+a +b'], ['NOT(a:1 b:2)', '-(a b)'],
  ];
  for (const [query, roles] of cases) {
    await t.test(query, () => {
      assert.equal(rolesOf(parseQuery(query).root, true), roles);
    });
  }
});

function rolesOf(expression: Expression, top: boolean): string {
  if (expression.kind === 'all') return '*';
  if (expression.kind !== 'group') return expression.field;
  const sign: Record<Occur, string> = { must: '+', should: '', 'must-not': '-' };
  const text = expression.clauses.map((clause) => sign[clause.occur] + rolesOf(clause.expression, false)).join(' ');
  return top ? text : `(${text})`;
}

test('values, with quotes, escapes, wildcards and ranges', async (t) => {
  const cases: readonly (readonly [query: string, leaf: object])[] = [
    ['a:b', { kind: 'equals', field: 'a', value: 'b' }],
    ['a : b', { kind: 'equals', field: 'a', value: 'b' }],
    ['a:"b c"', { kind: 'equals', field: 'a', value: 'b c' }],
    ['a:"*"', { kind: 'equals', field: 'a', value: '*' }],
    ['a:""', { kind: 'equals', field: 'a', value: '' }],
    ['a:"\\"\\\\"', { kind: 'equals', field: 'a', value: '"\\' }],
    ['a:b\\ c\\*\\:', { kind: 'equals', field: 'a', value: 'b c*:' }],
    ['a:\\u0041\\ud83d\\udd11', { kind: 'equals', field: 'a', value: 'A\u{1f511}' }],
    ['a:b-c+d', { kind: 'equals', field: 'a', value: 'b-c+d' }],
    ['a:\\-b', { kind: 'equals', field: 'a', value: '-b' }],
    ['a:\\AND', { kind: 'equals', field: 'a', value: 'AND' }],
    ['a:x\\&&', { kind: 'equals', field: 'a', value: 'x&&' }],
    ['a\\:b\\ c:d', { kind: 'equals', field: 'a:b c', value: 'd' }],
    ['a:and', { kind: 'equals', field: 'a', value: 'and' }],
    ['a:("and")', { kind: 'equals', field: 'a', value: 'and' }],
    ['a:*', { kind: 'exists', field: 'a' }],
    ['a:**', { kind: 'exists', field: 'a' }],
    ['a:\\**', { kind: 'pattern', field: 'a', parts: [{ text: '*' }, { wildcard: '*' }] }],
    ['a:b?c*', { kind: 'pattern', field: 'a', parts: [{ text: 'b' }, { wildcard: '?' }, { text: 'c' }, { wildcard: '*' }] }],
    ['a:[1 TO 2}', { kind: 'range', field: 'a', lower: { value: '1', inclusive: true }, upper: { value: '2', inclusive: false } }],
    ['a:{* TO "x y"]', { kind: 'range', field: 'a', lower: undefined, upper: { value: 'x y', inclusive: true } }],
    ['a:[ "*" TO * ]', { kind: 'range', field: 'a', lower: { value: '*', inclusive: true }, upper: undefined }],
    ['a:[00:11 TO \\*]', { kind: 'range', field: 'a', lower: { value: '00:11', inclusive: true }, upper: { value: '*', inclusive: true } }],
  ];
  for (const [query, leaf] of cases) {
    await t.test(query, () => {
      const { span, ...rest } = parseQuery(query).root;
      assert.deepEqual(rest, leaf);
      assert.ok(span.start >= 0 && span.end <= query.length);
    });
  }
});

test('every clause knows its source', () => {
  const query = parseQuery('  role:(web OR db)  AND NOT (tags:"a b" -x:[1 TO 2]) ');
  assert.ok(query.root.kind === 'group');
  const sources = query.root.clauses.flatMap((clause) => [
    clause.span,
    ...(clause.expression.kind === 'group' ? clause.expression.clauses.map(({ span }) => span) : []),
  ]).map(({ start, end }) => query.text.slice(start, end));
  assert.deepEqual(sources, ['role:(web OR db)', 'web', 'db', '(tags:"a b" -x:[1 TO 2])', 'tags:"a b"', 'x:[1 TO 2]']);
});
