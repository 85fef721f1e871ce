import { join } from 'node:path';
import { isVaultError, VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { ensureDirectory, replaceFile } from '../../files/write.ts';
import { completeAttributes } from '../../git/attributes.ts';
import { checkLine, HOOKS, hookWith } from '../../git/hooks.ts';
import type { Git } from '../../git/run.ts';
import { quoteWords } from '../../git/shell.ts';
import { findWorkTree, hooksDirectory, readGitConfig, writeGitConfig, type WorkTree } from '../../git/workTree.ts';

export interface InstallGitRequest {
  /** Root of the vault repository. */
  readonly root: string;
  readonly variables: Git['variables'];
  /** The words by which git starts this program. */
  readonly program: readonly string[];
  readonly hook: boolean;
}

export interface InstalledHook {
  readonly name: string;
  readonly path: string;
  /** `foreign`: somebody else's hook is there and was left as it is, or the hooks are shared with other repositories. */
  readonly state: 'installed' | 'present' | 'foreign';
}

export interface InstallGitResult {
  /** The work tree's top directory. */
  readonly top: string;
  /** Whether .gitattributes was changed. */
  readonly attributes: 'written' | 'present';
  /** Whether the configuration of this clone was changed. */
  readonly config: 'written' | 'present';
  /** Empty where none was wanted. */
  readonly hooks: readonly InstalledHook[];
  /** What a foreign hook must run to check this repository. */
  readonly check: string;
}

/** @throws VaultError git-failed where git refuses the repository */
export async function isInWorkTree(root: string, variables: Git['variables']): Promise<boolean> {
  return await findWorkTree(root, variables) !== undefined;
}

const MAX_BYTES = 1 << 20;

/**
 * Makes git merge and show the documents of a vault by this program, and check them before each commit. Idempotent; what others
 * wrote stays.
 * @throws VaultError git-failed where the root lies in no work tree
 */
export async function installGit({ root, variables, program, hook }: InstallGitRequest): Promise<InstallGitResult> {
  const tree = await findWorkTree(root, variables);
  if (tree === undefined) {
    throw new VaultError('git-failed', `${root} is in no git work tree.`, { hint: 'Run "git init" there first, then "vault git install".', details: { root } });
  }
  const check = checkLine(program, tree.prefix);
  return {
    top: tree.top,
    attributes: await writeAttributes(root),
    config: await writeConfig(tree, program),
    hooks: hook ? await installHooks(tree, check) : [],
    check,
  };
}

async function writeAttributes(root: string): Promise<'written' | 'present'> {
  const path = join(root, '.gitattributes');
  const before = await readText(path) ?? '';
  const text = completeAttributes(before);
  if (text === before) return 'present';
  await replaceFile(path, new TextEncoder().encode(text), { mode: 0o644 });
  return 'written';
}

async function writeConfig(tree: WorkTree, program: readonly string[]): Promise<'written' | 'present'> {
  // git replaces what begins with a per cent sign in a driver's command.
  const driver = `${quoteWords(program).replaceAll('%', '%%')} merge-driver %O %A %B %P`;
  const wanted = {
    'merge.iam-vault.name': 'items of a vault, by field and recipient',
    'merge.iam-vault.driver': driver,
    // Where two branches have several versions in common, git merges those first: nobody is to be asked for that, nor sealed to.
    'merge.iam-vault.recursive': 'binary',
    'diff.iam-vault.textconv': `${quoteWords(program)} git textconv`,
  };
  let state: 'written' | 'present' = 'present';
  for (const [key, value] of Object.entries(wanted)) {
    if (await readGitConfig(tree, key) === value) continue;
    await writeGitConfig(tree, key, value);
    state = 'written';
  }
  return state;
}

async function installHooks(tree: WorkTree, line: string): Promise<InstalledHook[]> {
  const directory = await hooksDirectory(tree);
  const hooks: InstalledHook[] = [];
  for (const name of HOOKS) {
    const path = join(directory.path, name);
    const before = await readText(path).catch((error: unknown) => {
      if (isVaultError(error, 'input-unreadable', 'input-too-large')) return 'somebody else\'s'; // A link to another program's, for example.
      throw error;
    });
    const text = directory.shared && before?.split('\n').includes(line) !== true ? undefined : hookWith(before, line);
    if (text !== undefined && text !== before) {
      await ensureDirectory(directory.path);
      await replaceFile(path, new TextEncoder().encode(text), { mode: 0o755 });
    }
    hooks.push({ name, path, state: text === undefined ? 'foreign' : text === before ? 'present' : 'installed' });
  }
  return hooks;
}

async function readText(path: string): Promise<string | undefined> {
  const file = await readRegularFile(path, { maxBytes: MAX_BYTES });
  return file === undefined ? undefined : new TextDecoder().decode(file.bytes);
}
