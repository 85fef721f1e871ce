import { isatty } from 'node:tty';
import { VaultError } from '../errors.ts';
import type { AskPassphrase } from '../sealing/passphrase.ts';

/** Asks on the terminal, without echo; undefined where there is no terminal. */
export function passphrasePrompt(prompt: string): AskPassphrase | undefined {
  if (!isatty(0)) return undefined; // process.stdin would be opened, for nothing as a rule.
  return async () => new TextEncoder().encode(await ask(prompt));
}

/** Asks twice, for a passphrase that is being set. @throws VaultError usage */
export function newPassphrasePrompt(): AskPassphrase {
  return async () => {
    if (!process.stdin.isTTY) throw new VaultError('usage', 'A passphrase can only be set in a terminal.', { hint: 'Run the command in a terminal, or leave out --passphrase.' });
    const first = await ask('Passphrase: ');
    if (first === '') throw new VaultError('usage', 'The passphrase is empty.', { hint: 'Leave out --passphrase to make an unprotected identity.' });
    if (await ask('Again: ') !== first) throw new VaultError('usage', 'The two passphrases differ.');
    return new TextEncoder().encode(first);
  };
}

async function ask(prompt: string): Promise<string> {
  try {
    return await readLine(prompt, true);
  } finally {
    process.stderr.write('\n');
  }
}

/** A line from the terminal. @throws VaultError interrupted on Ctrl-C and at the end of the input */
async function readLine(prompt: string, silent: boolean): Promise<string> {
  const { read } = await import('read');
  let pause: () => void = () => undefined;
  // At the end of the input the reader is closed, and says nothing: that it lets go of the input is all there is to see.
  const ended = new Promise<never>((_resolve, reject) => {
    pause = () => { setImmediate(() => { reject(new Error('end of input')); }); };
    process.stdin.once('pause', pause);
  });
  try {
    return await Promise.race([read({ prompt, silent, replace: '', output: process.stderr }), ended]);
  } catch (cause) {
    throw declined('Nothing was changed.', cause);
  } finally {
    process.stdin.removeListener('pause', pause);
  }
}

/** For a person who said no: told as a notice, not as an error. */
export function declined(message: string, cause?: unknown): VaultError {
  return new VaultError('interrupted', message, { cause, details: { declined: true } });
}

/**
 * Lets a person confirm what takes something away.
 * @param what what there is to confirm, where it is something else: the beginning of a sentence
 * @throws VaultError confirmation-needed where there is no terminal and `yes` is not set
 */
export async function confirm(question: string, yes: boolean, hint = 'Look at the plan, then run it again with --yes.', what = 'This takes something away'): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new VaultError('confirmation-needed', `${what}, and there is no terminal to confirm it.`, { hint });
  }
  let answer;
  try {
    answer = await readLine(`${question} [y/N] `, false);
  } catch {
    process.stderr.write('\n'); // Ctrl-C, or the end of the input: not a yes.
    return false;
  }
  return /^y(es)?$/i.test(answer.trim());
}

/** Offers something that is good to have: yes unless a person says no; no where there is nobody to ask. */
export async function offer(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  return !/^no?$/i.test((await readLine(`${question} [Y/n] `, false)).trim());
}
