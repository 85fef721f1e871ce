import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isVaultError } from '../errors.ts';
import type { Expression, Query } from './ast.ts';
import { compileQuery } from './compile.ts';
import { explainQuery, type Explanation } from './explain.ts';
import { createFlatten, flattenNode, type FlatNode, type NodeObject } from './flatten.ts';
import { formatQuery } from './format.ts';
import { parseQuery } from './parse.ts';
import { readQuery } from './reading.ts';
import { compareCodePoints } from './valueTest.ts';

// Few keys and values, so that queries and nodes meet; some of each are hard to write.
const key = fc.constantFrom('a', 'b', 'c', 'a_b', 'b_c', '', '_', '__proto__', 'k:1', 'AND');
const scalar = fc.oneof(
  fc.constantFrom('x', 'y', 'xy', 'x y', '10', '9', '', '*', 'OR', '\\', '"', '\u{1f511}', '\uffee', '\u0007'),
  fc.constantFrom(9, 10, 1.5, true, null),
);
const { hash } = fc.letrec<{ value: unknown; hash: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('hash')),
  hash: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 4 })
    // As JSON.parse makes them: `__proto__` is a key like any other.
    .map((entries) => JSON.parse(`{${[...new Map(entries)].map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`) as Record<string, unknown>),
}));
const node: fc.Arbitrary<NodeObject> = fc.record(
  { name: fc.constantFrom('x', 'y'), automatic: hash, normal: hash, default: hash, override: hash, run_list: fc.array(fc.constantFrom('role[x]', 'recipe[y]')) },
  { requiredKeys: ['name'] },
);

const fieldText = fc.constantFrom('a', 'b', 'c', 'a_b', 'b_c', 'a_b_c', 'role', 'name', '__proto__', 'k\\:1', '\\AND');
const valueText = fc.constantFrom(
  'x', 'y', 'x*', '?y', '*', '*y*', '??', '10', '"x y"', '"*"', '\\*', '""', '\\"', '\\u0007', '[10 TO 9]', '{x TO *}', '[* TO x}', '["\\uffee" TO *]', 'y\\?*', '\\&&*', '\\OR',
);
const conjunction = fc.constantFrom(' ', ' AND ', ' OR ', ' && ', ' || ');
const modifier = fc.constantFrom('', '', '', '+', '-', '!', 'NOT ');
const { queryText } = fc.letrec<{ clause: string; member: string; members: string; queryText: string }>((tie) => ({
  clause: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.tuple(fieldText, valueText).map(([f, v]) => `${f}:${v}`),
    fc.constant('*:*'),
    tie('queryText').map((inner) => `(${inner})`),
    fc.tuple(fieldText, tie('members')).map(([f, inner]) => `${f}:(${inner})`),
  ),
  member: fc.oneof({ maxDepth: 4, depthSize: 'small' }, valueText, tie('clause'), tie('members').map((inner) => `(${inner})`)),
  members: joined(tie('member')),
  queryText: joined(tie('clause')),
}));

function joined(clause: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(conjunction, modifier, clause), { minLength: 1, maxLength: 4 })
    .map((clauses) => clauses.map(([c, m, text], i) => `${i === 0 ? '' : c}${m}${text}`).join(''));
}

const runs = { numRuns: 1000 };

test('parsing never fails but with query-invalid and a column within the text', () => {
  const piece = fc.constantFrom(
    'a', ':', '(', ')', '"', '\\', '[', ']', '{', '}', ' ', ' TO ', 'AND', ' OR ', 'NOT ', '+', '-', '!', '&&', '||', '*', '?', '~', '^', '/', '\\u', '0041', '\t', '\u0000', '\u{1f511}', '\ud800',
  );
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: piece, maxLength: 40 }), queryText.chain((q) => fc.nat(q.length).map((i) => q.slice(0, i))));
  fc.assert(
    fc.property(text, (query) => {
      let parsed: Query;
      try {
        parsed = parseQuery(query);
      } catch (error) {
        assert.ok(isVaultError(error, 'query-invalid'), String(error));
        const column = error.details['column'];
        assert.ok(typeof column === 'number' && column >= 1 && column <= [...query].length + 1);
        assert.equal(error.details['query'], query);
        return;
      }
      checkSpans(parsed.root, 0, query.length);
      compileQuery(parsed)(flattenNode({ name: 'x' }));
    }),
    { numRuns: 5000 },
  );
});

function checkSpans(expression: Expression, start: number, end: number): void {
  assert.ok(start <= expression.span.start && expression.span.start < expression.span.end && expression.span.end <= end);
  if (expression.kind !== 'group') return;
  let at = start;
  for (const clause of expression.clauses) {
    assert.ok(at <= clause.span.start && clause.span.end <= end);
    checkSpans(clause.expression, clause.span.start, clause.span.end);
    at = clause.span.end;
  }
}

test('generated queries are all valid, and canonical text says the same', () => {
  fc.assert(
    fc.property(queryText, (text) => {
      const query = parseQuery(text);
      const canonical = formatQuery(query);
      assert.deepEqual(meaning(parseQuery(canonical).root), meaning(query.root));
      assert.equal(formatQuery(parseQuery(canonical)), canonical);
    }),
    runs,
  );
});

