import { isVaultError } from '../errors.ts';
import { runGit, type Git } from './run.ts';
import { withoutGitDirectory } from './workTree.ts';

/**
 * Files below `root`, relative to it, that git keeps or would add: tracked, or neither tracked nor ignored. With `staged`, those of
 * the index alone.
 * @returns undefined where git knows no work tree there
 */
export async function listFiles(root: string, variables: Git['variables'], { staged = false }: { readonly staged?: boolean } = {}): Promise<string[] | undefined> {
  const git = { directory: root, variables: withoutGitDirectory(variables) };
  try {
    const { stdout } = await runGit(git, ['ls-files', '-z', ...(staged ? ['--cached'] : ['--cached', '--others', '--exclude-standard'])]);
    // A file in conflict is listed once for each side.
    return [...new Set(stdout.toString('utf8').split('\0'))].filter((path) => path !== '');
  } catch (error) {
    if (isVaultError(error, 'git-failed')) return undefined;
    throw error;
  }
}
