import assert from 'node:assert/strict';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AgentEvent } from '../events.ts';
import { openReaction, type Reaction } from './reaction.ts';

interface Watched {
  readonly directory: string;
  readonly reaction: Reaction;
  readonly events: readonly AgentEvent[];
  readonly settled: () => number;
  /** Waits for the `count`-th event of a type. */
  seen(type: AgentEvent['type'], count: number): Promise<AgentEvent>;
}

async function open(t: TestContext, script: string, timeout = 60_000): Promise<Watched> {
  const directory = await mkdtemp(join(tmpdir(), 'vault-reaction-'));
  const events: AgentEvent[] = [];
  const waiting = new Set<() => void>();
  let settled = 0;
  const reaction = openReaction({ command: ['sh', '-c', script, directory], timeout }, '/run/x', (event) => {
    events.push(event);
    for (const each of waiting) each();
  }, () => { settled++; return Promise.resolve(); });
  t.after(async () => {
    await reaction.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    directory, reaction, events, settled: () => settled,
    seen: (type, count) => new Promise((resolve) => {
      const look = (): void => {
        const found = events.filter((event) => event.type === type)[count - 1];
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    }),
  };
}

test('a command knows the path and nothing else; what comes while it runs makes it run once more', async (t) => {
  const { directory, reaction, events, settled, seen } = await open(t, 'env > "$0/env"; echo . >> "$0/runs"; mkdir "$0/first" 2>/dev/null && { while ! test -e "$0/go"; do sleep 0.01; done; }; true');
  const begun = watch(directory);
  reaction.expect();
  reaction.trigger();
  await once(begun, 'change');
  begun.close();
  for (let i = 0; i < 5; i++) reaction.trigger();
  assert.equal(reaction.isOwed, true);
  await writeFile(join(directory, 'go'), '');
  await seen('command-ended', 2);
  await reaction.stop();
  assert.equal(await readFile(join(directory, 'runs'), 'utf8'), '.\n.\n');
  assert.deepEqual([events.length, settled(), reaction.isOwed], [2, 1, false]);
  const variables = (await readFile(join(directory, 'env'), 'utf8')).trim().split('\n').map((line) => line.split('=')[0]).filter((name) => name !== '_' && name !== 'SHLVL' && name !== 'PWD' && name !== 'OLDPWD');
  assert.deepEqual(variables.sort(), ['IAM_VAULT_CHANGED', 'PATH']);
});

test('a command that fails is run again until it ends well', async (t) => {
  const { reaction, events, settled, seen } = await open(t, 'test -e "$0/failed" || { touch "$0/failed"; exit 3; }');
  reaction.trigger();
  const failed = await seen('command-failed', 1);
  assert.ok(failed.type === 'command-failed' && failed.error.code === 'command-failed' && failed.retryMs !== undefined && failed.retryMs <= 1000);
  assert.equal(reaction.problem?.code, 'command-failed');
  await seen('command-ended', 1);
  await reaction.stop();
  assert.deepEqual([events.length, settled(), reaction.problem, reaction.isOwed], [2, 1, undefined, false]);
});

test('a command that takes too long is ended with all that it started, and one that is not there fails', { timeout: 60_000 }, async (t) => {
  const { directory, reaction, settled, seen } = await open(t, 'sleep 1000 & echo $! > "$0/child"; echo $$ > "$0/parent"; wait', 300);
  reaction.trigger();
  await seen('command-failed', 1);
  for (const name of ['child', 'parent']) {
    const pid = Number(await readFile(join(directory, name), 'utf8'));
    assert.ok(pid > 1);
    while (!await isGone(pid)); // The kernel takes its time.
  }
  assert.equal(settled(), 0);

  const missing = openReaction({ command: [join(directory, 'nosuch')], timeout: 1000 }, '/run/x', () => undefined, () => Promise.resolve());
  missing.trigger();
  await missing.stop();
  assert.equal(missing.problem?.code, 'command-failed');
});

/** Or a zombie, which the machine's first process will bury. */
async function isGone(pid: number): Promise<boolean> {
  try {
    return /^\d+ \(.*\) [ZX] /.test(await readFile(`/proc/${String(pid)}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
