import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** What was on the terminal, and how the program ended. */
export interface TerminalEnd {
  readonly screen: string;
  readonly exitCode: number | null;
}

export interface TerminalOptions {
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
  /** What is typed, each when its prompt has appeared after the one before. */
  readonly answers: readonly { readonly prompt: string; readonly type: string }[];
}

/** Runs the command line on a terminal of its own (util-linux' `script`). */
export async function runOnTerminal(args: readonly string[], { cwd, variables, answers }: TerminalOptions): Promise<TerminalEnd> {
  const command = [process.execPath, BIN, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd, env: { PATH: process.env['PATH'], NO_COLOR: '1', SHELL: '/bin/sh', ...variables }, stdio: ['pipe', 'pipe', 'inherit'], timeout: 60_000,
  });
  let screen = '';
  let from = 0;
  const left = [...answers];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    for (let next = left[0]; next !== undefined; next = left[0]) {
      const at = screen.indexOf(next.prompt, from);
      if (at < 0) return;
      from = at + next.prompt.length;
      child.stdin.write(next.type);
      left.shift();
    }
  });
  const [exitCode] = await once(child, 'close') as [number | null];
  return { screen, exitCode };
}
