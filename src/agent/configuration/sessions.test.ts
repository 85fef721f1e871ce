// What STS would refuse is said before it is asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVaultError } from '../../errors.ts';
import { parseAgentConfiguration } from './configuration.ts';

const ROLE = 'arn:aws:iam::123456789012:role/path/r';

/** Paths of what is wrong with one entry of `credentials`. */
function problemsOf(entry: object, more: object = {}): string[] {
  const configuration = { identity: '/i', roster: `${'A'.repeat(42)}E`, source: { type: 'folder', path: '/r' }, credentials: [{ item: 'v/i', mode: 'session', ...entry }], ...more };
  try {
    parseAgentConfiguration(new TextEncoder().encode(JSON.stringify(configuration)), 'agent.json');
    return [];
  } catch (error) {
    assert.ok(isVaultError(error, 'input-invalid'));
    return (error.details['problems'] as { path: string }[]).map(({ path }) => path.replace('credentials[0].', ''));
  }
}

test('durations of sessions', () => {
  for (const duration of ['15m', '1h', '36h', '900s']) assert.deepEqual(problemsOf({ duration }), [], duration);
  for (const duration of ['899s', '37h', '1d12h', '1000.5s']) assert.deepEqual(problemsOf({ duration }), ['duration'], duration);
  for (const duration of ['15m', '12h']) assert.deepEqual(problemsOf({ duration, role_arn: ROLE }), [], duration);
  assert.deepEqual(problemsOf({ duration: '13h', role_arn: ROLE }), ['duration']);
});

test('what is for a role needs one, and a key of a session goes nowhere else', () => {
  assert.deepEqual(problemsOf({ role_session_name: 'n1', external_id: 'xy' }), ['role_session_name', 'external_id']);
  assert.deepEqual(problemsOf({ role_session_name: 'n1', external_id: 'xy', role_arn: ROLE }), []);
  assert.deepEqual(problemsOf({ lifetime: '30s' }), ['lifetime']);
  assert.deepEqual(problemsOf({ mode: 'key', duration: '1h' }), ['duration']);
  for (const url of ['https://sts.eu-west-1.amazonaws.com', 'http://127.0.0.1:5000']) assert.deepEqual(problemsOf({ endpoint_url: url }), [], url);
  for (const url of ['http://sts.example.com', 'http://127.0.0.1.example.com', 'https://user:word@sts.example.com', 'sts']) assert.deepEqual(problemsOf({ endpoint_url: url }), ['endpoint_url'], url);
  assert.deepEqual(problemsOf({}, { deliveries: [{ type: 'file', path: '/d', item: 'v/i' }] }), ['deliveries[0]']);
  const consumers = ['a', 'b'].map((name) => ({ name, items: ['v/i'], token_file: '/t' }));
  assert.deepEqual(problemsOf({}, { endpoint: { consumers } }), ['endpoint.consumers[1].token_file']);
});
