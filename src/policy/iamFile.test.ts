import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { VaultError, type ErrorCode } from '../errors.ts';
import type { Problem } from '../json/validate.ts';
import { parseIamFile } from './iamFile.ts';
import { itemName } from './itemName.ts';

const article = {
  accounts: ['an-aws-account-name'],
  user: 'secret-files',
  group: 'secret-files',
  policy: { Statement: [{ Action: 's3:*', Effect: 'Allow', Resource: ['arn:aws:s3:::an-s3-bucket', 'arn:aws:s3:::an-s3-bucket/*'] }] },
  search_query: 'role:secret-files-server',
};

const bytesOf = (input: unknown): Uint8Array =>
  new TextEncoder().encode(typeof input === 'string' ? input : JSON.stringify(input));

function failure(input: unknown): VaultError {
  try {
    parseIamFile(input instanceof Uint8Array ? input : bytesOf(input), 'x.json');
  } catch (error) {
    assert.ok(error instanceof VaultError, String(error));
    return error;
  }
  return assert.fail('expected it to be refused');
}

function problemsOf(input: unknown): readonly Problem[] {
  const error = failure(input);
  assert.equal(error.code, 'input-invalid');
  assert.equal(error.details['source'], 'x.json');
  return error.details['problems'] as Problem[];
}

const pathsOf = (changes: object): string[] => problemsOf({ ...article, ...changes }).map((p) => p.path);

