import { compareItems, type ReportedItem } from '../../inventory/report.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { ComponentProblem } from '../component.ts';
import { itemsOfDelivery, refText, type AgentConfiguration } from '../configuration/configuration.ts';

/**
 * What is said of each item: its generation is delivered where all components were given it and none has a problem with it.
 * @param handed generations that were handed to the components, by `vault/item`
 */
export function deliveredItems({ deliveries }: Pick<AgentConfiguration, 'deliveries'>, refs: readonly ItemRef[], handed: ReadonlyMap<string, number>, problems: readonly ComponentProblem[]): ReportedItem[] {
  const troubled = new Set(problems.map(({ subject }) => subject));
  for (const delivery of deliveries) {
    const names = itemsOfDelivery(delivery).map(refText);
    // One file of several items waits for the last of them.
    if (troubled.has(delivery.path) || names.some((name) => !handed.has(name))) for (const name of names) troubled.add(name);
  }
  return refs.map(({ vault, item }) => {
    const name = refText({ vault, item });
    const generation = handed.get(name);
    return { vault, item, generation: generation ?? 0, delivered: generation !== undefined && !troubled.has(name) };
  }).sort(compareItems);
}
