import type { ItemRef } from '../sealing/dataKey.ts';
import { checkName } from '../names.ts';
import { readVerifiedItem, trustRoster, type Workspace } from './workspace.ts';

/** An item as it is listed: counts of who can open it. */
export interface ItemSummary extends ItemRef {
  readonly generation: number;
  readonly admins: number;
  readonly clients: number;
}

/** Items of one vault or of all, each verified. */
export async function listItems(workspace: Workspace, vault?: string): Promise<ItemSummary[]> {
  if (vault !== undefined) checkName('vault', vault);
  const trust = await trustRoster(workspace);
  const items: ItemSummary[] = [];
  for (const ref of await workspace.store.listItems(vault)) {
    const verified = await readVerifiedItem(workspace, trust, ref);
    if (verified === undefined) continue;
    items.push({ ...ref, generation: verified.header.generation, admins: verified.keys.admins.length, clients: verified.keys.clients.length });
  }
  return items;
}
