import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { Secret } from './secret.ts';

test('a secret is shown only when it is asked for', () => {
  const secret = new Secret('TOPSECRET');
  // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- the accident that this is about
  const shown = [String(secret), `${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 }), format('%s %o %j', secret, secret, secret)];
  for (const text of shown) assert.doesNotMatch(text, /TOPSECRET/);
  assert.equal(secret.reveal(), 'TOPSECRET');
});
