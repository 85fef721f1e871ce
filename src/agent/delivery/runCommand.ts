import { spawn } from 'node:child_process';
import { VaultError } from '../../errors.ts';
import { systemCode } from '../../files/read.ts';

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

export interface CommandOptions {
  readonly timeoutMs: number;
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends it as the timeout does. */
  readonly signal: AbortSignal;
}

/**
 * Runs a program to its end, without a shell, in a process group of its own, which is ended with it when it takes too long. What it prints is
 * discarded: it may quote what it was run for.
 * @throws VaultError command-failed
 */
export function runCommand([program = '', ...args]: readonly string[], { timeoutMs, environment, signal }: CommandOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...environment }, cwd: '/', stdio: 'ignore', detached: true });
    let why: string | undefined;
    let killing: NodeJS.Timeout | undefined;
    const end = (reason: string): void => {
      if (why !== undefined) return;
      why = reason;
      killGroup(child.pid, 'SIGTERM');
      killing = setTimeout(() => { killGroup(child.pid, 'SIGKILL'); }, GRACE_MS);
    };
    const timer = setTimeout(() => { end(`was ended after ${String(timeoutMs)} ms`); }, timeoutMs);
    const abort = (): void => { end('was ended with the agent'); };
    signal.addEventListener('abort', abort);
    const finish = (problem: string | undefined, cause?: unknown): void => {
      clearTimeout(timer);
      clearTimeout(killing);
      signal.removeEventListener('abort', abort);
      if (why !== undefined) killGroup(child.pid, 'SIGKILL'); // Those of its group that outlived it.
      if (problem === undefined) { resolve(); return; }
      reject(new VaultError('command-failed', `${program} ${problem}.`, { cause, hint: 'Run it by hand to see what it says; the agent discards that. It is run again.', details: { program } }));
    };
    child.once('error', (cause) => { finish(`cannot be run: ${systemCode(cause) ?? 'unknown reason'}`, cause); });
    child.once('exit', (code, ended) => {
      finish(why ?? (code === 0 ? undefined : code === null ? `was ended by ${String(ended)}` : `ended with exit code ${String(code)}`));
    });
    if (signal.aborted) abort();
  });
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (systemCode(error) === undefined) throw error; // It is gone, or is another user's by now.
  }
}
