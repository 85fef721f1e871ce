import { execFile } from 'node:child_process';
import { VaultError } from '../errors.ts';

/** Variables of the environment that git is run with. */
export type GitVariables = Readonly<Record<string, string | undefined>>;

/** Names of a million files. */
const MAX_OUTPUT_BYTES = 256 << 20;

/**
 * What git prints, run in `directory`.
 * @throws VaultError git-failed, where there is no git, too
 */
export async function runGit(directory: string, args: readonly string[], variables: GitVariables): Promise<string> {
  // A hook may be told the repository, but not the work tree: git would then take `directory` for the whole of it. It finds both.
  const { GIT_DIR, ...others } = variables;
  const env = GIT_DIR !== undefined && others['GIT_WORK_TREE'] !== undefined ? variables : others;
  return await new Promise((resolve, reject) => {
    execFile('git', args, { cwd: directory, env, maxBuffer: MAX_OUTPUT_BYTES, encoding: 'utf8' }, (cause, stdout, stderr) => {
      if (cause === null) resolve(stdout);
      else reject(new VaultError('git-failed', `git ${args[0] ?? ''} failed in ${directory}: ${stderr.trim().slice(0, 1000) || cause.message}`, { cause, hint: 'See what "git status" says there.', details: { directory } }));
    });
  });
}
