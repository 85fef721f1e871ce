import { fileURLToPath } from 'node:url';
import type { Interfaces } from '@oclif/core';
import { run } from '@oclif/core/run';
import pjson from '../../package.json' with { type: 'json' };
import { runDirectly, type Modules } from './direct.ts';
import { guardStreams } from './processOutput.ts';

/**
 * Runs the command line.
 * @param file URL of a file in the package's bin directory
 * @param modules what the build bundled
 */
export async function main(argv: readonly string[], file: string, modules: Modules): Promise<void> {
  guardStreams();
  // Nearly every command needs it, and its WebAssembly code is compiled on another thread meanwhile.
  if (argv.some((arg) => !arg.startsWith('-'))) void import('../sealing/sodium.ts');
  try {
    const root = fileURLToPath(new URL('..', file)).replace(/\/$/, '');
    if (await runDirectly(argv, modules, { name: pjson.name, version: pjson.version, bin: pjson.oclif.bin, root })) return;
    await run([...argv], { root, pjson: pjson as unknown as Interfaces.PJSON });
  } catch (error) {
    const { reportFailure } = await import('./failure.ts');
    reportFailure(error, argv);
  }
}
