import { VaultError } from '../errors.ts';
import { runGit } from './run.ts';
import type { WorkTree } from './workTree.ts';

/** A file of a tree. */
export interface TreeFile {
  /** Relative to the work tree's top. */
  readonly path: string;
  readonly blob: string;
}

/**
 * The commit that a revision names.
 * @throws VaultError usage where there is none
 */
export async function resolveCommit({ git }: WorkTree, revision: string): Promise<string> {
  // What begins with a dash would be taken for an option.
  const { code, stdout } = revision.startsWith('-') ? { code: 1, stdout: Buffer.alloc(0) }
    : await runGit(git, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], { accept: [1, 128] });
  const id = stdout.toString('utf8').trim().split('\n').at(-1) ?? '';
  if (code === 0 && /^[0-9a-f]{40,64}$/.test(id)) return id;
  throw new VaultError('usage', `${JSON.stringify(revision.slice(0, 200))} is no commit of this git repository.`, {
    hint: 'Name one as git does: HEAD~1, a branch, a tag or a commit id.', details: { revision: revision.slice(0, 200) },
  });
}

/** Plain files of a commit below some paths; links and submodules are left out. */
export async function listTree({ git }: WorkTree, commit: string, paths: readonly string[]): Promise<TreeFile[]> {
  const { stdout } = await runGit(git, ['ls-tree', '-r', '-z', '--full-tree', commit, '--', ...paths]);
  return entries(stdout).flatMap((entry) => {
    const [, blob, path] = /^100\d{3} blob ([0-9a-f]+)\t([\s\S]+)$/.exec(entry) ?? [];
    return blob === undefined || path === undefined ? [] : [{ path, blob }];
  });
}

/** Versions of a file in the index; 0 is what is staged, 1 to 3 are base, ours and theirs of a conflict. */
export interface StagedFile extends TreeFile {
  readonly stage: number;
}

export async function listStages({ git }: WorkTree, paths: readonly string[]): Promise<StagedFile[]> {
  const { stdout } = await runGit(git, ['ls-files', '--stage', '-z', '--full-name', '--', ...paths]);
  return entries(stdout).flatMap((entry) => {
    const [, blob, stage, path] = /^100\d{3} ([0-9a-f]+) ([0-3])\t([\s\S]+)$/.exec(entry) ?? [];
    return blob === undefined || path === undefined ? [] : [{ path, blob, stage: Number(stage) }];
  });
}

function entries(stdout: Buffer): string[] {
  return stdout.toString('utf8').split('\0').filter((entry) => entry !== '');
}
