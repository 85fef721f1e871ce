import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { evaluatePolicy } from './evaluate.ts';
import type { PolicyDocument, Statement } from './policyDocument.ts';

const OBJECT = 'arn:aws:s3:::b/x';
const evaluate = (policy: PolicyDocument | Statement | Statement[], action = 's3:GetObject', resource = OBJECT): unknown => {
  const document: PolicyDocument = 'Statement' in policy ? policy : { Version: '2012-10-17', Statement: policy };
  const { decision, by } = evaluatePolicy(document, { action, resource });
  return by === undefined ? decision : [decision, by];
};

const allow = { Effect: 'Allow', Action: 's3:*', Resource: '*' } as const;
const deny = { Effect: 'Deny', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' } as const;
const condition = { Bool: { 'aws:SecureTransport': 'true' } } as const;

describe('evaluatePolicy', () => {
  test('refuses what no statement allows', () => {
    assert.equal(evaluate([]), 'implicit-deny');
    assert.equal(evaluate(allow, 'sqs:SendMessage'), 'implicit-deny');
    assert.equal(evaluate({ ...allow, Resource: 'arn:aws:s3:::B/*' }), 'implicit-deny');
  });

  test('allows, and names the statement', () => {
    assert.deepEqual(evaluate(allow), ['allow', 0]);
    assert.deepEqual(evaluate([{ ...allow, Action: 'sqs:*' }, allow]), ['allow', 1]);
    assert.deepEqual(evaluate({ Effect: 'Allow', Action: ['sqs:*', 'S3:getobj??t'], Resource: ['arn:aws:s3:::a', 'arn:aws:s3:::?/*'] }), ['allow', 0]);
    assert.deepEqual(evaluate({ Statement: allow }), ['allow', 0]);
    assert.deepEqual(evaluate({ ...allow, Action: '*' }, 's3:ListAllMyBuckets', '*'), ['allow', 0]);
  });

  test('lets Deny win', () => {
    assert.deepEqual(evaluate([allow, deny]), ['explicit-deny', 1]);
    assert.deepEqual(evaluate([deny, allow]), ['explicit-deny', 0]);
    assert.deepEqual(evaluate([allow, deny], 's3:PutObject'), ['allow', 0]);
  });

  test('knows NotAction and NotResource', () => {
    assert.equal(evaluate({ Effect: 'Allow', NotAction: ['s3:*'], Resource: '*' }), 'implicit-deny');
    assert.deepEqual(evaluate({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }), ['allow', 0]);
    assert.equal(evaluate({ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::b/*' }), 'implicit-deny');
    assert.deepEqual(evaluate([allow, { Effect: 'Deny', Action: '*', NotResource: ['arn:aws:s3:::c'] }]), ['explicit-deny', 1]);
  });

  test('says where a Condition decides, and only there', () => {
    assert.deepEqual(evaluate({ ...allow, Condition: condition }), ['depends', 0]);
    assert.deepEqual(evaluate([allow, { ...deny, Condition: condition }]), ['depends', 1]);
    assert.deepEqual(evaluate([allow, { ...allow, Condition: condition }]), ['allow', 0]);
    assert.deepEqual(evaluate([{ ...allow, Condition: condition }, deny]), ['explicit-deny', 1]);
    assert.equal(evaluate({ ...deny, Condition: condition }), 'implicit-deny');
    assert.equal(evaluate({ ...allow, Condition: condition }, 'sqs:SendMessage'), 'implicit-deny');
    assert.deepEqual(evaluate({ ...allow, Condition: {} }), ['allow', 0]);
  });

  test('says where a policy variable decides, and only there', () => {
    const own = { ...allow, Resource: 'arn:aws:s3:::b/${aws:username}' };
    assert.deepEqual(evaluate(own), ['depends', 0]);
    assert.equal(evaluate(own, 's3:GetObject', 'arn:aws:s3:::c/x'), 'implicit-deny');
    assert.equal(evaluate({ Statement: own }), 'implicit-deny');
    assert.deepEqual(evaluate({ ...allow, Resource: [own.Resource, 'arn:aws:s3:::b/*'] }), ['allow', 0]);
    assert.deepEqual(evaluate({ Effect: 'Allow', Action: '*', NotResource: own.Resource }), ['depends', 0]);
  });

  const pattern = fc.constantFrom('*', 's3:*', 's3:Get*', 's3:GetObject', 's3:PutObject', 'sqs:*');
  const resource = fc.constantFrom('*', OBJECT, 'arn:aws:s3:::b/*', 'arn:aws:s3:::b/${aws:username}', 'arn:aws:s3:::c/*');
  const statement: fc.Arbitrary<Statement> = fc.tuple(
    fc.constantFrom('Allow' as const, 'Deny' as const),
    fc.oneof(pattern.map((Action) => ({ Action })), pattern.map((NotAction) => ({ NotAction }))),
    fc.oneof(resource.map((Resource) => ({ Resource })), resource.map((NotResource) => ({ NotResource }))),
    fc.constantFrom({}, {}, { Condition: condition }),
  ).map(([Effect, a, r, c]) => ({ Effect, ...a, ...r, ...c }));
  const policy = fc.array(statement, { maxLength: 6 });
  const decisionOf = (statements: Statement[]): string =>
    evaluatePolicy({ Version: '2012-10-17', Statement: statements }, { action: 's3:GetObject', resource: OBJECT }).decision;

  test('a Deny that applies always wins, wherever it stands', () => {
    fc.assert(fc.property(policy, fc.nat(), (statements, at) => {
      const i = at % (statements.length + 1);
      assert.equal(decisionOf([...statements.slice(0, i), deny, ...statements.slice(i)]), 'explicit-deny');
    }));
  });

  test('does not depend on the order of statements', () => {
    fc.assert(fc.property(policy, (statements) => {
      assert.equal(decisionOf([...statements].reverse()), decisionOf(statements));
    }));
  });

  test('more Deny never allows more, more Allow never allows less', () => {
    fc.assert(fc.property(policy, statement, (statements, one) => {
      const rank = (s: Statement[]): number => ['explicit-deny', 'implicit-deny', 'depends', 'allow'].indexOf(decisionOf(s));
      if (one.Effect === 'Allow') assert.ok(rank([...statements, one]) >= rank(statements));
      else assert.ok(rank([...statements, one]) <= rank(statements));
    }));
  });

  test('what depends is settled by taking the Condition away', () => {
    fc.assert(fc.property(policy.filter((p) => !JSON.stringify(p).includes('${')), (statements) => {
      const settled = (keep: boolean): string => decisionOf(statements
        .filter((s) => keep || s.Condition === undefined)
        .map(({ Condition: _, ...rest }) => rest));
      const [met, unmet] = [settled(true), settled(false)].map((d) => d === 'allow');
      const decision = decisionOf(statements);
      if (decision === 'allow') assert.ok(met === true && unmet === true);
      if (decision === 'explicit-deny' || decision === 'implicit-deny') assert.ok(met === false && unmet === false);
    }));
  });
});
