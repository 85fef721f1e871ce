import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkIamFile } from '../checkIamFile.ts';
import type { Finding } from './finding.ts';
import { RULES } from './lintPolicy.ts';

const READ = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' };

async function lint(statement: unknown, policy: object = { Version: '2012-10-17' }, tests: unknown[] = []): Promise<readonly Finding[]> {
  const text = JSON.stringify({
    accounts: ['a'], user: 'u', group: 'g', search_query: 'role:x', policy: { ...policy, Statement: statement }, policy_tests: tests,
  });
  return (await checkIamFile(new TextEncoder().encode(text), 'x.json')).findings;
}

/** What is found, as `rule path`, and the suggestion where there is one. */
async function found(...args: Parameters<typeof lint>): Promise<string[]> {
  return (await lint(...args)).map(({ rule, path, suggestion }) =>
    `${rule} ${path.replace('policy.Statement', '')}${suggestion === undefined ? '' : ` ${suggestion}`}`);
}

describe('lintPolicy', () => {
  test("has one warning about the article's file: it has no Version", async () => {
    const bytes = await readFile(new URL('../../../iam-json-data/secret-files.json', import.meta.url));
    const { findings, tests } = await checkIamFile(bytes, 'x.json');
    assert.deepEqual(findings.map((f) => [f.rule, f.severity, f.path, f.line, f.column]), [['missing-version', 'warning', 'policy', 5, 13]]);
    assert.deepEqual(tests, []);
  });

  test('finds nothing in good policies', async () => {
    assert.deepEqual(await found(READ), []);
    assert.deepEqual(await found([
      { Sid: 'Read', Effect: 'Allow', Action: ['s3:GetObject', 'S3:list*', 's3:GetBucketLocation'], Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/${aws:username}/*'] },
      { Sid: 'List', Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' },
      { Effect: 'Allow', Action: ['sqs:SendMessage', 'sns:Publish'], Resource: ['arn:aws:sqs:*:123456789012:q', 'arn:aws:sns:eu-central-1:*:t'] },
      { Effect: 'Allow', Action: 'logs:PutLogEvents', Resource: 'arn:aws:logs:*:*:log-group:/a/b:log-stream:*' },
      { Effect: 'Allow', Action: 'dynamodb:*', Resource: ['arn:aws-cn:dynamodb:*:*:table/t', 'arn:aws:dynamodb:*:*:table/t/index/*'] },
      { Effect: 'Allow', Action: 'iam:PassRole', Resource: 'arn:aws:iam::123456789012:role/path/*', Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } } },
      { Effect: 'Deny', NotAction: 's3:*', Resource: '*' },
      { Effect: 'Deny', Action: '*', Resource: '*', Condition: { 'ForAnyValue:StringNotEqualsIfExists': { 'aws:PrincipalTag/team': 'x' }, Null: { 'aws:TokenIssueTime': true } } },
    ]), []);
  });

  test('has unique, stable names', () => {
    assert.equal(new Set(RULES.map((rule) => rule.name)).size, RULES.length);
    for (const { name } of RULES) assert.match(name, /^[a-z]+(-[a-z]+)*$/);
  });

  test('never throws on what the parser lets through', async () => {
    const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('*', 's3', 'constructor:x', '__proto__:y', '../x:z', 's3:', ':', 's3:Get*', 's3:GetObject', 'S3:getobject',
      'arn:aws:s3:::b', 'arn:aws:s3:::b/*', 'arn:*', 'arn:aws:constructor:::x', 'arn:aws:s3:::${', '${*}', 'toString:GetObject', 'aws:x', 'valueOf:x'))
      .filter((s) => s !== '' && s !== '__proto__');
    const words = fc.oneof(word, fc.array(word, { minLength: 1, maxLength: 4 }));
    const statement = fc.tuple(fc.constantFrom('Allow', 'Deny'), fc.constantFrom('Action', 'NotAction'), words, fc.constantFrom('Resource', 'NotResource'), words, word, word)
      .map(([Effect, action, a, resource, r, operator, key]) => ({ Effect, Sid: key, [action]: a, [resource]: r, Condition: { [operator]: { [key]: 'x' } } }));
    await fc.assert(fc.asyncProperty(fc.array(statement, { minLength: 1, maxLength: 3 }), async (statements) => {
      for (const finding of await lint(statements)) assert.ok(RULES.some((rule) => rule.name === finding.rule));
    }), { numRuns: 500 });
  });

  test('takes no time on policies that are made to take time', async () => {
    const started = process.hrtime.bigint();
    const actions = Array.from({ length: 380 }, (_, i) => `ec2:${'*?'.repeat(i % 9)}*`);
    const resources = Array.from({ length: 160 }, (_, i) => `arn:aws:ec2:*:*:${String(i)}*`);
    assert.ok((await lint({ Effect: 'Allow', Action: actions, Resource: resources })).some((f) => f.rule === 'resource-type'));
    await lint({ Effect: 'Allow', Action: `ec2:${'*a'.repeat(3000)}`, Resource: `arn:aws:ec2:*:*:${'*a'.repeat(1500)}` });
    assert.deepEqual((await lint({ ...READ, Resource: Array.from({ length: 20_000 }, () => 'arn') })).map((f) => f.rule), ['policy-size']);
    assert.ok(Number(process.hrtime.bigint() - started) < 20e9);
  });
});

describe('policy-size', () => {
  const withLength = (length: number): object => {
    const base = JSON.stringify({ Version: '2012-10-17', Id: '', Statement: READ }).length;
    return { Version: '2012-10-17', Id: 'x'.repeat(length - base) };
  };
  test("counts IAM's characters", async () => {
    assert.deepEqual(await found(READ, withLength(5120)), []);
    assert.deepEqual((await lint(READ, withLength(5121))).map((f) => [f.rule, f.severity, f.path]), [['policy-size', 'error', 'policy']]);
  });
});

describe('policy-characters', () => {
  test('knows what IAM takes', async () => {
    assert.deepEqual(await found({ ...READ, Resource: 'arn:aws:s3:::b/ÿ*' }), []);
    assert.deepEqual(await found({ ...READ, Resource: 'arn:aws:s3:::b/€*' }), ['policy-characters policy']);
    assert.deepEqual(await found(READ, { Version: '2012-10-17', Id: '😀' }), ['policy-characters policy']);
  });
});

describe('missing-version', () => {
  test('warns where it is missing, or where variables need a newer one', async () => {
    const own = { ...READ, Resource: 'arn:aws:s3:::b/${aws:username}' };
    assert.deepEqual((await lint(READ, {})).map((f) => [f.rule, f.severity]), [['missing-version', 'warning']]);
    assert.deepEqual(await found(READ, { Version: '2008-10-17' }), []);
    assert.deepEqual(await found(own, { Version: '2008-10-17' }), ['missing-version policy.Version 2012-10-17']);
    assert.deepEqual(await found(own), []);
  });
});

describe('star-on-star', () => {
  test('is an error, with a Condition a warning', async () => {
    const severities = async (s: object): Promise<string[]> => (await lint(s)).filter((f) => f.rule === 'star-on-star').map((f) => `${f.severity} ${f.path}`);
    assert.deepEqual(await severities({ Effect: 'Allow', Action: '*', Resource: '*' }), ['error policy.Statement.Action']);
    assert.deepEqual(await severities({ Effect: 'Allow', Action: ['s3:*', '*'], Resource: ['arn:aws:s3:::b', '*'] }), ['error policy.Statement.Action[1]']);
    assert.deepEqual(await severities({ Effect: 'Allow', Action: '*', Resource: '*', Condition: { Bool: { 'aws:SecureTransport': 'true' } } }), ['warning policy.Statement.Action']);
    assert.deepEqual(await severities({ Effect: 'Deny', Action: '*', Resource: '*' }), []);
    assert.deepEqual(await severities({ Effect: 'Allow', Action: 's3:*', Resource: '*' }), []);
    assert.deepEqual(await severities({ Effect: 'Allow', Action: '*', Resource: 'arn:aws:s3:::b' }), []);
  });
});

describe('allow-not-action', () => {
  test('warns of Allow with what is not named', async () => {
    assert.deepEqual(await found({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }), ['allow-not-action .NotAction']);
    assert.deepEqual(await found({ Effect: 'Allow', Action: 's3:GetObject', NotResource: 'arn:aws:s3:::b/*' }), ['allow-not-action .NotResource']);
    assert.deepEqual(await found({ Effect: 'Deny', NotAction: 'iam:*', NotResource: 'arn:aws:s3:::b/*' }), []);
  });
});

describe('actions', () => {
  test('action-form: a prefix, a colon and a name', async () => {
    assert.deepEqual(await found({ ...READ, Action: ['s3:GetObject', 'GetObject', 's3:', ':x', 's3:Get:Object', 's3:Get Object'] }),
      ['action-form .Action[1]', 'action-form .Action[2]', 'action-form .Action[3]', 'action-form .Action[4]', 'action-form .Action[5]']);
  });

  test('service-wildcard: in actions and ARNs', async () => {
    assert.deepEqual(await found({ ...READ, Action: ['s*:GetObject'] }), ['service-wildcard .Action[0]']);
    assert.deepEqual(await found({ ...READ, NotAction: '*:*', Action: undefined, Effect: 'Deny' }), ['service-wildcard .NotAction']);
    assert.deepEqual(await found({ ...READ, Resource: ['arn:aws:s?:::b/*', 'arn:aws:*'] }), ['service-wildcard .Resource[0]', 'service-wildcard .Resource[1]']);
  });

  test('unknown-service: with the nearest, in tests too', async () => {
    assert.deepEqual(await found({ ...READ, Action: ['s3:GetObject', 'dynamobd:GetItem', 'constructor:x', 'qqqqqq:*'] }), [
      'unknown-service .Action[1] dynamodb', 'unknown-service .Action[2]', 'unknown-service .Action[3]',
    ]);
    assert.deepEqual(await found(READ, undefined, [{ deny: 'lamda:InvokeFunction', on: '*' }]), ['unknown-service policy_tests[0].deny lambda']);
  });

  test('unknown-action: with the nearest, for wildcards and in tests too', async () => {
    assert.deepEqual(await found({ ...READ, Action: ['s3:GetObjct', 's3:Lits*', 's3:constructor', 's3:*Objekt?'] }), [
      'unknown-action .Action[0] s3:GetObject', 'unknown-action .Action[1] s3:List*', 'unknown-action .Action[2]', 'unknown-action .Action[3]',
    ]);
    assert.deepEqual(await found({ Effect: 'Deny', NotAction: 's3:Putobjekt', Resource: '*' }), ['unknown-action .NotAction s3:PutObject']);
    assert.deepEqual(await found(READ, undefined, [{ allow: 's3:GetObject', on: 'arn:aws:s3:::b/x' }, { deny: 's3:DeleteObjekt', on: '*' }]),
      ['unknown-action policy_tests[1].deny s3:DeleteObject']);
    assert.ok((await lint({ ...READ, Action: 's3:GetObjct' })).every((f) => f.severity === 'error'));
  });
});

describe('resources', () => {
  const on = (...Resource: string[]): object => ({ ...READ, Resource });

  test('resource-arn: the parts of an ARN', async () => {
    const bad = ['b', 'arn:aws:s3', 'arn:aws:s3::b', 'arn:asw:s3:::b/*', 'arn:aws:S3:::b/*', 'arn:aws:s3:EU:123456789012:b/*', 'arn:aws:s3::12345:b/*', 'arn:aws:s3:::', '**'];
    assert.deepEqual(await found(on(...bad)), bad.map((_, i) => `resource-arn .Resource[${String(i)}]`));
    assert.deepEqual(await found(on('arn:*:s3:*:*:b/*', 'arn:${aws:x}:s3:::b/${aws:y}')), []);
    assert.deepEqual(await found({ Effect: 'Deny', Action: 's3:*', NotResource: 'b' }), ['resource-arn .NotResource']);
  });

  test('resource-service: resources of other services', async () => {
    assert.deepEqual(await found(on('arn:aws:sqs:eu-central-1:123456789012:q')), ['resource-service .Resource[0]']);
    assert.deepEqual(await found(on('arn:aws:s3:::b/*', 'arn:aws:sqs:eu-central-1:123456789012:q')), ['resource-service .Resource[1]']);
    assert.deepEqual(await found({ ...READ, Action: ['s3:GetObject', 'sqs:SendMessage'] }), ['resource-service .Action[1]']);
    assert.deepEqual(await found({ ...READ, Action: ['s3:GetObject', 'sqs:SendMessage'], Resource: '*' }), []);
    assert.deepEqual(await found({ ...READ, Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::123456789012:role/r' }), []);
    assert.deepEqual(await found({ ...READ, Action: 'backup:CopyFromBackupVault', Resource: 'arn:aws:ec2:eu-central-1:*:snapshot/x' }), []);
    assert.ok((await lint(on('arn:aws:sqs:eu-central-1:123456789012:q'))).every((f) => f.severity === 'error'));
  });

  test('resource-type: resources of the right service that the action is not on', async () => {
    assert.deepEqual(await found(on('arn:aws:s3:::b')), ['resource-type .Action']);
    assert.deepEqual(await found({ ...READ, Action: 's3:ListBucket' }), ['resource-type .Action']);
    assert.deepEqual(await found(on('arn:aws:s3:::b/*', 'arn:aws:s3:::b')), ['resource-type .Resource[1]']);
    assert.deepEqual(await found(on('arn:aws:s3:::*')), []);
    assert.deepEqual(await found({ ...READ, Action: ['s3:GetObject', 's3:ListBucket'], Resource: ['arn:aws:s3:::b/*', 'arn:aws:s3:::b'] }), []);
    assert.ok((await lint(on('arn:aws:s3:::b'))).every((f) => f.severity === 'warning'));
  });

  test('needs-star-resource: actions on nothing in particular', async () => {
    assert.deepEqual(await found({ ...READ, Action: ['s3:GetObject', 's3:ListAllMyBuckets'] }), ['needs-star-resource .Action[1]']);
    assert.deepEqual(await found({ ...READ, Action: 's3:ListAllMyBuckets', Resource: '*' }), []);
    assert.deepEqual(await found({ ...READ, Action: ['s3:*'], Resource: ['arn:aws:s3:::b/*'] }), []);
    assert.ok((await lint({ ...READ, Action: 's3:ListAllMyBuckets' })).every((f) => f.severity === 'warning'));
  });
});

describe('conditions', () => {
  const when = (Condition: object): object => ({ ...READ, Condition });

  test('condition-operator: with the nearest', async () => {
    const key = { 'aws:username': 'x' };
    assert.deepEqual(await found(when({ StringEqual: key, 'ForAnyValues:StringLike': key, nullIfExists: key, stringequals: key })), [
      'condition-operator .Condition.StringEqual StringEquals',
      'condition-operator .Condition["ForAnyValues:StringLike"] ForAnyValue:StringLike',
      'condition-operator .Condition.nullIfExists Null',
    ]);
  });

  test('condition-key: known ones', async () => {
    const value = (...keys: string[]): object => when({ StringLike: Object.fromEntries(keys.map((key) => [key, 'x'])) });
    assert.deepEqual(await found(value('aws:UserName', 's3:prefix', 'aws:RequestTag/x', 's3:ExistingObjectTag/y')), []);
    assert.deepEqual(await found(value('aws:usrname', 's3:prefx', 'x', 'constructor:x')), [
      'condition-key .Condition.StringLike["aws:usrname"]', 'condition-key .Condition.StringLike["s3:prefx"]',
      'condition-key .Condition.StringLike.x', 'condition-key .Condition.StringLike["constructor:x"]',
    ]);
  });
});

describe('statement ids', () => {
  test('duplicate-sid', async () => {
    assert.deepEqual(await found([{ ...READ, Sid: 'A' }, { ...READ, Sid: 'B' }, { ...READ, Sid: 'A' }]), ['duplicate-sid [2].Sid']);
    assert.deepEqual(await found([{ ...READ, Sid: '' }, { ...READ, Sid: '' }, READ, READ]), []);
  });

  test('sid-characters', async () => {
    assert.deepEqual(await found([{ ...READ, Sid: 'read-objects' }, { ...READ, Sid: 'Read1' }]), ['sid-characters [0].Sid readobjects']);
  });
});
