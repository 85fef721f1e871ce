import { gitVariables, type Environment } from '../config/environment.ts';
import { launcherWords } from '../config/launcher.ts';
import { isVaultError } from '../errors.ts';
import { installGit, isInWorkTree } from '../operations/git/installGit.ts';
import { foreignHookNotice, installJson } from '../reporting/gitInstall.ts';
import type { Output } from '../reporting/output.ts';
import { offer } from './prompt.ts';

/**
 * Sets git up for a new repository, where it lies in a git work tree.
 * @param hook whether to check before each commit; a person is asked where it is undefined
 * @returns members for the command's result
 */
export async function offerGit(output: Output, environment: Environment, root: string, hook: boolean | undefined): Promise<{ readonly git?: object }> {
  try {
    if (!await isInWorkTree(root, gitVariables(environment))) return {};
    const wanted = hook ?? await offer('Check all signatures with a git hook before each commit?');
    const result = await installGit({ root, variables: gitVariables(environment), hook: wanted, program: await launcherWords(environment, process.argv[1] ?? '', process.execPath) });
    const notice = foreignHookNotice(result);
    if (notice !== undefined) output.alert(notice);
    if (!wanted) output.notice('To check signatures before each commit: vault git install.');
    return { git: installJson(result) };
  } catch (error) {
    // The repository is made, with git or without.
    if (!isVaultError(error) || error.code === 'interrupted') throw error;
    output.alert(`git is not set up: ${error.message} Once that is mended, run "vault git install".`);
    return {};
  }
}
