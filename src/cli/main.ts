import { flush, handle, run } from '@oclif/core';

/** Runs the command line. `root` is the URL of a file in the package's bin directory. */
export async function main(argv: readonly string[], root: string): Promise<void> {
  try {
    await run([...argv], root);
    await flush();
  } catch (error) {
    await handle(error instanceof Error ? error : new Error(String(error)));
  }
}
