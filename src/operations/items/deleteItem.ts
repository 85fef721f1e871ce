import type { ItemRef } from '../../sealing/dataKey.ts';
import { isVaultError } from '../../errors.ts';
import { rememberDeletion } from '../../state/generations.ts';
import { itemNotFound } from '../openItem.ts';
import { judgeItem, readParsedItem, refuseMissing, type Trust, type Workspace } from '../workspace.ts';

/** An item before it is deleted. */
export interface DoomedItem extends ItemRef {
  readonly generation: number;
  /** Names of its fields; empty where a deletion was cut off. */
  readonly fields: readonly string[];
}

/**
 * What a deletion would delete.
 * @throws VaultError item-not-found, item-missing, and every code of verification
 */
export async function findDoomedItem(workspace: Workspace, trust: Trust, ref: ItemRef): Promise<DoomedItem> {
  try {
    const parsed = await readParsedItem(workspace, ref);
    if (parsed !== undefined) {
      const { header, document } = await judgeItem(workspace, trust, parsed);
      return { ...ref, generation: header.generation, fields: Object.keys(document.fields) };
    }
  } catch (error) {
    const left = isVaultError(error, 'document-invalid') ? await halfDeleted(workspace, ref) : undefined;
    if (left === undefined) throw error;
    return left;
  }
  await refuseMissing(workspace, trust, ref);
  throw await itemNotFound(workspace.store, ref);
}

/** A deletion that was killed left the keys document alone. */
async function halfDeleted({ store }: Workspace, ref: ItemRef): Promise<DoomedItem | undefined> {
  const { item, keys } = await store.readRaw(ref);
  if (item !== undefined || keys === undefined) return undefined;
  const { parseKeys } = await import('../../items/model.ts');
  return { ...ref, generation: parseKeys(keys, `${ref.vault}/${ref.item}`).header.generation, fields: [] };
}

/**
 * Deletes an item, and remembers that this was meant: the copy that is deleted is never taken for a present one here again.
 * @throws VaultError store-conflict where it was changed meanwhile
 */
export async function deleteItem({ store, state }: Workspace, { repository }: Trust, { vault, item, generation }: DoomedItem): Promise<void> {
  const ref: ItemRef = { vault, item };
  await store.removeItem(ref, generation);
  await rememberDeletion(state, repository, ref, generation + 1);
}
