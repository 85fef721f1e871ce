import { isVaultError } from '../../errors.ts';
import { itemHistory, type ItemGeneration } from '../../git/itemHistory.ts';
import type { Git } from '../../git/run.ts';
import { findWorkTree } from '../../git/workTree.ts';
import type { Workspace } from '../workspace.ts';

/** Every generation of every item in git's history; none where the repository is in no git work tree, which is then told. */
export async function* historyOf({ store, warn }: Workspace, variables: Git['variables']): AsyncGenerator<ItemGeneration> {
  try {
    const tree = store.directory === undefined ? undefined : await findWorkTree(store.directory, variables);
    if (tree !== undefined) yield* itemHistory(tree);
    else warn('The items of this repository are in no git work tree: what was in earlier generations cannot be told.');
  } catch (error) {
    if (!isVaultError(error, 'git-failed')) throw error;
    warn(`The history could not be read, so what was in earlier generations is not told. ${error.message}`);
  }
}
