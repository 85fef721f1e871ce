import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIamFile } from './iamFile.ts';
import { runPolicyTests } from './policyTests.ts';

test('runPolicyTests compares what is expected with what the policy says', () => {
  const condition = { Bool: { 'aws:SecureTransport': 'true' } };
  const file = parseIamFile(new TextEncoder().encode(JSON.stringify({
    accounts: ['a'], user: 'u', group: 'g', search_query: 'role:x',
    policy: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' },
        { Effect: 'Deny', Action: '*', Resource: 'arn:aws:s3:::b/private/*' },
        { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::b/*', Condition: condition },
      ],
    },
    policy_tests: [
      { allow: 's3:GetObject', on: 'arn:aws:s3:::b/x' },
      { deny: 's3:GetObject', on: 'arn:aws:s3:::b/x' },
      { allow: 's3:GetObject', on: 'arn:aws:s3:::b/private/x' },
      { deny: 's3:GetObject', on: 'arn:aws:s3:::b/private/x' },
      { deny: 's3:DeleteObject', on: 'arn:aws:s3:::b/x' },
      { allow: 's3:PutObject', on: 'arn:aws:s3:::b/x' },
      { deny: 's3:PutObject', on: 'arn:aws:s3:::b/x' },
    ],
  })), 'x.json');
  assert.deepEqual(runPolicyTests(file).map((t) => [t.index, t.expect, t.decision, t.pass, t.statement]), [
    [0, 'allow', 'allow', true, 0],
    [1, 'deny', 'allow', false, 0],
    [2, 'allow', 'explicit-deny', false, 1],
    [3, 'deny', 'explicit-deny', true, 1],
    [4, 'deny', 'implicit-deny', true, undefined],
    [5, 'allow', 'depends', false, 2],
    [6, 'deny', 'depends', false, 2],
  ]);
});
