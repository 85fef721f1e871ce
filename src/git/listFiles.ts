import { isVaultError } from '../errors.ts';
import { runGit, type GitVariables } from './runGit.ts';

/**
 * Files below `root`, relative to it, that git keeps or would add: tracked, or neither tracked nor ignored. With `staged`, those of
 * the index alone.
 * @returns undefined where git knows no work tree there
 */
export async function listFiles(root: string, variables: GitVariables, { staged = false }: { readonly staged?: boolean } = {}): Promise<string[] | undefined> {
  try {
    const text = await runGit(root, ['ls-files', '-z', ...(staged ? ['--cached'] : ['--cached', '--others', '--exclude-standard'])], variables);
    // A file in conflict is listed once for each side.
    return [...new Set(text.split('\0'))].filter((path) => path !== '');
  } catch (error) {
    if (isVaultError(error, 'git-failed')) return undefined;
    throw error;
  }
}
