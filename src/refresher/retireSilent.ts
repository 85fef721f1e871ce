import { isVaultError } from '../errors.ts';
import { removeNode } from '../operations/nodes.ts';
import type { RefreshWork } from './refreshing.ts';
import type { Silence } from './silence.ts';

/** What is held for being silent, beside items: no name of an item. */
const SILENCE = 'silence';
const NAMES_TOLD = 20;

/**
 * Removes nodes from the inventory that are silent for `after` milliseconds, where all of them may go at once; the items follow, as for every node that goes.
 * @throws VaultError store-unreachable, store-conflict
 */
export async function retireSilent({ workspace: { store }, fleet, retirements, report }: RefreshWork, silence: Silence, after: number): Promise<void> {
  const silent = new Map([...silence.silentFor(after)].filter(([name]) => fleet.isKnown(name)));
  const count = fleet.countWith(silent.keys());
  const before = retirements.heldNames.size;
  if (!await retirements.mayRetire(new Map([[SILENCE, new Set(silent.keys())]]), count)) {
    if (retirements.heldNames.size !== before) report({ type: 'retirement-held', nodes: retirements.heldNames.size, most: retirements.most(count), names: [...silent.keys()].sort().slice(0, NAMES_TOLD) });
    return;
  }
  for (const [node, milliseconds] of silent) {
    await removeNode(store, node).catch((error: unknown) => { if (!isVaultError(error, 'party-not-found')) throw error; });
    silence.forget(node);
    report({ type: 'node-removed', node, silentSeconds: Math.round(milliseconds / 1000) });
  }
}