describe('parseIamFile', () => {
  test("reads the article's file unchanged", async () => {
    const bytes = await readFile(new URL('../../iam-json-data/secret-files.json', import.meta.url));
    assert.deepEqual(JSON.parse(bytes.toString()), article);
    assert.deepEqual(parseIamFile(bytes, 'x.json'), {
      source: 'x.json',
      accounts: article.accounts, user: article.user, group: article.group, policy: article.policy,
      searchQuery: article.search_query,
      vault: 'vault', admins: undefined, path: '/', tags: {}, permissionsBoundary: undefined, managedPolicies: undefined, policyTests: [],
    });
    assert.ok(parseIamFile(bytesOf(bytes.toString().replaceAll('\n', '\r\n')), 'x.json'));
  });

  test('reads every optional field', () => {
    const boundary = 'arn:aws:iam::123456789012:policy/boundary';
    const file = parseIamFile(bytesOf({
      ...article, accounts: ['one.two', 'Three Four'], vault: 'other', admins: ['alice'], path: '/a/b/', tags: { Team: 'Größe 1' },
      permissions_boundary: boundary, managed_policies: ['arn:aws:iam::aws:policy/service-role/X'],
      policy_tests: [{ allow: 's3:GetObject', on: 'arn:aws:s3:::b/x' }, { deny: 's3:ListAllMyBuckets', on: '*' }],
      policy: { Version: '2012-10-17', Id: 'x', Statement: { Sid: 'A', Effect: 'Deny', NotAction: ['s3:*'], NotResource: '*', Condition: { Bool: { 'aws:x': true }, Null: { y: ['true', false, 1] } } } },
    }), 'x.json');
    assert.equal(file.vault, 'other');
    assert.deepEqual(file.admins, ['alice']);
    assert.equal(file.permissionsBoundary, boundary);
    assert.deepEqual(file.policyTests, [
      { expect: 'allow', action: 's3:GetObject', on: 'arn:aws:s3:::b/x' }, { expect: 'deny', action: 's3:ListAllMyBuckets', on: '*' },
    ]);
  });

  test('refuses unreadable text', () => {
    const text = JSON.stringify(article);
    const cases: [unknown, ErrorCode][] = [
      ['', 'input-not-json'],
      [text.slice(0, -1), 'input-not-json'],
      [`\uFEFF${text}`, 'input-not-json'],
      [new Uint8Array([0xff, 0xfe]), 'input-not-json'],
      [text.replace('{', '{"user": "x",'), 'input-duplicate-key'],
      [text.replace('"Effect"', '"Sid": "a", "Sid": "b", "Effect"'), 'input-duplicate-key'],
      [text.replace('"Effect"', '"__proto__": {}, "Effect"'), 'input-invalid'],
      [`{"__proto__": ${text}}`, 'input-invalid'],
      [`{"a": ${'['.repeat(100)}${']'.repeat(100)}}`, 'input-too-deep'],
      [' '.repeat(2 << 20), 'input-too-large'],
    ];
    for (const [input, code] of cases) assert.equal(failure(input).code, code);
  });

  test('refuses unknown fields at every level, with the nearest valid name', () => {
    const problems = problemsOf({
      ...article, serach_query: 'x', constructor: 1,
      policy: { version: '2012-10-17', Statement: [{ ...article.policy.Statement[0], Conditions: {} }] },
      policy_tests: [{ allow: 's3:GetObject', On: 'x', on: '*' }],
    });
    assert.deepEqual(problems.map((p) => [p.path, p.suggestion]).sort(), [
      ['constructor', undefined],
      ['policy.Statement[0].Conditions', 'Condition'],
      ['policy.version', 'Version'],
      ['policy_tests[0].On', 'on'],
      ['serach_query', 'search_query'],
    ]);
  });

  test('refuses missing fields and wrong types, all at once, with their places', () => {
    assert.deepEqual(problemsOf({}).map((p) => p.path), ['accounts', 'user', 'group', 'policy', 'search_query']);
    assert.deepEqual(problemsOf([]).map((p) => p.path), ['']);
    const problems = problemsOf('{\n "accounts": "x",\n "user": 1,\n "group": null,\n "policy": {"Statement": "x"},\n "search_query": [],\n "tags": {"a": 1}\n}');
    assert.deepEqual(problems.map((p) => [p.path, p.line, p.column]), [
      ['accounts', 2, 14], ['user', 3, 10], ['group', 4, 11], ['policy.Statement', 5, 26], ['search_query', 6, 18], ['tags.a', 7, 16],
    ]);
  });

  test('checks accounts', () => {
    assert.deepEqual(pathsOf({ accounts: [] }), ['accounts']);
    assert.deepEqual(pathsOf({ accounts: ['', 'a\nb', ' a', 'a', 'a', 1] }),
      ['accounts[0]', 'accounts[1]', 'accounts[2]', 'accounts[4]', 'accounts[5]']);
    assert.deepEqual(pathsOf({ accounts: ['a b', 'a-b'] }), ['accounts[1]']);
    assert.deepEqual(pathsOf({ accounts: ['a', 'b'], user: 'keys' }), ['accounts[0]', 'accounts[1]']);
    assert.deepEqual(pathsOf({ accounts: ['a'.repeat(128)] }), ['accounts[0]']);
    assert.deepEqual(pathsOf({ accounts: ['a b', 'a-b'], group: '/', extra: 1 }).sort(), ['accounts[1]', 'extra', 'group']);
  });

  test('checks names', () => {
    for (const name of ['', '..', '../x', 'a/b', 'a b', '.a', '__proto__', 'constructor', 'é', 'a\u0000', 'a'.repeat(65)]) {
      assert.deepEqual(pathsOf({ user: name }), ['user'], name);
    }
    assert.deepEqual(pathsOf({ group: '../g' }), ['group']);
    assert.deepEqual(pathsOf({ vault: '../v' }), ['vault']);
    assert.deepEqual(pathsOf({ admins: ['a', '../b', 'a'] }), ['admins[1]', 'admins[2]']);
    assert.deepEqual(pathsOf({ admins: [] }), ['admins']);
  });

  test('checks what IAM limits', () => {
    for (const path of ['', 'a', '/a', 'a/', '/a b/', `/${'a'.repeat(511)}/`]) assert.deepEqual(pathsOf({ path }), ['path'], path);
    assert.deepEqual(pathsOf({ search_query: ' \n' }), ['search_query']);
    assert.deepEqual(pathsOf({ permissions_boundary: 'boundary' }), ['permissions_boundary']);
    const arn = 'arn:aws:iam::aws:policy/X';
    assert.deepEqual(pathsOf({ managed_policies: [arn, 'arn:aws:s3:::b', arn] }), ['managed_policies[1]', 'managed_policies[2]']);
    assert.deepEqual(pathsOf({ managed_policies: Array.from({ length: 11 }, (_, i) => arn + String(i)) }), ['managed_policies']);
  });

  test('checks tags', () => {
    assert.deepEqual(pathsOf({ tags: { 'AWS:x': '' } }), ['tags["AWS:x"]']);
    assert.deepEqual(pathsOf({ tags: { 'iam-vault:x': '' } }), ['tags["iam-vault:x"]']);
    assert.deepEqual(pathsOf({ tags: { a: '', A: '' } }), ['tags.A']);
    assert.deepEqual(pathsOf({ tags: { a: 'b\n' } }), ['tags.a']);
    assert.deepEqual(pathsOf({ tags: { a: 'b'.repeat(257), ['k'.repeat(129)]: 'x', '': 'y', 'a;b': 'z' } }).length, 4);
    assert.deepEqual(pathsOf({ tags: Object.fromEntries(Array.from({ length: 46 }, (_, i) => [`k${String(i)}`, ''])) }), ['tags']);
  });

  test('checks the policy document', () => {
    const statement = article.policy.Statement[0];
    const at = (Statement: unknown, rest: object = {}): string[] => pathsOf({ policy: { Statement, ...rest } });
    assert.deepEqual(at([]), ['policy.Statement']);
    assert.deepEqual(at(statement, { Version: '2012-10-18' }), ['policy.Version']);
    assert.deepEqual(at({ ...statement, Effect: 'allow' }), ['policy.Statement.Effect']);
    assert.deepEqual(at({ ...statement, Principal: '*' }), ['policy.Statement.Principal']);
    assert.deepEqual(at({ ...statement, NotAction: 'x' }), ['policy.Statement']);
    assert.deepEqual(at([{ Effect: 'Allow' }]), ['policy.Statement[0]', 'policy.Statement[0]']);
    assert.deepEqual(at([statement, { ...statement, Action: [], Resource: ['', 1] }]),
      ['policy.Statement[1].Action', 'policy.Statement[1].Resource[0]', 'policy.Statement[1].Resource[1]']);
    assert.deepEqual(at({ ...statement, Condition: { StringEquals: { a: null, b: [{}] }, x: 'y' } }),
      ['policy.Statement.Condition.StringEquals.a', 'policy.Statement.Condition.StringEquals.b[0]', 'policy.Statement.Condition.x']);
    assert.equal(problemsOf({ ...article, policy: { Statement: { ...statement, Effect: 'Alow' } } })[0]?.suggestion, 'Allow');
  });

  test('checks policy tests', () => {
    const on = 'arn:aws:s3:::b/x';
    assert.deepEqual(pathsOf({ policy_tests: [{ on }, { allow: 's3:GetObject', deny: 's3:GetObject', on }, { allow: 's3:GetObject' }] }),
      ['policy_tests[0]', 'policy_tests[1]', 'policy_tests[2].on']);
    for (const action of ['*', 's3:*', 's3', 's3:Get Object', '']) assert.deepEqual(pathsOf({ policy_tests: [{ deny: action, on }] }), ['policy_tests[0].deny']);
    for (const target of ['', 'b', 'arn:aws:s3:::b/*', 'arn:aws:s3:::b/${aws:username}', 'arn:aws:s3']) {
      assert.deepEqual(pathsOf({ policy_tests: [{ allow: 's3:GetObject', on: target }] }), ['policy_tests[0].on'], target);
    }
  });

  test('repeats at most 80 characters of what was found', () => {
    for (const problem of problemsOf({ ...article, user: 'x'.repeat(5000), ['y'.repeat(5000)]: 1, path: 'z'.repeat(5000) })) {
      assert.ok(problem.message.length < 500 && problem.path.length < 100);
    }
  });

  test('never throws anything but a VaultError', () => {
    const refusesCleanly = (bytes: Uint8Array): void => {
      try {
        parseIamFile(bytes, 'x.json');
      } catch (error) {
        assert.ok(error instanceof VaultError, String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refusesCleanly));
    fc.assert(fc.property(fc.json(), (text) => { refusesCleanly(bytesOf(text)); }));
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean(), fc.constantFrom('*', 's3:GetObject', 'arn:aws:s3:::b/*', 'Allow'));
    const key = fc.constantFrom(...Object.keys(article), 'tags', 'path', 'admins', 'vault', 'policy_tests', 'managed_policies', 'allow', 'on',
      'Statement', 'Effect', 'Action', 'NotAction', 'Resource', 'Condition', 'Principal', 'toString', 'constructor');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true })),
    }));
    const change = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true });
    fc.assert(fc.property(change, change, (top, statement) => {
      refusesCleanly(bytesOf({ ...article, policy: { Statement: [{ ...article.policy.Statement[0], ...statement }] }, ...top }));
    }), { numRuns: 1000 });
  });
});

describe('itemName', () => {
  test('is ACCOUNT_USER, with a dash for what no item may be named', () => {
    assert.equal(itemName('an-aws-account-name', 'secret-files'), 'an-aws-account-name_secret-files');
    assert.equal(itemName('My Company.prod', 'u'), 'My-Company.prod_u');
    assert.equal(itemName('../../x', 'u'), '-.-..-x_u');
    assert.equal(itemName('😀', 'u'), '-_u');
  });
});
