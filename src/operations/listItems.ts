import { isVaultError, VaultError } from '../errors.ts';
import { nearest } from '../json/validate.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { checkName, isAudienceName } from '../names.ts';
import { openGroups, recipientsOf } from './items/groups.ts';
import { readVerifiedItem, trustRoster, type Workspace } from './workspace.ts';

/** An item as it is listed: counts of who can open it. */
export interface ItemSummary extends ItemRef {
  readonly generation: number;
  readonly admins: number;
  readonly clients: number;
}

/** An item that is there and cannot be trusted or read. */
export interface ItemProblem extends ItemRef {
  readonly error: VaultError;
}

export interface ItemList {
  readonly items: readonly ItemSummary[];
  readonly problems: readonly ItemProblem[];
  /** Items of chef-vault. */
  readonly foreign: readonly ItemRef[];
}

/**
 * Items of one vault or of all, each verified; those that fail it are told apart, and do not hide the others.
 * Audiences are no items of anybody's, and are left out.
 * @param readableBy only what this node or admin can open
 * @throws VaultError item-not-found where there is no such vault; item-other-format where none of its items is ours
 */
export async function listItems(workspace: Workspace, vault?: string, readableBy?: string): Promise<ItemList> {
  if (vault !== undefined) checkName('vault', vault);
  const trust = await trustRoster(workspace);
  const groups = openGroups(workspace, trust);
  const refs = (await workspace.store.listItems(vault)).filter(({ item }) => !isAudienceName(item));
  if (vault !== undefined && refs.length === 0) await refuseUnknownVault(workspace, vault);
  const items: ItemSummary[] = [];
  const problems: ItemProblem[] = [];
  const foreign: ItemProblem[] = [];
  for (const ref of refs) {
    try {
      const verified = await readVerifiedItem(workspace, trust, ref);
      if (verified === undefined) continue;
      const { admins, clients } = await recipientsOf(groups, verified);
      if (readableBy !== undefined && ![...admins, ...clients].some(({ name }) => name === readableBy)) continue;
      items.push({ ...ref, generation: verified.header.generation, admins: admins.length, clients: clients.length });
    } catch (error) {
      if (!isVaultError(error)) throw error;
      (error.code === 'item-other-format' ? foreign : problems).push({ ...ref, error });
    }
  }
  const [first] = foreign;
  if (vault !== undefined && first !== undefined && items.length + problems.length === 0) throw first.error;
  return { items, problems, foreign: foreign.map(({ error: _, ...ref }) => ref) };
}

/** A vault is there as long as it has items. @throws VaultError item-not-found where only others are */
async function refuseUnknownVault({ store }: Workspace, vault: string): Promise<void> {
  const items = await store.listItems();
  if (items.length > 0) throw vaultNotFound(vault, items);
}

/** The error for a vault that does not exist, with the nearest that does. */
export function vaultNotFound(vault: string, items: readonly ItemRef[]): VaultError {
  const near = nearest(vault, new Set(items.map((each) => each.vault)));
  return new VaultError('item-not-found', `There is no vault ${vault}.`, {
    hint: near === undefined ? 'See "vault list".' : `Did you mean ${near}?`, details: { vault },
  });
}
