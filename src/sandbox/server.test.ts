import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { awsConfigSnippet, seedAccounts, serveSandbox, SandboxSetupError, type RunningSandbox } from './server.ts';

async function withServer(test: (server: RunningSandbox) => Promise<void>): Promise<void> {
  const server = await serveSandbox({ accounts: seedAccounts(['one', 'two']) });
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** As `fetch`, but with any Host. */
async function send({ url }: RunningSandbox, { method = 'POST', path = '/', headers = {}, body = '' }: Sent) {
  const outgoing = request(`${url}${path}`, { method, headers, agent: false });
  // A refusal may come, and the connection close, while we still write.
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const codeIn = (body: string): string | undefined => /<Code>(\w+)<\/Code>/.exec(body)?.[1];

describe('serveSandbox', () => {
  it('refuses a Host that is not loopback, and every Origin, on all paths', () =>
    withServer(async (server) => {
      for (const path of ['/', '/_sandbox/state', '/_sandbox/faults']) {
        for (const headers of [{ host: 'evil.example' }, { host: '127.0.0.1.evil.example:80' }, { host: '0.0.0.0' }, { origin: 'http://127.0.0.1' }]) {
          const method = path === '/_sandbox/state' ? 'GET' : 'POST';
          const reply = await send(server, { method, path, headers });
          assert.equal(reply.status, 403, JSON.stringify(headers));
          assert.equal(reply.headers['access-control-allow-origin'], undefined);
        }
      }
      for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]:8080']) {
        assert.equal((await send(server, { method: 'GET', path: '/_sandbox/state', headers: { host } })).status, 200, host);
      }
    }));

  it('refuses hostile bodies with a code each', () =>
    withServer(async (server) => {
      const table: readonly (readonly [Sent, number, string])[] = [
        [{ headers: FORM, body: 'x'.repeat(2 << 20) }, 413, 'RequestEntityTooLarge'],
        [{ headers: { 'content-type': 'application/json' }, body: '{}' }, 415, 'UnsupportedMediaType'],
        [{ body: 'Action=GetUser' }, 415, 'UnsupportedMediaType'],
        [{ method: 'PUT', headers: FORM }, 405, 'UnsupportedMethod'],
        [{ headers: FORM, body: 'Action=GetUser&Action=GetUser&Version=2010-05-08' }, 404, 'MalformedQueryString'],
        [{ headers: FORM, body: 'Action=Nope&Version=2010-05-08' }, 400, 'InvalidAction'],
        [{ headers: FORM, body: 'Action=toString&Version=2010-05-08' }, 400, 'InvalidAction'],
        [{ headers: FORM, body: 'Action=GetUser&Version=2010-05-08' }, 403, 'MissingAuthenticationToken'],
      ];
      for (const [sent, status, code] of table) {
        const reply = await send(server, sent);
        assert.deepEqual([reply.status, codeIn(reply.body)], [status, code]);
      }
    }));

  it('takes changes of its switches as JSON only, and names what is wrong with them', () =>
    withServer(async (server) => {
      const path = '/_sandbox/faults';
      const headers = { 'content-type': 'application/json' };
      assert.equal((await send(server, { path, headers: { 'content-type': 'text/plain' }, body: '{"latencyMs":1}' })).status, 415);
      assert.equal((await send(server, { path, headers, body: '{' })).status, 400);
      const wrong = await send(server, { path, headers, body: '{"latencyMs":-1}' });
      assert.equal(wrong.status, 400);
      assert.ok(wrong.body.includes('latencyMs'));
      const changed = await send(server, { path, headers, body: '{"hold":[{"action":"GetUser"}]}' });
      assert.deepEqual((JSON.parse(changed.body) as { hold: unknown }).hold, [{ action: 'GetUser', call: 1, when: 'after' }]);
      assert.equal((await send(server, { path: '/_sandbox/nothing', headers })).status, 404);
    }));

  it('keeps accounts apart', () =>
    withServer(async ({ url, accounts, sandbox }) => {
      for (const credentials of accounts) {
        const iam = new IAMClient({ endpoint: url, region: 'us-east-1', maxAttempts: 1, credentials });
        const { User } = await iam.send(new CreateUserCommand({ UserName: 'u' }));
        assert.equal(User?.Arn, `arn:aws:iam::${credentials.id}:user/u`);
      }
      assert.deepEqual(sandbox.calls().map(({ account, user, outcome }) => [account, user, outcome]), [['one', 'u', 'ok'], ['two', 'u', 'ok']]);
    }));

  it('never tells a secret in its state, its calls or its objects', () =>
    withServer(async (server) => {
      const [credentials] = server.accounts;
      assert.ok(credentials);
      const iam = new IAMClient({ endpoint: server.url, region: 'us-east-1', maxAttempts: 1, credentials });
      await iam.send(new CreateUserCommand({ UserName: 'u' }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'u' }));
      const shown = await Promise.all(['state', 'calls', 'faults', 'held'].map((name) => send(server, { method: 'GET', path: `/_sandbox/${name}` })));
      assert.ok(shown[0]?.body.includes(AccessKey?.AccessKeyId ?? 'none'));
      const everything = shown.map(({ body }) => body).join('') + inspect(server.sandbox.summary(), { depth: 20 });
      for (const secret of [AccessKey?.SecretAccessKey, credentials.secretAccessKey]) assert.ok(!everything.includes(secret ?? 'none'));
    }));

  it('does not start on another host, or with accounts that are not right', async () => {
    const codeOf = async (start: Promise<RunningSandbox>): Promise<string> => {
      try {
        await (await start).close();
        return 'ok';
      } catch (error) {
        assert.ok(error instanceof SandboxSetupError);
        return error.code;
      }
    };
    const accounts = seedAccounts(['one']);
    const [account] = accounts;
    assert.ok(account);
    assert.equal(await codeOf(serveSandbox({ accounts, host: '0.0.0.0' })), 'host-not-loopback');
    assert.equal(await codeOf(serveSandbox({ accounts: [] })), 'accounts-invalid');
    assert.equal(await codeOf(serveSandbox({ accounts: [account, account] })), 'accounts-invalid');
    assert.equal(await codeOf(serveSandbox({ accounts: [account, { ...account, name: 'two' }] })), 'accounts-invalid');
    assert.equal(await codeOf(serveSandbox({ accounts: [{ ...account, id: '1' }] })), 'accounts-invalid');
    assert.equal(await codeOf(serveSandbox({ accounts: [{ ...account, name: 'a]\n[b' }] })), 'accounts-invalid');
  });
});

describe('accounts', () => {
  it('have ids that follow from their names, and random access keys', () => {
    const [[first], [second]] = [seedAccounts(['one']), seedAccounts(['one'])];
    assert.equal(first?.id, second?.id);
    assert.match(first?.id ?? '', /^[1-9][0-9]{11}$/);
    assert.notEqual(first?.secretAccessKey, second?.secretAccessKey);
  });

  it('are written as an AWS config file', () => {
    const account = { id: '111111111111', accessKeyId: 'AKIA', secretAccessKey: 's' };
    const keys = 'aws_access_key_id = AKIA\naws_secret_access_key = s\nregion = us-east-1\nendpoint_url = http://x\n';
    const written = awsConfigSnippet([{ ...account, name: 'default' }, { ...account, name: 'a.b' }, { ...account, name: 'a b' }], 'http://x');
    assert.equal(written, `[default]\n${keys}\n[profile a.b]\n${keys}\n[profile "a b"]\n${keys}`);
  });
});
