/** The supervisor, on real processes; what it would wait is told to the test, which lets time pass at once. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { isVaultError } from '../../errors.ts';
import { startCommand } from '../../processes/command.ts';
import type { AgentEvent } from '../events.ts';
import { openSupervisor, type CommandContent, type RestartPolicy, type Supervisor } from './supervisor.ts';

type EndEvent = Extract<AgentEvent, { type: 'process-ended' }>;

const content = (VALUE: string, generation = 1): CommandContent => ({ variables: { PATH: process.env['PATH'] ?? '', VALUE }, items: [{ vault: 'v', item: 'i', generation }] });
const GRACE_MS = 10_000;
/** Lets every wait be over at once. */
const noWait = async (_ms: number, signal: AbortSignal): Promise<void> => { if (!signal.aborted) await setImmediate(); };
/** As {@link noWait}, but for the grace: that never ends. */
const patient = (ms: number, signal: AbortSignal): Promise<void> =>
  (ms < GRACE_MS ? noWait(ms, signal) : new Promise((resolve) => { signal.addEventListener('abort', () => { resolve(); }); }));

interface Scene {
  readonly supervisor: Supervisor;
  readonly ends: EndEvent[];
  readonly directory: string;
  /** Lines of the file of that name, once it has so many. */
  lines(name: string, least: number): Promise<string[]>;
}

interface SceneOptions {
  readonly restart?: RestartPolicy;
  readonly wait?: typeof noWait;
  readonly onEnd?: (all: number) => void;
}

/** A script of a shell, which finds its directory in $1. */
async function scene(t: TestContext, script: string, { restart = 'never', wait = noWait, onEnd }: SceneOptions = {}): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'vault-supervisor-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const ends: EndEvent[] = [];
  const supervisor = openSupervisor(content('first'), {
    target: 'sh', signal: 'SIGTERM', graceMs: GRACE_MS, restart, wait, clock: () => performance.now(), random: () => 1,
    start: (variables) => startCommand(['sh', '-c', script, 'sh', directory], { variables, ownGroup: true }),
    report(event) {
      if (event.type !== 'process-ended') return;
      ends.push(event);
      onEnd?.(ends.length);
    },
  });
  return {
    supervisor, ends, directory,
    async lines(name, least) {
      let found: string[] = [];
      await becomes(async () => {
        found = (await readFile(join(directory, name), 'utf8').catch(() => '')).split('\n').slice(0, -1);
        return found.length >= least;
      });
      return found;
    },
  };
}

describe('a supervised command', () => {
  test('that crashes at once is tried again ever more slowly, however often', async (t) => {
    const { supervisor, ends } = await scene(t, 'exit 3', { restart: 'on-failure', onEnd: (all) => { if (all === 50) supervisor.pass('SIGTERM'); } });
    assert.deepEqual(await supervisor.run(), { exitCode: null, signal: 'SIGTERM' });
    assert.deepEqual(ends.map(({ retryMs }) => retryMs), [1000, 2000, 4000, 8000, 16_000, 32_000, ...Array.from({ length: 44 }, () => 60_000)]);
    assert.ok(ends.every(({ exitCode, because }) => exitCode === 3 && because === 'itself'));
  });

  test('ends the supervisor with its own end, where nothing else is asked for', async (t) => {
    for (const [script, restart, end] of [
      ['exit 7', 'never', { exitCode: 7, signal: null }], ['kill -KILL $$', 'never', { exitCode: null, signal: 'SIGKILL' }], ['exit 0', 'on-failure', { exitCode: 0, signal: null }],
    ] as const) {
      assert.deepEqual(await (await scene(t, script, { restart })).supervisor.run(), end);
    }
  });

  test('is started anew when its values change: once for several changes, and not for the same values', async (t) => {
    const { supervisor, ends, directory, lines } = await scene(t, `
      trap 'echo yes >> $1/stopping; while ! [ -e $1/go ]; do sleep 0.01; done; exit 0' TERM
      echo "$VALUE" >> $1/started
      while :; do sleep 1000 & wait $!; done`, { wait: patient });
    const run = supervisor.run();
    await lines('started', 1);
    supervisor.update(content('second', 2));
    await lines('stopping', 1);
    supervisor.update(content('third', 3));
    supervisor.update(content('last', 4));
    await writeFile(join(directory, 'go'), '');
    assert.deepEqual(await lines('started', 2), ['first', 'last']);
    supervisor.update(content('last', 5));
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    assert.deepEqual(await lines('stopping', 1), ['yes']);
    supervisor.pass('SIGTERM');
    assert.deepEqual(await run, { exitCode: 0, signal: null });
    assert.deepEqual(ends.map(({ because, retryMs }) => [because, retryMs]), [['changed', undefined], ['stopping', undefined]]);
  });

  test('that ignores the signal is killed, with all that it started, when the grace is over', async (t) => {
    const { supervisor, ends, lines } = await scene(t, `
      [ "$VALUE" = last ] && exit 5
      trap '' TERM
      (exec sh -c 'echo $$ >> $0/child; while :; do sleep 1000; done' $1) &
      while [ -z "$(cat $1/child 2>/dev/null)" ]; do sleep 0.01; done
      echo "$VALUE" >> $1/started
      while :; do sleep 1000; done`);
    const run = supervisor.run();
    await lines('started', 1);
    supervisor.update(content('last', 2));
    assert.deepEqual(await run, { exitCode: 5, signal: null });
    assert.deepEqual(ends.map(({ because, signal }) => [because, signal]), [['changed', 'SIGKILL'], ['itself', null]]);
    const [child = ''] = await lines('child', 1);
    await becomes(() => !isAlive(Number(child)));
  });

  test('is told by a signal that is passed on to end for good, or to go on', async (t) => {
    const { supervisor, lines } = await scene(t, `
      trap 'echo usr1 >> $1/heard' USR1; trap 'echo quit >> $1/heard; exit 4' QUIT
      echo up >> $1/started
      while :; do sleep 1000 & wait $!; done`, { restart: 'always' });
    const run = supervisor.run();
    await lines('started', 1);
    supervisor.pass('SIGUSR1');
    await lines('heard', 1);
    supervisor.pass('SIGQUIT');
    assert.deepEqual(await run, { exitCode: 4, signal: null });
    assert.deepEqual(await lines('heard', 2), ['usr1', 'quit']);
    assert.deepEqual(await lines('started', 1), ['up']);
  });

  test('that is not there is an error the first time, and tried again later', async () => {
    let starts = 0;
    const options = {
      target: 'x', signal: 'SIGTERM', graceMs: GRACE_MS, wait: noWait, clock: () => performance.now(), random: () => 1,
      start: (variables: CommandContent['variables']) => startCommand([['false', 'sh/no-such', 'true'][starts++] ?? assert.fail()], { variables, ownGroup: true }),
    } as const;
    const events: AgentEvent[] = [];
    const report = (event: AgentEvent): void => { events.push(event); };
    assert.deepEqual(await openSupervisor(content('x'), { ...options, restart: 'on-failure', report }).run(), { exitCode: 0, signal: null });
    assert.deepEqual(events.flatMap((event) => ('retryMs' in event ? [event.retryMs] : [])), [1000, 2000, undefined]);
    starts = 1;
    await assert.rejects(openSupervisor(content('x'), { ...options, restart: 'always', report }).run(), (error) => isVaultError(error, 'command-failed') && error.details['exit_code'] === 127);
  });
});

/** Fails where it is not so after a minute. */
async function becomes(is: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!await is()) {
    assert.ok(Date.now() < deadline);
    await delay(5);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
