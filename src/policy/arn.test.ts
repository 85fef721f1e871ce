import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasVariable, parseArnPattern, resourcePieces, resourceSteps } from './arn.ts';
import { globMatches } from './glob.ts';

describe('parseArnPattern', () => {
  test('parts an ARN', () => {
    assert.deepEqual(parseArnPattern('arn:aws:logs:eu-central-1:123456789012:log-group:a:*'), {
      partition: 'aws', service: 'logs', region: 'eu-central-1', account: '123456789012', resource: 'log-group:a:*',
    });
    assert.equal(parseArnPattern('arn:aws:iam::${aws:PrincipalAccount}:user/x')?.account, '${aws:PrincipalAccount}');
    assert.deepEqual(parseArnPattern('arn:aws:sqs:*'), { partition: 'aws', service: 'sqs', region: '*', account: '*', resource: '*' });
  });

  test('knows what is none', () => {
    for (const text of ['', '*', 'arn', 'arn:aws', 'arn:aws:s3', 'arn:aws:s3:::'.slice(0, -1), 'urn:aws:s3:::b', 'a-bucket']) {
      assert.equal(parseArnPattern(text), undefined, text);
    }
  });
});

describe('resourcePieces', () => {
  test('tells variables from the three characters that are written as one', () => {
    assert.deepEqual(resourcePieces('a${aws:username}b${*}${'), [
      { kind: 'text', text: 'a' }, { kind: 'variable', text: 'aws:username' }, { kind: 'text', text: 'b' },
      { kind: 'literal', text: '*' }, { kind: 'text', text: '${' },
    ]);
    assert.ok(hasVariable('${aws:username}'));
    assert.ok(!hasVariable('${?}${'));
  });
});

describe('resourceSteps', () => {
  const matches = (pattern: string, arn: string, variables: 'expanded' | 'plain' = 'expanded'): boolean =>
    globMatches(resourceSteps(pattern, variables), arn);

  test('keeps wildcards within a part, but for * at its end and everything in the last', () => {
    assert.ok(matches('arn:aws:sqs:*:*:q', 'arn:aws:sqs:eu-central-1:123456789012:q'));
    assert.ok(matches('arn:aws:sqs:*', 'arn:aws:sqs:eu-central-1:123456789012:q'));
    assert.ok(!matches('arn:aws:sqs:e*1:1:q', 'arn:aws:sqs:eu:x-1:1:q'));
    assert.ok(!matches('arn:aws:sqs?:1:q', 'arn:aws:sqs::1:q'));
    assert.ok(matches('arn:aws:logs:r:1:log-group:a*z', 'arn:aws:logs:r:1:log-group:a:log-stream:z'));
    assert.ok(matches('*', 'arn:aws:s3:::b'));
  });

  test('takes a variable for any text, or for itself', () => {
    assert.ok(matches('arn:aws:s3:::b/${aws:username}/*', 'arn:aws:s3:::b/alice/x'));
    assert.ok(!matches('arn:aws:s3:::b/${aws:username}/*', 'arn:aws:s3:::b/alice/x', 'plain'));
    assert.ok(matches('arn:aws:s3:::b/${aws:username}', 'arn:aws:s3:::b/${aws:username}', 'plain'));
    assert.ok(matches('arn:aws:s3:::b/${*}', 'arn:aws:s3:::b/*'));
    assert.ok(!matches('arn:aws:s3:::b/${*}', 'arn:aws:s3:::b/x'));
  });
});
