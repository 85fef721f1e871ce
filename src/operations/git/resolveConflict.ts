import { join } from 'node:path';
import { isVaultError, VaultError } from '../../errors.ts';
import { removeFile } from '../../files/write.ts';
import { itemPath, keysPath } from '../../git/itemHistory.ts';
import { readBlobs } from '../../git/objects.ts';
import { listStages } from '../../git/tree.ts';
import { stageFiles } from '../../git/workTree.ts';
import type { Preference, ThreeWay } from '../../items/merge.ts';
import { parseKeys, type ItemDocuments } from '../../items/model.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { rememberGeneration } from '../../state/generations.ts';
import { findPairs } from './findVersions.ts';
import { mergePairs, type Merger } from './mergeFile.ts';

export interface Resolution extends ItemRef {
  readonly generation: number;
}

/**
 * Ends a conflict that git left in an item: merges both sides again, takes one side's change where both changed the same, writes both
 * files and stages them.
 * @throws VaultError usage where there is no conflict; merge-conflict where a side is gone or cannot be joined; store-conflict
 */
export async function resolveConflict(merger: Merger, ref: ItemRef, take: NonNullable<Preference>): Promise<Resolution> {
  const { workspace: { store, state }, tree, chain } = merger;
  const documents = await mergePairs(merger, ref, await readSides(merger, ref), take);
  const expected = await clearConflict(merger, ref);
  await store.writeItem(ref, documents, expected);
  await stageFiles(tree, [itemPath(tree, ref), keysPath(tree, ref)]);
  const { generation } = parseKeys(documents.keys, 'keys').header;
  await rememberGeneration(state, chain.repository, ref, generation);
  return { ...ref, generation };
}

const STAGES = { base: 1, ours: 2, theirs: 3 } as const;

/** Both files of each side, from the index; where git merged one of the two already, that of the other's digest. */
async function readSides({ tree }: Merger, ref: ItemRef): Promise<ThreeWay<ItemDocuments>> {
  const staged = await listStages(tree, [itemPath(tree, ref), keysPath(tree, ref)]);
  const blobs = new Map<string, Uint8Array>();
  for await (const { id, bytes } of readBlobs(tree.git, staged.map(({ blob }) => blob))) if (bytes !== undefined) blobs.set(id, bytes);
  const conflicting = (path: string): boolean => staged.some((file) => file.path === path && file.stage > 0);
  const at = (path: string, stage: number): Uint8Array | undefined => blobs.get(staged.find((file) => file.path === path && file.stage === stage)?.blob ?? '');
  const pairs = findPairs(tree, ref);
  const read = async (side: keyof typeof STAGES): Promise<ItemDocuments | undefined> => {
    const [keys, item] = [at(keysPath(tree, ref), STAGES[side]), at(itemPath(tree, ref), STAGES[side])];
    if (conflicting(keysPath(tree, ref))) return keys === undefined ? undefined : await pairs.ofKeys(keys);
    return item === undefined ? undefined : (await pairs.ofItem(item))[0];
  };
  if (![keysPath(tree, ref), itemPath(tree, ref)].some(conflicting)) {
    throw new VaultError('usage', `${ref.vault}/${ref.item} is in no conflict.`, {
      hint: `If both files were added as they are, bring the conflict back first: git checkout --merge -- ${itemPath(tree, ref)} ${keysPath(tree, ref)}`, details: { ...ref },
    });
  }
  const [base, ours, theirs] = [await read('base'), await read('ours'), await read('theirs')];
  if (ours === undefined || theirs === undefined) {
    throw new VaultError('merge-conflict', `One side changed ${ref.vault}/${ref.item}, and the other deleted it (${ours === undefined ? 'ours' : 'theirs'}).`, {
      hint: `To delete it: "git rm -- ${itemPath(tree, ref)} ${keysPath(tree, ref)}". To keep it: "git add" both files as they were on the other side.`, details: { ...ref, deleted: ours === undefined ? 'ours' : 'theirs' },
    });
  }
  return { base, ours, theirs };
}

/** Removes what git left in place of the two files, where it is no item. @returns the generation that lies there; 0 for none */
async function clearConflict({ workspace: { store }, tree }: Merger, ref: ItemRef): Promise<number> {
  const { keys } = await store.readRaw(ref);
  if (keys !== undefined) {
    try {
      return parseKeys(keys, 'keys').header.generation;
    } catch (error) {
      if (!isVaultError(error)) throw error; // A text with both sides' changes, or half a file.
    }
  }
  // The versions are in the index, so nothing is lost should the program end here.
  for (const path of [itemPath(tree, ref), keysPath(tree, ref)]) await removeFile(join(tree.top, path));
  return 0;
}
