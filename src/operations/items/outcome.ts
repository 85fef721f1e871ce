import { isVaultError, type VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { PlannedChange } from './changeItem.ts';

/** How one item of several ended: one's failure does not stop the others. */
export interface ItemOutcome extends ItemRef {
  readonly change?: PlannedChange;
  readonly error?: VaultError;
}

/** Runs `work` for an item; what fails is its outcome. Failures that are no VaultError are faults of the program, and thrown. */
export async function outcomeOf(ref: ItemRef, work: () => Promise<PlannedChange>): Promise<ItemOutcome> {
  const { vault, item } = ref;
  try {
    return { vault, item, change: await work() };
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { vault, item, error };
  }
}

/** Whether a change takes something away from somebody: it is then confirmed first. */
export function takesAway({ audience, fields }: PlannedChange): boolean {
  return audience.lost.length > 0 || audience.rekeyed.length > 0 || fields.removed.length > 0;
}
