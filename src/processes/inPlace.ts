import { startCommand, type CommandEnd, type RunningCommand } from './command.ts';
import { catchSignals, wasSentToAll } from './signals.ts';
import type { Variables } from './variables.ts';

/**
 * Runs a command as if it were this process: in the same group and on the same terminal, with each signal passed on that it did not get itself.
 * Node.js 20 cannot become another program, and what later versions have for it (process.execve) leaves SIGPIPE ignored in the command.
 * @throws VaultError command-failed where it cannot be started
 */
export async function runInPlace(words: readonly string[], variables: Variables): Promise<CommandEnd> {
  let running: RunningCommand | undefined;
  const early: NodeJS.Signals[] = [];
  const release = catchSignals((signal) => {
    if (wasSentToAll(signal)) return;
    if (running === undefined) early.push(signal);
    else running.kill(signal);
  });
  try {
    running = await startCommand(words, { variables });
    for (const signal of early) running.kill(signal);
    return await running.ended;
  } finally {
    release();
  }
}
