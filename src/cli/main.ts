import { run } from '@oclif/core/run';
import { guardStreams } from './processOutput.ts';

/** Runs the command line. `root` is the URL of a file in the package's bin directory. */
export async function main(argv: readonly string[], root: string): Promise<void> {
  guardStreams();
  try {
    await run([...argv], root);
  } catch (error) {
    const { reportFailure } = await import('./failure.ts');
    reportFailure(error, argv);
  }
}
