import { processEnvironment, variable, type Environment } from '../config/environment.ts';
import { openPager } from './pager.ts';
import { createOutput, type Output } from '../reporting/output.ts';

/** Output on this process's streams. Colours as https://no-color.org and https://force-color.org say. */
export function processOutput(flags: { readonly json: boolean; readonly quiet: boolean }, environment: Environment = processEnvironment()): Output {
  return createOutput({ ...flags, stdout: process.stdout, stderr: process.stderr, color: wantedColor(environment), pager: openPager(environment) });
}

/** Undefined leaves it to each stream. */
function wantedColor(environment: Environment): boolean | undefined {
  if (variable(environment, 'NO_COLOR') !== undefined) return false;
  const forced = variable(environment, 'FORCE_COLOR');
  if (forced !== undefined) return forced !== '0';
  return variable(environment, 'TERM') === 'dumb' ? false : undefined;
}

/**
 * A reader that has seen enough (`vault list | head`) is no failure: what is under way is finished, unheard.
 * Any other failure to write ends the program, for its result is lost.
 */
export function guardStreams(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.prependListener('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      if (stream === process.stdout) process.stderr.write(`error: standard output cannot be written: ${error.code ?? 'unknown reason'}\n`);
      process.exit(1);
    });
  }
}
