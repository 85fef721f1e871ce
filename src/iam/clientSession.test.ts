// Over the wire, with the real SDK, against the sandbox.
import assert from 'node:assert/strict';
import { before, after, describe, test } from 'node:test';
import { seedAccounts, serveSandbox, type RunningSandbox } from '../sandbox/server.ts';
import { isVaultError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { openSession, type SessionRequest } from './clientSession.ts';

describe('sessions', () => {
  let server: RunningSandbox;
  let request: SessionRequest;
  before(async () => {
    server = await serveSandbox({ accounts: seedAccounts(['one']) });
    const [account] = server.accounts;
    assert.ok(account);
    request = {
      name: 'v/i', accessKeyId: account.accessKeyId, secretAccessKey: new Secret(account.secretAccessKey), region: 'eu-west-1', endpoint: server.url, durationSeconds: 1800,
      role: undefined,
    };
  });
  after(() => server.close());
  const open = (change: Partial<SessionRequest> = {}): ReturnType<typeof openSession> => openSession({ ...request, ...change }, new AbortController().signal);

  test('GetSessionToken and AssumeRole', async () => {
    const [account] = server.accounts;
    const role = { arn: `arn:aws:iam::${String(account?.id)}:role/r`, sessionName: 'iam-vault', externalId: 'external' };
    for (const change of [{}, { role }]) {
      const session = await open(change);
      assert.match(session.accessKeyId, /^ASIA/);
      assert.ok(session.sessionToken.reveal().length > 0);
      assert.ok(session.lifeMs > 1_790_000 && session.lifeMs <= 1_800_000, String(session.lifeMs));
    }
  });

  test('failures have codes, and hold no secret', async () => {
    const codeOf = async (work: Promise<unknown>): Promise<string> => {
      const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
      assert.ok(isVaultError(error));
      assert.ok(!JSON.stringify([error.message, error.hint, error.details]).includes(request.secretAccessKey.reveal()));
      return error.code;
    };
    assert.equal(await codeOf(open({ secretAccessKey: new Secret('wrong') })), 'aws-credentials');
    assert.equal(await codeOf(open({ role: { arn: 'arn:aws:iam::000000000000:role/r', sessionName: 'n0', externalId: undefined } })), 'aws-refused');
    server.sandbox.setFaults({ fail: [{ action: 'GetSessionToken', code: 'Throttling', times: 3 }] });
    assert.equal(await codeOf(open()), 'aws-throttled');
    await server.close();
    assert.equal(await codeOf(open()), 'aws-unreachable');
  });
});
