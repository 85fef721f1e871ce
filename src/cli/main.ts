import { fileURLToPath } from 'node:url';
import type { Interfaces } from '@oclif/core';
import { run } from '@oclif/core/run';
import pjson from '../../package.json' with { type: 'json' };
import { guardStreams } from './processOutput.ts';

/** Runs the command line. `root` is the URL of a file in the package's bin directory. */
export async function main(argv: readonly string[], root: string): Promise<void> {
  guardStreams();
  // Nearly every command needs it, and its WebAssembly code is compiled on another thread meanwhile.
  if (argv.some((arg) => !arg.startsWith('-'))) void import('../sealing/sodium.ts');
  try {
    // Given, so that it need not be looked for and read at every start.
    await run([...argv], { root: fileURLToPath(new URL('..', root)).replace(/\/$/, ''), pjson: pjson as unknown as Interfaces.PJSON });
  } catch (error) {
    const { reportFailure } = await import('./failure.ts');
    reportFailure(error, argv);
  }
}
