import { runGit } from './run.ts';
import type { TreeFile } from './tree.ts';
import type { WorkTree } from './workTree.ts';

/** A version that a file had in some commit. */
export interface FileVersion extends TreeFile {
  /** The newest commit that brought it, as git orders them. */
  readonly commit: string;
  /** When that was committed: ISO 8601. */
  readonly time: string;
}

/** Names under which git keeps what no branch holds yet. */
const PSEUDO_REFS = ['HEAD', 'MERGE_HEAD', 'FETCH_HEAD', 'ORIG_HEAD', 'CHERRY_PICK_HEAD', 'REBASE_HEAD', 'REVERT_HEAD'];

/** While git merges, it names the commits that it merges by variables GITHEAD_ID. */
function mergedNow(variables: WorkTree['git']['variables']): string[] {
  return Object.keys(variables).flatMap((name) => /^GITHEAD_([0-9a-f]{40,64})$/.exec(name)?.[1] ?? []);
}

const COMMIT = /^\n?([0-9a-f]{40,64}) (\S+)$/;

/**
 * Every version that files at or below some paths ever had, in whatever branch, tag, stash or reflog; each content once for each
 * path, the newest first. Merges are looked into as well: what a merge made is nowhere else.
 */
export async function listVersions(tree: WorkTree, paths: readonly string[]): Promise<FileVersion[]> {
  return await readLog(tree, paths, ['--all', '--reflog', ...PSEUDO_REFS, ...mergedNow(tree.git.variables)]);
}

/** Whether the branch that is checked out ever had these very bytes at a path, up to what is committed now. */
export async function wasCommittedHere(tree: WorkTree, path: string, bytes: Uint8Array): Promise<boolean> {
  const { stdout } = await runGit(tree.git, ['hash-object', '-t', 'blob', '--no-filters', '--stdin'], { input: bytes });
  const id = stdout.toString('utf8').trim();
  return (await readLog(tree, [path], ['HEAD'])).some(({ blob }) => blob === id);
}

async function readLog({ git }: WorkTree, paths: readonly string[], revisions: readonly string[]): Promise<FileVersion[]> {
  const { stdout } = await runGit(git, [
    '-c', 'log.showRoot=true', '-c', 'log.follow=false', '-c', 'log.showSignature=false', '-c', 'log.diffMerges=separate',
    'log', '--ignore-missing', ...revisions, '--full-history', '-m', '--raw', '--no-abbrev', '--no-renames',
    '--no-ext-diff', '--no-textconv', '--no-color', '--no-notes', '--no-decorate', '-z', '--format=%H %cI', '--', ...paths,
  ]);
  const versions = new Map<string, FileVersion>();
  let commit = '';
  let time = '';
  const parts = stdout.toString('utf8').split('\0');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    const head = COMMIT.exec(part);
    if (head !== null) [, commit = '', time = ''] = head;
    const [, blob] = /^\n?:\d{6} 100\d{3} [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*$/.exec(part) ?? [];
    if (!/^\n?:/.test(part)) continue;
    const path = parts[++i] ?? '';
    if (blob !== undefined && !versions.has(`${blob} ${path}`)) versions.set(`${blob} ${path}`, { path, blob, commit, time });
  }
  return [...versions.values()];
}
