import type { PlannedChange } from '../operations/items/changeItem.ts';
import { takesAway } from '../operations/items/outcome.ts';
import { itemChangesAsJson, renderItemChanges } from '../reporting/itemChanges.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { Output } from '../reporting/output.ts';
import { confirm, declined } from './prompt.ts';

/** Says what the plan of an item's audience left out, and how its query is read, where that may surprise. */
export function tellAudience(output: Output, change: PlannedChange): void {
  const { warning } = change.audience;
  if (warning !== undefined) output.warning(warning);
  tellSkipped(output, [change]);
}

/** Names each node that was left out once, of however many items. */
export function tellSkipped(output: Output, changes: readonly PlannedChange[]): void {
  const texts = changes.flatMap(({ audience }) => audience.skipped.map(({ name, reason }) => `${name} is left out: ${reason}`));
  for (const text of new Set(texts)) output.warning(text);
}

/**
 * Shows a change that takes something away, and asks.
 * @throws VaultError confirmation-needed; interrupted where the person says no
 */
export async function agreeTo(output: Output, plan: PlannedChange, yes: boolean): Promise<void> {
  if (!takesAway(plan)) return;
  if (!yes) output.options.stderr.write(`${renderItemChanges([{ ...plan, change: plan }], output.errorColors, false)}\n`);
  if (!await confirm('Do this?', yes)) throw declined('Nothing was changed.');
}

/** Reports the change of an item: done, or only planned. */
export function reportChange(output: Output, change: PlannedChange, done: boolean): void {
  const outcomes = [{ vault: change.vault, item: change.item, change }];
  output.result(itemChangesAsJson(outcomes), renderItemChanges(outcomes, output.colors, done));
}

/** Reports that nobody changed anything. */
export function reportUnchanged(output: Output, { vault, item }: ItemRef): void {
  output.result({ items: [{ vault, item, action: 'unchanged' }] }, 'Nothing was changed.');
}
