import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { variable, type Environment } from '../config/environment.ts';
import { VaultError } from '../errors.ts';
import type { Scratch } from '../files/scratch.ts';

/**
 * The editor that VISUAL or EDITOR names, with its arguments; words in quotes are one. No shell has a look at it.
 * @throws VaultError editor-missing
 */
export function editorWords(environment: Environment): readonly string[] {
  const text = variable(environment, 'VISUAL') ?? variable(environment, 'EDITOR') ?? '';
  const words = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
  if ((words[0] ?? '') !== '') return words;
  throw new VaultError('editor-missing', 'There is no editor: neither VISUAL nor EDITOR is set.', {
    hint: 'Set one, as EDITOR="vim -n -i NONE". Without an editor, use "vault update".',
  });
}

/** An editor for files in `scratch`. While it is open, a signal that ends the program wipes them first. */
export interface Editor {
  /** Waits until the person has edited a file. @throws VaultError editor-missing, interrupted where the editor failed */
  edit(path: string): Promise<void>;
  close(): void;
}

export function openEditor([command = '', ...args]: readonly string[], scratch: Scratch): Editor {
  let child: ChildProcess | undefined;
  const wipe = (): void => { scratch.discard(); };
  const end = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' && child !== undefined) return; // Meant for the editor, which got it too.
    child?.kill(signal);
    wipe();
    close();
    process.kill(process.pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  for (const signal of signals) process.on(signal, end);
  process.once('exit', wipe);

  function close(): void {
    for (const signal of signals) process.removeListener(signal, end);
    process.removeListener('exit', wipe);
  }
  return {
    close,
    async edit(path) {
      // The result of the command may go to a file or a pipe; the editor needs the terminal.
      child = spawn(command, [...args, path], { stdio: ['inherit', process.stdout.isTTY ? 'inherit' : 2, 'inherit'] });
      try {
        const [code, signal] = await once(child, 'exit') as [number | null, NodeJS.Signals | null];
        if (code !== 0) throw new VaultError('interrupted', `The editor ended with ${code === null ? `signal ${signal ?? ''}` : `exit code ${String(code)}`}: nothing was changed.`);
      } catch (cause) {
        if (cause instanceof VaultError) throw cause;
        throw new VaultError('editor-missing', `The editor ${JSON.stringify(command.slice(0, 200))} cannot be run.`, { cause, hint: 'Set VISUAL or EDITOR to a program that is installed.' });
      } finally {
        child = undefined;
      }
    },
  };
}
