import { isAbsolute, join, relative } from 'node:path';
import { isVaultError } from '../errors.ts';
import { runGit, type Git } from './run.ts';

/** A git work tree, and where in it a vault repository lies. */
export interface WorkTree {
  /** Runs in {@link top}. */
  readonly git: Git;
  /** Absolute path of the work tree's top directory, without symbolic links. */
  readonly top: string;
  /** The vault repository below it, as git writes paths: empty, or with a slash at the end. */
  readonly prefix: string;
}

/**
 * The git work tree that a directory lies in; undefined where it lies in none.
 * @throws VaultError git-failed where git is missing, or refuses the repository
 */
export async function findWorkTree(directory: string, variables: Git['variables']): Promise<WorkTree | undefined> {
  try {
    const top = line((await runGit({ directory, variables }, ['rev-parse', '--show-toplevel'])).stdout);
    const prefix = line((await runGit({ directory, variables }, ['rev-parse', '--show-prefix'])).stdout);
    return { git: { directory: top, variables }, top, prefix };
  } catch (error) {
    // git has one exit code for everything; with LC_ALL=C it has one text for this.
    if (isVaultError(error, 'git-failed') && /not a git repository|must be run in a work tree/.test(error.message)) return undefined;
    throw error;
  }
}

/**
 * Variables without a GIT_DIR that comes without its work tree, as hooks of a linked work tree are given it: git would take the directory that it is
 * run in for the top of the work tree. It finds both by itself.
 */
export function withoutGitDirectory(variables: Git['variables']): Git['variables'] {
  return variables['GIT_WORK_TREE'] === undefined ? { ...variables, GIT_DIR: undefined } : variables;
}

/** A value of git's configuration, from whichever of its files; undefined where it is not set. */
export async function readGitConfig({ git }: WorkTree, key: string): Promise<string | undefined> {
  const { code, stdout } = await runGit(git, ['config', '-z', '--get', key], { accept: [1] });
  return code === 0 ? stdout.toString('utf8').replace(/\0$/, '') : undefined;
}

/** Sets a value in the configuration of this clone alone. */
export async function writeGitConfig({ git }: WorkTree, key: string, value: string): Promise<void> {
  await runGit(git, ['config', '--local', '--replace-all', key, value]);
}

/** Where this clone's hooks are. */
export interface HooksDirectory {
  readonly path: string;
  /** Other repositories use them as well: core.hooksPath points out of this one. */
  readonly shared: boolean;
}

export async function hooksDirectory({ git, top }: WorkTree): Promise<HooksDirectory> {
  const of = async (...args: string[]): Promise<string> => {
    const path = line((await runGit(git, ['rev-parse', ...args])).stdout);
    return isAbsolute(path) ? path : join(top, path);
  };
  const path = await of('--git-path', 'hooks');
  const within = [top, await of('--git-common-dir')].some((parent) => !relative(parent, path).startsWith('..') && !isAbsolute(relative(parent, path)));
  return { path, shared: !within };
}

/** Stages files, after a conflict or otherwise. Paths are relative to the top. */
export async function stageFiles({ git }: WorkTree, paths: readonly string[]): Promise<void> {
  await runGit(git, ['add', '--', ...paths]);
}

function line(stdout: Buffer): string {
  return stdout.toString('utf8').replace(/\r?\n$/, '');
}
