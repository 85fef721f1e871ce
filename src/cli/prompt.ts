import { VaultError } from '../errors.ts';
import type { AskPassphrase } from '../sealing/passphrase.ts';

/** Asks on the terminal, without echo; undefined where there is no terminal. */
export function passphrasePrompt(prompt: string): AskPassphrase | undefined {
  if (!process.stdin.isTTY) return undefined;
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
  const { read } = await import('read');
  try {
    return await read({ prompt, silent: true, replace: '', output: process.stderr });
  } catch (cause) {
    throw new VaultError('interrupted', 'Cancelled.', { cause });
  } finally {
    process.stderr.write('\n');
  }
}

/**
 * Lets a person confirm what takes something away.
 * @throws VaultError confirmation-needed where there is no terminal and `yes` is not set
 */
export async function confirm(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new VaultError('confirmation-needed', 'This takes something away, and there is no terminal to confirm it.', { hint: 'Look at the plan, then run it again with --yes.' });
  }
  const { read } = await import('read');
  let answer;
  try {
    answer = await read({ prompt: `${question} [y/N] `, output: process.stderr });
  } catch {
    process.stderr.write('\n'); // Ctrl-C, or the end of the input: not a yes.
    return false;
  }
  return /^y(es)?$/i.test(answer.trim());
}
