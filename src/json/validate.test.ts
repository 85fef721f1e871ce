import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as z from 'zod';
import { VaultError } from '../errors.ts';
import { parseJson } from './parse.ts';
import { formatPath, nearest, validate, type Problem, type ValidateOptions } from './validate.ts';

const statement = z.strictObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  Principal: z.never().optional(),
});
const schema = z.strictObject({
  name: z.string().min(1).max(5),
  count: z.int().optional(),
  statement: z.union([statement, z.array(statement).min(1)]).optional(),
  tags: z.record(z.string().max(3), z.string()).default({}),
});

function problemsOf(text: string, options?: ValidateOptions): readonly Problem[] {
  try {
    validate(schema, parseJson(text, 'x.json'), undefined, options);
  } catch (error) {
    assert.ok(error instanceof VaultError, String(error));
    assert.equal(error.code, 'input-invalid');
    return error.details['problems'] as Problem[];
  }
  return [];
}

const paths = (text: string): string[] => problemsOf(text).map((p) => p.path);

describe('validate', () => {
  test('returns the typed value', () => {
    assert.deepEqual(validate(schema, parseJson('{"name": "a"}', 'x.json')), { name: 'a', tags: {} });
  });

  test('reports every problem at once, in the order of the text', () => {
    const problems = problemsOf('{\n "nmae": 1,\n "tags": {"long": "x", "a": 1},\n "statement": [{"Effect": "Alow", "Acton": 1}],\n "count": 1.5\n}');
    assert.deepEqual(problems.map((p) => [p.path, p.line, p.suggestion]), [
      ['name', 1, undefined],
      ['nmae', 2, 'name'],
      ['tags.long', 3, undefined],
      ['tags.a', 3, undefined],
      ['statement[0].Effect', 4, 'Allow'],
      ['statement[0].Acton', 4, 'Action'],
      ['count', 5, undefined],
    ]);
    assert.deepEqual(problems.map((p) => p.column).slice(0, 4), [1, 10, 19, 29]);
  });

  test('picks the branch of a union that was meant', () => {
    assert.deepEqual(paths('{"name": "a", "statement": {"Effect": "Allow", "Actoin": "x"}}'), ['statement.Actoin']);
    assert.deepEqual(paths('{"name": "a", "statement": [{"Effect": "Allow", "Action": ["x", 1]}]}'), ['statement[0].Action[1]']);
    assert.deepEqual(paths('{"name": "a", "statement": []}'), ['statement']);
    assert.deepEqual(paths('{"name": "a", "statement": 5}'), ['statement']);
  });

  test('takes allowed names from the schema, without those that must be absent', () => {
    const [unknown] = problemsOf('{"name": "a", "statement": {"Effect": "Allow", "Principle": "x"}}');
    assert.equal(unknown?.suggestion, undefined);
    assert.ok(!unknown?.message.includes('Principal'));
    assert.ok(unknown?.message.includes('Effect, Action'));
  });

  test('prefers the names that the caller gives', () => {
    assert.throws(() => validate(schema, parseJson('{"name": "a", "xyzz": 1}', 'x.json'), () => ['xyz']), (error: VaultError) => {
      assert.equal((error.details['problems'] as Problem[])[0]?.suggestion, 'xyz');
      return true;
    });
  });

  test('repeats a string that was found only where told that nothing is secret', () => {
    const text = `{"name": "a", "statement": {"Effect": "${'s3cr3t'.repeat(50)}"}}`;
    assert.ok(!problemsOf(text)[0]?.message.includes('s3cr3t'));
    const quoting = problemsOf(text, { quote: true })[0]?.message ?? '';
    assert.ok(quoting.includes('s3cr3t'));
    assert.ok(quoting.length < 200);
  });

  test('speaks of JSON, not of JavaScript', () => {
    for (const text of ['5', 'null', '[]', '{}', '{"name": null}', '{"name": ""}', '{"name": "abcdef"}', '{"name": [], "count": {}, "tags": 1}']) {
      const problems = problemsOf(text);
      assert.ok(problems.length > 0, text);
      for (const { message } of problems) assert.doesNotMatch(message, /undefined|Invalid|array|record|>=|<=/);
    }
  });

  test('reports at most 100 problems, quickly, however many there are', () => {
    const members = Array.from({ length: 60_000 }, (_, i) => `"k${String(i)}":1`).join(',');
    assert.equal(problemsOf(`{${members}}`).length, 100);
    assert.equal(problemsOf(`{"name": "a", "tags": {${members}}}`).length, 100);
  });

  test('never throws anything but a VaultError, and never repeats a value', () => {
    const canary = 'CANARY';
    const leaf = fc.oneof(fc.constant(canary), fc.integer(), fc.constant(null), fc.boolean());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('name', 'count', 'statement', 'tags', 'Effect', 'Action', 'Principal', 'x', 'constructor'), tie('value'), { maxKeys: 5, noNullPrototype: true })),
    }));
    fc.assert(fc.property(value, (input) => {
      for (const problem of problemsOf(JSON.stringify(input))) {
        assert.ok(!problem.message.includes(canary));
        assert.ok(problem.line >= 1 && problem.column >= 1);
      }
    }), { numRuns: 1000 });
  });
});

describe('formatPath', () => {
  test('writes a path as people do', () => {
    assert.equal(formatPath(['a', 0, 'b', 'c-d', '']), 'a[0].b["c-d"][""]');
    assert.equal(formatPath([]), '');
    assert.ok(formatPath(['x'.repeat(1000)]).length < 100);
  });
});

describe('nearest', () => {
  test('finds what was meant, and nothing where nothing is near', () => {
    assert.equal(nearest('serach_query', ['search_query', 'user']), 'search_query');
    assert.equal(nearest('EFFECT', ['Effect']), 'Effect');
    assert.equal(nearest('zzz', ['search_query', 'user']), undefined);
    assert.equal(nearest('x', []), undefined);
  });
});
