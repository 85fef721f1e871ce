import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVaultError } from '../errors.ts';
import { ATTRIBUTE_DEPTH_MAX, KEY_MAX, VALUE_MAX } from './attributes.ts';
import { createFlatten, flattenNode, type FlatNode, type NodeObject } from './flatten.ts';

function valuesOf(node: FlatNode, field: string): string[] | undefined {
  return node.values(field)?.toSorted();
}

test('levels merge as on a Chef server', () => {
  const flat = flattenNode({
    name: 'n',
    default: { a: { x: 1, y: 1 }, list: [1, 2], scalarThenHash: { low: 1 }, hashThenScalar: { low: 1 }, only: 'default' },
    normal: { a: { x: 2 }, scalarThenHash: 5, hashThenScalar: { normal: 1 } },
    override: { a: { y: 3, z: 3 }, list: [3], scalarThenHash: { high: 1 } },
    automatic: { a: { z: 4 }, hashThenScalar: 'top' },
  });
  assert.deepEqual(valuesOf(flat, 'a_x'), ['2']);
  assert.deepEqual(valuesOf(flat, 'a_y'), ['3']);
  assert.deepEqual(valuesOf(flat, 'a_z'), ['4']);
  assert.deepEqual(valuesOf(flat, 'a'), ['x', 'y', 'z']);
  assert.deepEqual(valuesOf(flat, 'list'), ['3']);
  assert.deepEqual(valuesOf(flat, 'scalarThenHash'), ['high']);
  assert.equal(flat.values('low'), undefined);
  assert.deepEqual(valuesOf(flat, 'hashThenScalar'), ['top']);
  assert.deepEqual(valuesOf(flat, 'only'), ['default']);
});

test('a field is a full path or its last part, and keys may hold underscores', () => {
  const flat = flattenNode({
    name: 'n',
    automatic: { a: { b: { c: 'deep' }, b_c: 'short' }, a_b: { c: 'other' }, list: [{ k: 1 }, [{ k: 2 }], 'e'], '': { '': 'empty' }, n: null, t: true, f: 1.5 },
  });
  assert.deepEqual(valuesOf(flat, 'a_b_c'), ['deep', 'other', 'short']);
  assert.deepEqual(valuesOf(flat, 'c'), ['deep', 'other']);
  assert.deepEqual(valuesOf(flat, 'b_c'), ['short']);
  assert.deepEqual(valuesOf(flat, 'list'), ['e', 'k', 'k']);
  assert.deepEqual(valuesOf(flat, 'list_k'), ['1', '2']);
  assert.deepEqual(valuesOf(flat, '_'), ['empty']);
  assert.deepEqual(valuesOf(flat, 'n'), ['']);
  assert.deepEqual(valuesOf(flat, 't'), ['true']);
  assert.deepEqual(valuesOf(flat, 'f'), ['1.5']);
  assert.equal(flat.values('a_b_'), undefined);
  assert.equal(flat.values('a_c'), undefined);
});

test("the node's own fields stand above its attributes", () => {
  const flat = flattenNode({
    name: 'n',
    run_list: ['role[web]', 'recipe[nginx::ssl]', 'apache2'],
    policy_group: 'prod',
    automatic: { name: 'x', chef_environment: 'x', run_list: { x: 1 }, role: { x: 1 }, recipe: 'x', policy_group: 'x', roles: ['auto'] },
  });
  assert.deepEqual(valuesOf(flat, 'name'), ['n']);
  assert.deepEqual(valuesOf(flat, 'chef_environment'), ['_default']);
  assert.deepEqual(valuesOf(flat, 'run_list'), ['apache2', 'recipe[nginx::ssl]', 'role[web]']);
  assert.deepEqual(valuesOf(flat, 'role'), ['web']);
  assert.deepEqual(valuesOf(flat, 'recipe'), ['apache2', 'nginx::ssl']);
  assert.deepEqual(valuesOf(flat, 'policy_group'), ['prod']);
  assert.equal(flat.values('policy_name'), undefined);
  assert.deepEqual(valuesOf(flat, 'roles'), ['auto']);
});

test('an expanded run list gives roles and recipes', () => {
  const node: NodeObject = { name: 'n', run_list: ['role[web]'], automatic: { roles: ['old'] } };
  const flat = flattenNode(node, { roles: ['web', 'base'], recipes: ['nginx'] });
  assert.deepEqual(valuesOf(flat, 'roles'), ['base', 'web']);
  assert.deepEqual(valuesOf(flat, 'recipes'), ['nginx']);
  assert.deepEqual(valuesOf(flat, 'role'), ['web']);
});

test("names of an object's own properties are ordinary keys", () => {
  const automatic = JSON.parse('{"__proto__":{"admin":"yes"},"constructor":{"prototype":1},"toString":"t"}') as Record<string, unknown>;
  const flat = flattenNode({ name: 'n', automatic, default: { hasOwnProperty: 'h' } });
  assert.deepEqual(valuesOf(flat, '__proto__'), ['admin']);
  assert.deepEqual(valuesOf(flat, '__proto___admin'), ['yes']);
  assert.deepEqual(valuesOf(flat, 'constructor_prototype'), ['1']);
  assert.deepEqual(valuesOf(flat, 'toString'), ['t']);
  assert.deepEqual(valuesOf(flat, 'hasOwnProperty'), ['h']);
  assert.equal(flat.values('valueOf'), undefined);
  assert.equal(({} as Record<string, unknown>)['admin'], undefined);
});

