import { spawn, type ChildProcess } from 'node:child_process';
import { VaultError } from '../errors.ts';
import { systemCode } from '../files/read.ts';

/** How a command ended: one of the two is null. */
export interface CommandEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CommandOptions {
  /** The whole environment of the command. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** A session and a process group of its own, away from the terminal; without it, those of this process. */
  readonly ownGroup?: boolean;
  /** Numbers of another user and group; the command then has no supplementary groups. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** A command that runs with this process's standard streams. */
export interface RunningCommand {
  readonly ended: Promise<CommandEnd>;
  /** Sends a signal to the command alone; nothing happens once it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Kills what is left of its own group, whether it has ended or not. */
  killGroup(): void;
}

/**
 * Starts a program, found by the PATH that it is given. No shell reads its arguments.
 * @throws VaultError command-failed, with `exit_code` in its details: 127 where there is no such program, 126 where it cannot be run, as shells have it
 */
export async function startCommand([program = '', ...args]: readonly string[], { variables, ownGroup = false, uid, gid }: CommandOptions): Promise<RunningCommand> {
  let child: ChildProcess;
  try {
    child = spawn(program, args, { env: variables, stdio: 'inherit', detached: ownGroup, ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) });
  } catch (cause) {
    throw notStarted(program, cause);
  }
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once('exit', (exitCode, signal) => { resolve({ exitCode, signal }); });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => { reject(notStarted(program, cause)); });
  });
  child.on('error', () => undefined); // Of a signal that could not be sent: it has ended, or is another user's.
  const { pid } = child;
  return {
    ended,
    kill: (signal) => { child.kill(signal); },
    killGroup() {
      if (!ownGroup || pid === undefined) return;
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // Nothing is left of it.
      }
    },
  };
}

function notStarted(program: string, cause: unknown): VaultError {
  const code = systemCode(cause);
  const name = JSON.stringify(program.slice(0, 200));
  const [exitCode, why] = code === 'ENOENT' || code === 'ENOTDIR' ? [127, 'there is no such program, or not the interpreter that its first line names']
    : [126, code === 'E2BIG' ? 'its arguments and its environment are too large together' : code ?? 'unknown reason'];
  return new VaultError('command-failed', `${name} cannot be run: ${why}.`, {
    cause, hint: exitCode === 127 ? 'Check its name, and the PATH.' : 'Check that it is a program that its user may run.', details: { program, exit_code: exitCode },
  });
}
