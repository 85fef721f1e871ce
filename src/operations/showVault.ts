import { foreignTypeOf } from '../items/foreignItem.ts';
import { checkName } from '../names.ts';
import type { VaultError } from '../errors.ts';
import { foreignItem } from './itemType.ts';
import { listItems, vaultNotFound, type ItemList } from './listItems.ts';
import type { Workspace } from './workspace.ts';

export interface ShownVault extends ItemList {
  /** Names of what else is in the data bag, and is no vault's. */
  readonly others: readonly string[];
}

/**
 * The items of one vault, each verified, and what else lies among them.
 * @throws VaultError item-not-found, where there is no such data bag; item-plain, item-other-format, where none of it is a vault's
 */
export async function showVault(workspace: Workspace, vault: string): Promise<ShownVault> {
  checkName('vault', vault);
  const others = await workspace.store.listForeign(vault);
  if ((await workspace.store.listItems(vault)).length === 0) throw await noItems(workspace, vault, others);
  const list = await listItems(workspace, vault);
  return { ...list, others: [...others, ...list.foreign.map(({ item }) => item)].sort() };
}

async function noItems({ store }: Workspace, vault: string, others: readonly string[]): Promise<VaultError> {
  const [item] = others;
  if (item === undefined) return vaultNotFound(vault, await store.listItems());
  return foreignItem({ vault, item }, foreignTypeOf(await store.readRaw({ vault, item })) ?? 'plain');
}