test('any field and value can be written', () => {
  const any = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
  const hard = fc.string({ unit: fc.constantFrom('A', 'N', 'D', 'u', '0', '-', '+', '&', '|', '"', '\\', ' ', '\t', '\u00a0', '*', '?', '\u201c', '\u{e0001}', ':', '/', '!'), minLength: 1, maxLength: 5 });
  const text = fc.oneof(any, hard).filter((s) => !/\p{Surrogate}/u.test(s));
  const span = { start: 0, end: 1 };
  fc.assert(
    fc.property(text, text, text, (field, value, other) => {
      const leaves: Expression[] = [
        { kind: 'equals', field, value, span },
        { kind: 'pattern', field, parts: [{ text: value }, { wildcard: '*' }, { text: other }], span },
        { kind: 'range', field, lower: { value, inclusive: true }, upper: { value: other, inclusive: false }, span },
      ];
      for (const root of leaves) {
        assert.deepEqual(meaning(parseQuery(formatQuery({ text: '', root })).root), meaning(root));
      }
    }),
    runs,
  );
});

/** The tree without what text alone decides: spans and words between clauses. */
function meaning(expression: Expression): unknown {
  if (expression.kind === 'group') return expression.clauses.map((clause) => [clause.occur, meaning(clause.expression)]);
  return { ...expression, span: undefined };
}

test('compile and explain agree, and each decisive clause accounts for the outcome', () => {
  fc.assert(
    fc.property(queryText, node, (text, object) => {
      const query = parseQuery(text);
      const flat = flattenNode(object);
      const explanation = explainQuery(query, flat);
      assert.equal(explanation.matched, compileQuery(query)(flat));
      checkDecisive(explanation);
    }),
    runs,
  );
});

function checkDecisive({ matched, clauses }: Explanation): void {
  const decisive = clauses.filter((clause) => clause.decisive);
  assert.equal(decisive.length > 0, clauses.length > 0);
  for (const clause of decisive) assert.equal(clause.matched === (clause.occur !== 'must-not'), matched);
  clauses.forEach(checkDecisive);
}

test('the parenthesised reading selects the same nodes and surprises nobody', () => {
  fc.assert(
    fc.property(queryText, fc.array(node, { minLength: 1, maxLength: 4 }), (text, objects) => {
      const query = parseQuery(text);
      const reading = parseQuery(readQuery(query).parenthesised);
      assert.deepEqual({ ...readQuery(reading), parenthesised: '' }, { parenthesised: '', surprising: false, ignored: [] });
      const flat = objects.map((object) => flattenNode(object));
      assert.deepEqual(flat.map(compileQuery(reading)), flat.map(compileQuery(query)));
    }),
    runs,
  );
});

test('flattening is that of the merged tree, alone or in a pool', () => {
  fc.assert(
    fc.property(fc.array(node, { maxLength: 5 }), (objects) => {
      const flatten = createFlatten();
      const pooled = objects.map((object) => flatten(object));
      objects.forEach((object, i) => {
        const expected = plainFlatten(object);
        for (const flat of [pooled[i], flattenNode(object)]) {
          assert.ok(flat !== undefined);
          assert.deepEqual(new Set(flat.fields()), new Set(expected.keys()));
          for (const [field, values] of expected) assert.deepEqual(distinct(flat, field), values);
        }
      });
      for (const flat of pooled) {
        for (const field of ['a_b_c', 'a_b', 'gone', '', '_', 'a_']) {
          assert.equal(flat.values(field) !== undefined, new Set(flat.fields()).has(field));
        }
      }
    }),
    runs,
  );
});

function distinct(flat: FlatNode, field: string): Set<string> {
  return new Set(flat.values(field));
}

/** The rules again, in the simplest code: merge everything, then list every path. */
function plainFlatten(object: NodeObject): Map<string, Set<string>> {
  type Tree = Map<string, unknown>;
  const tree = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(tree)
    : typeof value === 'object' && value !== null ? new Map(Object.entries(value).map(([k, v]) => [k, tree(v)]))
    : value;
  const merge = (low: unknown, high: unknown): unknown => {
    if (!(low instanceof Map) || !(high instanceof Map)) return high;
    const merged: Tree = new Map(low as Tree);
    for (const [k, v] of high as Tree) merged.set(k, merged.has(k) ? merge(merged.get(k), v) : v);
    return merged;
  };
  const runList = object.run_list ?? [];
  const top = merge(
    [object.normal, object.override, object.automatic].reduce((low: unknown, high) => merge(low, tree(high ?? {})), tree(object.default ?? {})),
    new Map<string, unknown>([
      ['name', object.name], ['chef_environment', '_default'], ['run_list', runList],
      ['role', runList.filter((r) => r.startsWith('role[')).map((r) => r.slice(5, -1))],
      ['recipe', runList.filter((r) => r.startsWith('recipe[')).map((r) => r.slice(7, -1))],
    ]),
  );
  const found = new Map<string, Set<string>>();
  const list = (keys: readonly string[], value: unknown): void => {
    if (Array.isArray(value)) for (const element of value) list(keys, element);
    else if (value instanceof Map) {
      for (const [k, v] of value as Tree) {
        if (keys.length > 0) list(keys, k);
        list([...keys, k], v);
      }
    } else {
      for (const field of [keys.join('_'), keys.at(-1) ?? '']) {
        found.set(field, (found.get(field) ?? new Set()).add(value === null ? '' : (value as string | number | boolean).toString()));
      }
    }
  };
  list([], top);
  return found;
}

test('wildcards match as a regular expression would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\u{1f511}'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '\u{1f511}'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(pattern, letters, (text, value) => {
      const expected = new RegExp(`^${text.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su').test(value);
      assert.equal(compileQuery(parseQuery(`v:${text}`))(flattenNode({ name: 'n', normal: { v: value } })), expected);
    }),
    { numRuns: 3000 },
  );
});

test('strings are ordered by code point', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffee', '\u{10000}', '\u{1f511}'), maxLength: 4 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareCodePoints(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
    runs,
  );
});
