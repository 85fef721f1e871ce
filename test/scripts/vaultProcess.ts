import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/**
 * Where all tests keep compiled code (bin/run.js), each build its own: a process then starts in two thirds of the time. Outside of what
 * a test saves, resets, watches or compares.
 */
export const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
mkdirSync(CACHE, { recursive: true });

/** A process that runs longer hangs. */
const LONGEST_RUN_MS = 120_000;

export interface ProcessOptions {
  readonly cwd: string;
  /** Variables beside PATH: the process sees nothing else of our environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** Options of node itself, as `--import FILE`. */
  readonly nodeOptions?: readonly string[];
  /** What is piped in; nothing where it is left out. */
  readonly input?: string | Uint8Array | undefined;
}

/** How a process ended. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** Starts the command line as it was built, as a process of its own. */
export function startVault(args: readonly string[], { cwd, variables, nodeOptions = [], input }: ProcessOptions): Running {
  const child = spawn(process.execPath, [...nodeOptions, BIN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], NO_COLOR: '1', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', XDG_CACHE_HOME: CACHE, ...variables },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    // Told apart from a death that a test wants.
    timeout: LONGEST_RUN_MS, killSignal: 'SIGABRT',
  });
  child.stdin?.on('error', () => undefined); // It need not be read.
  child.stdin?.end(input);
  const [childOutput, childErrors] = [child.stdout, child.stderr];
  assert.ok(childOutput && childErrors);
  const end = async (): Promise<Finished> => {
    const [stdout, stderr, [exitCode, signal]] = await Promise.all([
      text(childOutput), text(childErrors), once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
    ]);
    return { stdout, stderr, exitCode, signal };
  };
  return { child, finished: end() };
}

/** For assertion messages. */
export function describeEnd({ stdout, stderr, exitCode, signal }: Finished): string {
  return `exit code ${String(exitCode)}, signal ${String(signal)}\n${stdout}\n${stderr}`;
}

interface Report {
  readonly account: string;
  readonly changes: readonly { readonly action: string; readonly resource: string; readonly name: string }[];
  readonly error?: { readonly code: string };
}

/** What `create iam --json` printed: a report an account, or the error that kept it from beginning. */
export function reportsOf({ stdout }: Finished): { readonly accounts: readonly Report[]; readonly code?: string } {
  const { accounts = [], error } = JSON.parse(stdout) as { accounts?: Report[]; error?: { code: string } };
  return { accounts, ...(error === undefined ? {} : { code: error.code }) };
}

/** The error codes in what `create iam --json` printed, account by account. */
export function codesOf(finished: Finished): (string | undefined)[] {
  const { accounts, code } = reportsOf(finished);
  return code === undefined ? accounts.map(({ error }) => error?.code) : [code];
}
