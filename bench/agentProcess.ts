import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { output } from './processes.ts';
import type { Scene } from './scene.ts';

/** An agent that runs while something is measured. */
export interface BenchAgent {
  readonly pid: number;
  readonly config: string;
  /** Resident memory in MiB, and processor time used so far in seconds. */
  usage(): { readonly rss: number; readonly cpu: number };
  stop(): Promise<void>;
}

const CLOCK_TICKS_A_SECOND = 100; // sysconf(_SC_CLK_TCK) on Linux.

/** Writes a configuration of an agent whose identity is the scene's reader, and which has directories of its own. */
export function writeConfiguration(scene: Scene, name: string, more: Readonly<Record<string, unknown>>): string {
  const { argv, env } = scene.vault(scene.node, 'admin', 'list', '--json');
  const { fingerprint } = JSON.parse(output({ argv, env })) as { fingerprint: string };
  const path = join(scene.folder, `${name}.json`);
  writeFileSync(path, JSON.stringify({
    identity: scene.reader.file, roster: fingerprint, source: { type: 'folder', path: join(scene.folder, 'repository') },
    state_directory: join(scene.folder, name, 'state'), runtime_directory: join(scene.folder, name, 'run'), ...more,
  }), { mode: 0o600 });
  return path;
}

/** Starts an agent, and waits until it has logged that it started. */
export async function startAgent(scene: Scene, config: string): Promise<BenchAgent> {
  const { argv: [program, ...args], env } = scene.vault(scene.node, 'agent', 'run', '--config', config);
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (lines.length < 50) lines.push(line);
      if (line.includes('"type":"started"')) resolve();
    });
    void ended.then(() => { reject(new Error(`the agent ended: ${lines.join('\n')}`)); });
  });
  const pid = child.pid ?? NaN;
  return {
    pid, config,
    usage: () => usageOf(pid),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export function usageOf(pid: number): { readonly rss: number; readonly cpu: number } {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  // proc(5): the 14th and 15th fields; the second is the program's name, in parentheses.
  const [, ...fields] = readFileSync(`/proc/${String(pid)}/stat`, 'utf8').split(') ');
  const [user, system] = (fields[0] ?? '').split(' ').slice(11, 13).map(Number);
  return { rss: Number(kibibytes) / 1024, cpu: ((user ?? NaN) + (system ?? NaN)) / CLOCK_TICKS_A_SECOND };
}

/** Resolves, with the time, once the file at `path` holds `text`. */
export function fileHolds(path: string, text: string): { readonly at: Promise<number>; cancel(): void } {
  let cancel = (): void => undefined;
  const at = new Promise<number>((resolve) => {
    const watcher = watch(dirname(path), () => { look(); });
    cancel = () => { watcher.close(); };
    const look = (): void => {
      if (!readOrNothing(path).includes(text)) return;
      resolve(performance.now());
      watcher.close();
    };
    look();
  });
  return { at, cancel };
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
