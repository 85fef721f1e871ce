import { join } from 'node:path';
import { runGit, type Git } from './run.ts';
import { withoutGitDirectory } from './workTree.ts';

/**
 * Writes the files of git's index below `directory`, byte for byte as a commit would hold them.
 * @param root a directory in a work tree; only what is below it is written
 * @returns where in `directory` that is
 * @throws VaultError git-failed
 */
export async function checkoutIndex(root: string, directory: string, variables: Git['variables']): Promise<string> {
  const git = { directory: root, variables: withoutGitDirectory(variables) };
  const prefix = (await runGit(git, ['rev-parse', '--show-prefix'])).stdout.toString('utf8').replace(/\n$/, '');
  await runGit(git, ['-c', 'core.autocrlf=false', '-c', 'core.symlinks=true', 'checkout-index', '--all', '--force', `--prefix=${directory}/`]);
  return join(directory, prefix);
}
