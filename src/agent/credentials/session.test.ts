// A session over hours, with a clock of the test's own; STS itself is asked in clientSession.test.ts.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isVaultError, VaultError, type ErrorCode } from '../../errors.ts';
import type { OpenedSession, SessionRequest } from '../../iam/clientSession.ts';
import { Secret } from '../../secret.ts';
import type { SessionConfiguration } from '../configuration/schema.ts';
import type { AgentEvent } from '../events.ts';
import type { ItemContent } from '../following/itemFollower.ts';
import { keepSession, type SessionKeeper } from './session.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const REF = { vault: 'v', item: 'i' };
const CONFIGURATION: SessionConfiguration = { item: REF, mode: 'session', lifetime: 25 * MINUTE, duration: HOUR, region: 'us-east-1' };
const START = Date.UTC(2026, 0, 1);

type Answer = 'session' | ErrorCode;

interface Bench {
  readonly keeper: SessionKeeper;
  readonly requests: SessionRequest[];
  readonly events: AgentEvent[];
  /** What STS answers from now on. */
  sts: Answer;
  /** What the machine's clock is off by. */
  offset: number;
  /** Time passes, and timers run. */
  pass(ms: number): Promise<void>;
  /** The machine sleeps: no timer runs, and AWS goes on. */
  sleep(ms: number): void;
  /** The session's access key and how long it is said to be good, in milliseconds; or the code of the error. */
  ask(): Promise<readonly [string, number] | ErrorCode>;
}

function open(t: TestContext): Bench {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let uptime = 1000;
  const settled = async (): Promise<void> => { for (let i = 0; i < 8; i++) await Promise.resolve(); };
  const requests: SessionRequest[] = [];
  const events: AgentEvent[] = [];
  const keeper = keepSession(CONFIGURATION, {
    report: (event) => { events.push(event); },
    now: () => START + uptime + bench.offset,
    uptime: () => uptime,
    random: () => 0.5,
    open: (request): Promise<OpenedSession> => {
      requests.push(request);
      if (bench.sts !== 'session') return Promise.reject(new VaultError(bench.sts, 'as the test says'));
      return Promise.resolve({ accessKeyId: `ASIA${String(requests.length)}`, secretAccessKey: new Secret('s'), sessionToken: new Secret('t'), lifeMs: HOUR });
    },
  });
  t.after(() => keeper.stop());
  const bench: Bench = {
    keeper, requests, events, sts: 'session', offset: 0,
    async pass(ms) {
      for (const end = uptime + ms; uptime < end;) {
        const step = Math.min(MINUTE / 2, end - uptime);
        uptime += step;
        t.mock.timers.tick(step);
        await settled();
      }
    },
    sleep(ms) { uptime += ms; },
    async ask() {
      try {
        const { prepared, expiration } = await keeper.issue();
        return [prepared.accessKeyId, Date.parse(expiration) - (START + uptime + bench.offset)];
      } catch (error) {
        assert.ok(isVaultError(error));
        return error.code;
      }
    },
  };
  return bench;
}

function content(key: string, generation = 1): ItemContent {
  return { ...REF, generation, signer: 'alice', time: '2026-01-01T00:00:00Z', signature: String(generation), fields: { data: { aws_access_key_id: key, aws_secret_access_key: 'S' } } };
}

/** The named access key, with `left` to go, to the second. */
function isGood(answer: readonly [string, number] | ErrorCode, key: string, left: number): void {
  assert.ok(typeof answer !== 'string', String(answer));
  assert.equal(answer[0], key);
  assert.ok(answer[1] <= left && answer[1] > left - 2000, `${String(answer[1])} of ${String(left)}`);
}

test('one request for all who ask; the next at about two thirds of the life; never more than the announced lifetime', async (t) => {
  const bench = open(t);
  assert.equal(await bench.ask(), 'item-not-found');
  bench.keeper.take(content('K1'));
  const answers = await Promise.all(Array.from({ length: 1000 }, () => bench.ask()));
  for (const answer of answers) isGood(answer, 'ASIA1', 25 * MINUTE);
  assert.equal(bench.requests.length, 1);
  await bench.pass(38 * MINUTE);
  isGood(await bench.ask(), 'ASIA1', 22 * MINUTE);
  await bench.pass(2 * MINUTE);
  isGood(await bench.ask(), 'ASIA2', 25 * MINUTE);
  assert.equal(bench.requests.length, 2);
});

test('STS is down: served to the end, then an error and never the key; it recovers by itself, and tries are few', async (t) => {
  const bench = open(t);
  bench.keeper.take(content('K1'));
  await bench.pass(MINUTE);
  bench.sts = 'aws-unreachable';
  await bench.pass(58 * MINUTE);
  isGood(await bench.ask(), 'ASIA1', MINUTE);
  assert.equal(bench.keeper.problem?.code, 'aws-unreachable');
  assert.ok(bench.keeper.end !== undefined);
  await bench.pass(2 * MINUTE);
  assert.equal(bench.keeper.end, undefined);
  const tried = bench.requests.length;
  for (let i = 0; i < 100; i++) assert.equal(await bench.ask(), 'aws-unreachable');
  assert.equal(bench.requests.length, tried, 'those who ask do not wear STS out');
  assert.ok(tried < 20, String(tried));
  bench.sts = 'session';
  await bench.pass(6 * MINUTE);
  isGood(await bench.ask(), `ASIA${String(bench.requests.length)}`, 25 * MINUTE);
  assert.equal(bench.keeper.problem, undefined);
  assert.doesNotMatch(JSON.stringify(bench.events), /"S"|"s"|"t"/);
});

test('a new key: a session with it at once, and the old one until it is there', async (t) => {
  const bench = open(t);
  bench.keeper.take(content('K1'));
  await bench.pass(MINUTE);
  bench.sts = 'aws-credentials';
  bench.keeper.take(content('K2', 2));
  isGood(await bench.ask(), 'ASIA1', 25 * MINUTE);
  bench.sts = 'session';
  await bench.pass(MINUTE);
  isGood(await bench.ask(), `ASIA${String(bench.requests.length)}`, 25 * MINUTE);
  assert.deepEqual([bench.requests[0]?.accessKeyId, bench.requests.at(-1)?.accessKeyId], ['K1', 'K2']);
  const before = bench.requests.length;
  bench.keeper.take(content('K2', 3));
  bench.keeper.take({ ...content('K3', 4), fields: { data: 'no key' } });
  await bench.pass(MINUTE);
  assert.equal(bench.requests.length, before);
  assert.equal(bench.keeper.problem?.code, 'field-format');
});

test('a clock that jumps by a day changes neither the life nor what is left of it; sleep does', async (t) => {
  const bench = open(t);
  bench.keeper.take(content('K1'));
  await bench.pass(MINUTE);
  for (const offset of [24 * HOUR, -24 * HOUR]) {
    bench.offset = offset;
    isGood(await bench.ask(), 'ASIA1', 25 * MINUTE);
    assert.equal(bench.requests.length, 1);
  }
  bench.sts = 'aws-unreachable';
  bench.sleep(2 * HOUR);
  assert.equal(await bench.ask(), 'aws-unreachable');
});
