import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CreateAccessKeyCommand, CreateUserCommand, DeleteAccessKeyCommand, GetUserCommand, IAMClient, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { ZodError } from 'zod';
import { createFaultSwitches } from './faults.ts';
import { seedAccounts, serveSandbox, type FaultsChange, type HeldCall, type RunningSandbox } from './server.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A served sandbox with one account, whose clock stands still until it is told to go on. */
interface Setting {
  readonly server: RunningSandbox;
  readonly iam: IAMClient;
  sts(keys: Keys): STSClient;
  iamAs(keys: Keys): IAMClient;
  advance(milliseconds: number): void;
  createKey(): Promise<Keys & { readonly id: string }>;
}

async function withSandbox(faults: FaultsChange, test: (setting: Setting) => Promise<void>): Promise<void> {
  // Real time plus an offset: the SDK signs with the real clock.
  let offset = 0;
  const clock = {
    now: () => Date.now() + offset,
    delay: (milliseconds: number) => {
      offset += milliseconds;
      return Promise.resolve();
    },
  };
  const server = await serveSandbox({ accounts: seedAccounts(['one']), faults, clock });
  const connection = { endpoint: server.url, region: 'us-east-1', maxAttempts: 1 };
  const [operator] = server.accounts;
  assert.ok(operator);
  const iam = new IAMClient({ ...connection, credentials: operator });
  try {
    await iam.send(new CreateUserCommand({ UserName: 'u' })).catch(() => undefined);
    await test({
      server,
      iam,
      sts: (credentials) => new STSClient({ ...connection, credentials }),
      iamAs: (credentials) => new IAMClient({ ...connection, credentials }),
      advance: (milliseconds) => {
        offset += milliseconds;
      },
      createKey: async () => {
        const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'u' }));
        const id = AccessKey?.AccessKeyId ?? '';
        return { id, accessKeyId: id, secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
      },
    });
  } finally {
    await server.close();
  }
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? ('code' in error && typeof error.code === 'string' ? error.code : error.name) : 'not an Error';
  }
}

const whoAmI = (sts: STSClient): Promise<string> => outcomeOf(sts.send(new GetCallerIdentityCommand({})));
const getUser = (iam: IAMClient): Promise<string> => outcomeOf(iam.send(new GetUserCommand({ UserName: 'u' })));
const keysIn = ({ server }: Setting): number => server.sandbox.summary().accounts[0]?.accessKeys.filter(({ user }) => user === 'u').length ?? -1;

describe('access keys', () => {
  it('propagationDelayMs: a new key works later, and so does its deletion', () =>
    withSandbox({ propagationDelayMs: 5000 }, async (setting) => {
      const { iam, sts, advance, createKey } = setting;
      const key = await createKey();
      assert.equal(await whoAmI(sts(key)), 'InvalidClientTokenId');
      advance(5001);
      assert.equal(await whoAmI(sts(key)), 'ok');
      await iam.send(new DeleteAccessKeyCommand({ UserName: 'u', AccessKeyId: key.id }));
      assert.equal(await whoAmI(sts(key)), 'ok');
      assert.equal(keysIn(setting), 0);
      advance(5001);
      assert.equal(await whoAmI(sts(key)), 'InvalidClientTokenId');
    }));

  it('are refused when unknown, inactive, of a wrong secret or not permitted', () =>
    withSandbox({}, async ({ iam, sts, iamAs, createKey }) => {
      const key = await createKey();
      assert.equal(await whoAmI(sts({ ...key, accessKeyId: 'AKIAUNKNOWNUNKNOWN22' })), 'InvalidClientTokenId');
      assert.equal(await whoAmI(sts({ ...key, secretAccessKey: 'wrong' })), 'SignatureDoesNotMatch');
      assert.equal(await getUser(iamAs(key)), 'AccessDenied');
      await iam.send(new UpdateAccessKeyCommand({ UserName: 'u', AccessKeyId: key.id, Status: 'Inactive' }));
      assert.equal(await whoAmI(sts(key)), 'InvalidClientTokenId');
    }));

  it('of sessions need their token, expire, and have the power of their caller', () =>
    withSandbox({}, async ({ server, sts, iamAs, advance }) => {
      const [operator] = server.accounts;
      assert.ok(operator);
      const RoleArn = `arn:aws:iam::${operator.id}:role/r`;
      const { Credentials } = await sts(operator).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'me', DurationSeconds: 900 }));
      const role = { accessKeyId: Credentials?.AccessKeyId ?? '', secretAccessKey: Credentials?.SecretAccessKey ?? '' };
      const sessionToken = Credentials?.SessionToken ?? '';
      assert.equal(await getUser(iamAs({ ...role, sessionToken })), 'ok');
      assert.equal(await whoAmI(sts(role)), 'InvalidClientTokenId');
      assert.equal(await whoAmI(sts({ ...role, sessionToken: 'wrong' })), 'InvalidClientTokenId');
      const session = (await sts(operator).send(new GetSessionTokenCommand({}))).Credentials;
      const user = { accessKeyId: session?.AccessKeyId ?? '', secretAccessKey: session?.SecretAccessKey ?? '', sessionToken: session?.SessionToken ?? '' };
      assert.equal(await whoAmI(sts(user)), 'ok');
      assert.equal(await getUser(iamAs(user)), 'InvalidClientTokenId');
      const foreign = new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::000000000001:role/r', RoleSessionName: 'me' });
      assert.equal(await outcomeOf(sts(operator).send(foreign)), 'AccessDenied');
      advance(840_000);
      assert.equal(await whoAmI(sts({ ...role, sessionToken })), 'ok');
      advance(60_001);
      assert.notEqual(await whoAmI(sts({ ...role, sessionToken })), 'ok');
    }));
});

