import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { VaultError } from '../errors.ts';

/** Where git is run, and with which environment. */
export interface Git {
  /** Absolute path. */
  readonly directory: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export interface GitOptions {
  readonly input?: string | Uint8Array | undefined;
  /** Exit codes beside 0 that are answers. */
  readonly accept?: readonly number[];
}

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  /** What git said of a failure; bounded, and not to be trusted. */
  readonly message: string;
}

/** Most that a command of git may print, in bytes. */
const MAX_OUTPUT = 256 << 20;
const MAX_MESSAGE = 2000;

/** So that what is run says the same everywhere, and neither locks, asks, fetches nor pages. */
const SETTINGS = {
  LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1', GIT_LITERAL_PATHSPECS: '1',
  GIT_PAGER: 'cat', GIT_EXTERNAL_DIFF: undefined, GIT_TRACE: undefined, GIT_TRACE2: undefined,
};

/**
 * So that no program is run that files of a repository name: a directory that somebody committed can look like a bare repository, with a
 * configuration of its own, to git that begins there.
 */
const NO_PROGRAMS = ['-c', 'safe.bareRepository=explicit', '-c', 'core.fsmonitor=false'];

/**
 * Runs git without a shell.
 * @throws VaultError git-failed where git is missing, or ends with a code that is not accepted
 */
export function runGit({ directory, variables }: Git, args: readonly string[], { input, accept = [] }: GitOptions = {}): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = execFile('git', [...NO_PROGRAMS, ...args], { cwd: directory, env: { ...variables, ...SETTINGS }, encoding: 'buffer', maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
      const message = stderr.subarray(0, MAX_MESSAGE).toString('utf8').trim();
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number' && (code === 0 || accept.includes(code))) resolve({ code, stdout, message });
      else reject(gitFailed(args, error, message));
    });
    // A process that ends early does not read its input; how it ended says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Starts git and leaves its streams to the caller. Standard error is discarded. */
export function startGit({ directory, variables }: Git, args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn('git', [...NO_PROGRAMS, ...args], { cwd: directory, env: { ...variables, ...SETTINGS }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stderr.resume();
  return child;
}

/** The error for a command of git that failed, or could not be started. */
export function gitFailed(args: readonly string[], cause: unknown, message = ''): VaultError {
  const command = args.find((arg) => !arg.startsWith('-') && !arg.includes('=')) ?? '';
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
    return new VaultError('git-failed', 'The program git was not found.', { cause, hint: 'Install git, or put it on the PATH.', details: { command } });
  }
  return new VaultError('git-failed', `git ${command} failed${message === '' ? '' : `: ${message}`}.`, {
    cause, hint: 'Run "git status" and "git fsck" in the repository to see what is wrong with it.', details: { command },
  });
}
