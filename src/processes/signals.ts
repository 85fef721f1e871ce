import { constants } from 'node:os';
import { VaultError } from '../errors.ts';
import { readRegularFileNow } from '../files/read.ts';
import type { CommandEnd } from './command.ts';

/** Signals that a program may be sent on purpose, as far as Node.js can catch them. Not those that stop and continue a job: they do so by themselves. */
const PASSED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGWINCH'] as const;

/** Signals that a terminal sends to all processes in its foreground. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

/** Signals whose death leaves an image of memory on the disk. */
const DUMPING: ReadonlySet<NodeJS.Signals> = new Set(['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGXCPU', 'SIGXFSZ', 'SIGSYS']);

/** Hands signals of this process to `handle` instead of obeying them. @returns ends that */
export function catchSignals(handle: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of PASSED) process.on(signal, handle);
  return () => { for (const signal of PASSED) process.removeListener(signal, handle); };
}

/** Whether a command in this process's group was sent the signal by the terminal too, so that it must not be passed on. */
export function wasSentToAll(signal: NodeJS.Signals): boolean {
  return FROM_TERMINAL.has(signal) && isInForeground();
}

/** Whether a terminal has this process's group in its foreground. */
function isInForeground(): boolean {
  try {
    const stat = readRegularFileNow('/proc/self/stat', { maxBytes: 4096 });
    if (stat !== undefined) {
      // proc(5): pid (comm) state ppid pgrp session tty_nr tpgid …, where comm may hold anything.
      const [, , group, , terminal, foreground] = new TextDecoder().decode(stat.bytes).replace(/^.*\) /s, '').split(' ');
      return terminal !== '0' && group === foreground;
    }
  } catch {
    // Asked below.
  }
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

/** Ends this process as a command ended: with its exit code or, where it died of a signal, of the same one. */
export function endAs({ exitCode, signal }: CommandEnd): void {
  if (signal === null) {
    process.exitCode = exitCode ?? 1;
    return;
  }
  process.exitCode = 128 + constants.signals[signal]; // Process 1 of a container does not die of signals.
  // Our memory holds what the command's does, and more: no image of it.
  if (!DUMPING.has(signal)) process.kill(process.pid, signal);
}

/** A signal by its name, with or without SIG. @throws VaultError usage */
export function signalNamed(flag: string, text: string): NodeJS.Signals {
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  if (isSignal(name)) return name;
  throw new VaultError('usage', `${flag} is ${JSON.stringify(text.slice(0, 60))}, which is no signal.`, { hint: 'Write its name, as SIGTERM or HUP.' });
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}
