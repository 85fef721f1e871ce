import { join } from 'node:path';
import { runGit, type GitVariables } from './runGit.ts';

/**
 * Writes the files of git's index below `directory`, byte for byte as a commit would hold them.
 * @param root a directory in a work tree; only what is below it is written
 * @returns where in `directory` that is
 * @throws VaultError git-failed
 */
export async function checkoutIndex(root: string, directory: string, variables: GitVariables): Promise<string> {
  const prefix = (await runGit(root, ['rev-parse', '--show-prefix'], variables)).replace(/\n$/, '');
  await runGit(root, ['-c', 'core.autocrlf=false', '-c', 'core.symlinks=true', 'checkout-index', '--all', '--force', `--prefix=${directory}/`], variables);
  return join(directory, prefix);
}