test('nesting is limited, and a refused node leaves nothing behind', () => {
  const nest = (depth: number, wrap: (inner: unknown) => unknown): unknown => (depth === 0 ? 'leaf' : wrap(nest(depth - 1, wrap)));
  const flatten = createFlatten();
  for (const wrap of [(inner: unknown) => ({ k: inner }), (inner: unknown) => [inner]]) {
    assert.ok(flatten({ name: 'n', automatic: { top: nest(ATTRIBUTE_DEPTH_MAX, wrap) } }).values('top'));
    assert.throws(
      () => flatten({ name: 'n', automatic: { left: 'over', top: nest(ATTRIBUTE_DEPTH_MAX + 1, wrap) } }),
      (error) => isVaultError(error, 'input-too-deep') && error.details['node'] === 'n',
    );
    assert.equal(flatten({ name: 'next' }).values('left'), undefined);
  }
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  assert.throws(() => flattenNode({ name: 'n', automatic: cyclic }), (error) => isVaultError(error, 'input-too-deep'));
});

test('huge arrays and hashes are flattened whole', () => {
  const flatten = createFlatten();
  const size = 200_000;
  const before = flatten({ name: 'before', automatic: { a: 'x' } });
  const huge = flatten({
    name: 'huge',
    automatic: { list: Array.from({ length: size }, (_, i) => i), hash: Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${String(i)}`, 1])) },
  });
  const after = flatten({ name: 'after', automatic: { k7: 'y' } });
  assert.equal(huge.values('list')?.length, size);
  assert.equal(huge.values('hash')?.length, size);
  assert.deepEqual(huge.values('hash_k199999'), ['1']);
  assert.deepEqual(before.values('a'), ['x']);
  assert.deepEqual(after.values('k7'), ['y']);
  assert.equal(after.values('hash_k7'), undefined);
});

test('a field that no node had is found once one has it', () => {
  const flatten = createFlatten();
  const first = flatten({ name: 'first' });
  assert.equal(first.values('a_b'), undefined);
  const second = flatten({ name: 'second', automatic: { a: { b: 1 } } });
  assert.deepEqual(second.values('a_b'), ['1']);
  assert.equal(first.values('a_b'), undefined);
});

test('keys and values are limited in length, and the error repeats neither', () => {
  const flatten = createFlatten();
  const key = 'k'.repeat(KEY_MAX);
  const value = 'v'.repeat(VALUE_MAX);
  assert.deepEqual(flatten({ name: 'n', automatic: { [key]: { [key]: [value] } } }).values(`${key}_${key}`), [value]);
  for (const node of [
    { name: 'n', automatic: { [`${key}k`]: 1 } }, { name: 'n', normal: { a: [{ [`${key}k`]: 1 }] } },
    { name: 'n', automatic: { a: `${value}v` } }, { name: 'n', normal: { a: { b: ['', [`${value}v`]] } } }, { name: 'n', run_list: [`${value}v`] },
  ]) {
    assert.throws(() => flatten(node), (error) => isVaultError(error, 'input-too-large') && error.details['node'] === 'n' && error.message.includes('"n"') && error.message.length < 200);
  }
  // What a higher level replaces is never looked at.
  assert.deepEqual(flatten({ name: 'n', automatic: { a: 1 }, default: { a: `${value}v` } }).values('a'), ['1']);
  assert.equal(flatten({ name: 'next' }).values('a'), undefined);
});

test('a field that can be cut into keys in very many ways is found in all of them', () => {
  const nest = (depth: number): Record<string, unknown> => Object.fromEntries(Array.from({ length: 10 }, (_, i) => ['_'.repeat(i), depth === 0 ? 'leaf' : nest(depth - 1)]));
  const hash: Record<string, unknown> = { ['_'.repeat(KEY_MAX)]: 'long', ...nest(4) };
  const flat = flattenNode({ name: 'n', normal: hash });
  /** In how many ways that many keys of 0 to 9 underscores have `sum` of them. */
  const ways = (keys: number, sum: number): number => keys === 0 ? Number(sum === 0) : Array.from({ length: 10 }, (_, i) => ways(keys - 1, sum - i)).reduce((a, b) => a + b);
  for (const length of [0, 4, 13, 25, 40, 49, 50, 1024]) {
    // By full path, whose five keys four underscores join; or by the last key, below each of the four others.
    const expected = ways(5, length - 4) + (length < 10 ? 10 ** 4 : 0);
    assert.equal(flat.values('_'.repeat(length))?.filter((value) => value === 'leaf').length ?? 0, expected, String(length));
  }
  assert.deepEqual(flat.values('_'.repeat(KEY_MAX)), ['long']);
});
