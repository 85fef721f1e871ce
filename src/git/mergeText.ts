import { runGit, type Git } from './run.ts';

/**
 * Merges a file as git does without a driver, line by line, into `ours`.
 * @returns whether no conflict is left
 */
export async function mergeText(git: Git, { base, ours, theirs }: { readonly base: string; readonly ours: string; readonly theirs: string }): Promise<boolean> {
  // The exit code is the number of conflicts, up to 127; above are failures.
  const { code } = await runGit(git, ['merge-file', '-q', '-L', 'ours', '-L', 'base', '-L', 'theirs', '--', ours, base, theirs], { accept: Array.from({ length: 127 }, (_, i) => i + 1) });
  return code === 0;
}
