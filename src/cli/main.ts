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
  // Nothing that is only asked for its help or its version needs it.
  if (argv.some((arg) => !arg.startsWith('-'))) await (await import('../sealing/sodiumStart.ts')).sodiumReady;
  if (argv[0] === '__complete') {
    await printCompletions(argv.slice(argv[1] === '--' ? 2 : 1), rootOf(file));
    return;
  }
  try {
    const root = rootOf(file);
    if (await runDirectly(argv, modules, { name: pjson.name, version: pjson.version, bin: pjson.oclif.bin, root })) return;
    await run([...argv], { root, pjson: pjson as unknown as Interfaces.PJSON });
  } catch (error) {
    const { reportFailure } = await import('./failure.ts');
    reportFailure(error, argv);
  }
}

/** The package's directory. */
function rootOf(file: string): string {
  return fileURLToPath(new URL('..', file)).replace(/\/$/, '');
}

/** What the scripts of `vault completion` ask; a person is waiting for it. */
async function printCompletions(typed: readonly string[], root: string): Promise<void> {
  const { complete } = await import('../completion/complete.ts');
  const { processEnvironment } = await import('../config/environment.ts');
  process.stdout.write(await complete(processEnvironment(), typed, root));
}