describe('faults', () => {
  it('throttle: a token bucket per account', () => {
    const switches = createFaultSwitches({ throttle: { ratePerSecond: 2, burst: 3 } });
    const admitted = (now: number): boolean[] => Array.from({ length: 4 }, () => switches.admit('one', now));
    assert.deepEqual(admitted(0), [true, true, true, false]);
    assert.equal(switches.admit('two', 0), true);
    assert.equal(switches.admit('one', 499), false);
    assert.equal(switches.admit('one', 500), true);
    assert.deepEqual(admitted(60_000), [true, true, true, false]);
  });

  it('throttle: answered as Throttling', () =>
    withSandbox({ throttle: { ratePerSecond: 0.001, burst: 2 } }, async ({ iam }) => {
      assert.equal(await getUser(iam), 'ok');
      assert.equal(await getUser(iam), 'Throttling');
    }));

  it('fail: the calls of an action that it names, and no others', () =>
    withSandbox({}, async ({ server, iam }) => {
      server.sandbox.setFaults({ fail: [{ action: 'GetUser', code: 'ServiceFailure', call: 2, times: 2 }] });
      const outcomes = [await getUser(iam), await getUser(iam), await getUser(iam), await getUser(iam)];
      assert.deepEqual(outcomes, ['ok', 'ServiceFailureException', 'ServiceFailureException', 'ok']);
      assert.deepEqual(server.sandbox.faults().fail, []);
    }));

  it('lostReply: carried out, and no reply', () =>
    withSandbox({ lostReply: [{ action: 'CreateAccessKey' }] }, async (setting) => {
      assert.equal(await outcomeOf(setting.createKey()), 'ECONNRESET');
      assert.equal(keysIn(setting), 1);
      const { outcome, reply } = setting.server.sandbox.calls().at(-1) ?? {};
      assert.deepEqual([outcome, reply], ['ok', 'lost']);
      assert.equal(await outcomeOf(setting.createKey()), 'ok');
    }));

  it('beforeReply: no reply, and not carried out', () =>
    withSandbox({ beforeReply: [{ action: 'CreateAccessKey', account: 'one' }] }, async (setting) => {
      assert.equal(await outcomeOf(setting.createKey()), 'ECONNRESET');
      assert.equal(keysIn(setting), 0);
      assert.equal(setting.server.sandbox.calls().at(-1)?.outcome, 'never');
    }));

  for (const when of ['before', 'after'] as const) {
    it(`hold ${when}: waits for its release over HTTP`, () =>
      withSandbox({ hold: [{ action: 'CreateAccessKey', when }] }, async (setting) => {
        const { url } = setting.server;
        const held = fetch(`${url}/_sandbox/held?wait=1`).then((response) => response.json() as Promise<{ held: HeldCall[] }>);
        const created = outcomeOf(setting.createKey());
        assert.deepEqual((await held).held, [{ id: 1, action: 'CreateAccessKey', account: 'one', when }]);
        assert.equal(keysIn(setting), when === 'after' ? 1 : 0);
        const headers = { 'content-type': 'application/json' };
        const released = await fetch(`${url}/_sandbox/release`, { method: 'POST', headers, body: '{"id":1}' });
        assert.deepEqual(await released.json(), { released: 1 });
        assert.equal(await created, 'ok');
        assert.equal(keysIn(setting), 1);
      }));
  }

  it('hold: ends when the client goes away, and can be broken off', () =>
    withSandbox({ hold: [{ action: 'CreateAccessKey', when: 'before' }, { action: 'GetUser', when: 'after' }] }, async (setting) => {
      const { server, iam } = setting;
      const client = new AbortController();
      const created = outcomeOf(iam.send(new CreateAccessKeyCommand({ UserName: 'u' }), { abortSignal: client.signal }));
      await server.sandbox.waitForHeld();
      client.abort();
      assert.equal(await created, 'AbortError');
      const got = getUser(iam);
      while (!(await server.sandbox.waitForHeld()).some(({ action }) => action === 'GetUser')) await new Promise(setImmediate);
      server.sandbox.release({ drop: true });
      assert.equal(await got, 'ECONNRESET');
      assert.equal(keysIn(setting), 0);
    }));

  it('limits: a quota replaces the default', () =>
    withSandbox({ limits: { accessKeysPerUser: 1 } }, async ({ createKey }) => {
      assert.equal(await outcomeOf(createKey()), 'ok');
      assert.equal(await outcomeOf(createKey()), 'LimitExceededException');
    }));

  it('latencyMs: every call waits', () =>
    withSandbox({ latencyMs: 700 }, async ({ server, iam }) => {
      await getUser(iam);
      const times = server.sandbox.calls().map(({ time }) => Date.parse(time));
      assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 700);
    }));

  it('a change of the wrong shape changes nothing', () => {
    const switches = createFaultSwitches({ latencyMs: 5 });
    for (const wrong of [{ latencyMs: -1 }, { latencyMs: 1, unknown: true }, { fail: [{ action: 'GetUser', code: 'Nope' }] }, null, []]) {
      assert.throws(() => switches.change(wrong), ZodError);
    }
    assert.equal(switches.current().latencyMs, 5);
    switches.change({ limits: { tagsPerUser: 1 } });
    assert.equal(switches.current().latencyMs, 5);
  });
});
