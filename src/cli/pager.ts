import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Environment } from '../config/environment.ts';

/** As git: leave what fits on the screen, let colours through, leave what was read there. */
const DEFAULT = 'less -FRX';
const LESS_OPTIONS = 'FRX';

/** Shows text page by page. @returns false where there is no such program: nothing was shown then */
export type Pager = (text: string) => Promise<boolean>;

/** The pager that VAULT_PAGER or PAGER names; undefined where one of them is empty or `cat`. It is run without a shell. */
export function openPager({ variables }: Environment): Pager | undefined {
  const [program = '', ...args] = (variables['VAULT_PAGER'] ?? variables['PAGER'] ?? DEFAULT).split(' ').filter((word) => word !== '');
  if (program === '' || program === 'cat') return undefined;
  // It keeps no history of what was searched for, and opens no other file or program.
  const env = { LESS: LESS_OPTIONS, ...variables, LESSHISTFILE: '-', LESSSECURE: '1' };
  return async (text) => {
    const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'], env });
    // Whoever has read enough quits, also by Ctrl-C, which is for the pager alone: it must be there to give the terminal back.
    const ignore = (): void => undefined;
    process.on('SIGINT', ignore);
    child.stdin.on('error', ignore);
    try {
      child.stdin.end(text);
      await once(child, 'close');
      return true;
    } catch {
      return false;
    } finally {
      process.off('SIGINT', ignore);
    }
  };
}
