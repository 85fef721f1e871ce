import { join } from 'node:path';
import { runGit, type Git } from './run.ts';

/**
 * Writes the files of git's index below `directory`, byte for byte as a commit would hold them.
 * @param git runs in a directory of a work tree; only what is below it is written
 * @returns where in `directory` that is
 * @throws VaultError git-failed
 */
export async function checkoutIndex(git: Git, directory: string): Promise<string> {
  const { stdout } = await runGit(git, ['rev-parse', '--show-prefix']);
  await runGit(git, ['-c', 'core.autocrlf=false', '-c', 'core.symlinks=true', 'checkout-index', '--all', '--force', `--prefix=${directory}/`]);
  return join(directory, stdout.toString('utf8').replace(/\n$/, ''));
}
