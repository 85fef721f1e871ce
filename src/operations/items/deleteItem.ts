import type { ItemRef } from '../../sealing/dataKey.ts';
import { isVaultError, VaultError } from '../../errors.ts';
import { parseKeys, type KeysDocument } from '../../items/model.ts';
import { checkName, isAudienceName } from '../../names.ts';
import { readSeen, rememberDeletion } from '../../state/generations.ts';
import { itemNotFound } from '../openItem.ts';
import { judgeItem, readParsedItem, type Trust, type Workspace } from '../workspace.ts';
import { openGroups } from './groups.ts';

/** An item before it is deleted. */
export interface DoomedItem extends ItemRef {
  /** The stored one; 0 where both files are gone already, and it is not remembered that this was meant. */
  readonly generation: number;
  /** Names of its fields; empty where a deletion was cut off. */
  readonly fields: readonly string[];
  /** Names of who can open it. */
  readonly admins: readonly string[];
  readonly clients: readonly string[];
}

/**
 * What a deletion would delete. A copy that is older than what was seen here is deleted too: it is of no use to anybody.
 * @throws VaultError item-not-found, and every code of verification but generation-rollback
 */
export async function findDoomedItem(workspace: Workspace, trust: Trust, ref: ItemRef): Promise<DoomedItem> {
  const { vault, item } = ref;
  checkName('vault', vault);
  checkName('item', item);
  if (isAudienceName(item)) await refuseUsed(workspace, trust, ref);
  try {
    const parsed = await readParsedItem(workspace, ref);
    if (parsed !== undefined) return await judgeDoomed(workspace, trust, parsed);
  } catch (error) {
    const left = isVaultError(error, 'document-invalid') ? await halfDeleted(workspace, ref) : undefined;
    if (left === undefined) throw error;
    return left;
  }
  const { generation, deleted } = await readSeen(workspace.state, trust.repository, ref);
  if (generation === 0 || deleted) throw await itemNotFound(workspace.store, ref);
  return { vault, item, generation: 0, fields: [], admins: [], clients: [] };
}

/** @throws VaultError item-is-audience, where items are sealed to it */
async function refuseUsed(workspace: Workspace, trust: Trust, { vault, item }: ItemRef): Promise<void> {
  const first = (await openGroups(workspace, trust).sealed(vault)).find(({ audience }) => audience === item);
  if (first === undefined) return;
  throw new VaultError('item-is-audience', `${vault}/${item} is an audience, and ${vault}/${first.item} and others may be sealed to it: without it nobody can open them.`, {
    hint: `Give its items back their own recipients first: vault refresh ${vault} --regroup inline.`, details: { vault, item },
  });
}

async function judgeDoomed(workspace: Workspace, trust: Trust, parsed: NonNullable<Awaited<ReturnType<typeof readParsedItem>>>): Promise<DoomedItem> {
  try {
    const { keys, document } = await judgeItem(workspace, trust, parsed);
    return doomed(parsed, keys, Object.keys(document.fields));
  } catch (error) {
    if (!isVaultError(error, 'generation-rollback')) throw error;
    return doomed(parsed, parsed.keys, []);
  }
}

/** A deletion that was killed left the keys document alone. */
async function halfDeleted({ store }: Workspace, ref: ItemRef): Promise<DoomedItem | undefined> {
  const { item, keys } = await store.readRaw(ref);
  return item !== undefined || keys === undefined ? undefined : doomed(ref, parseKeys(keys, `${ref.vault}/${ref.item}`), []);
}

function doomed({ vault, item }: ItemRef, { header, admins, clients }: KeysDocument, fields: readonly string[]): DoomedItem {
  return { vault, item, generation: header.generation, fields, admins: admins.map(({ name }) => name), clients: clients.map(({ name }) => name) };
}

/**
 * Deletes an item, and remembers that this was meant: no copy of what was ever seen here is taken for a present one here again.
 * @throws VaultError store-conflict where it was changed meanwhile
 */
export async function deleteItem({ store, state }: Workspace, { repository }: Trust, { vault, item, generation }: DoomedItem): Promise<void> {
  const ref: ItemRef = { vault, item };
  // Where nothing is left, what lies there now is somebody else's.
  if (generation > 0) await store.removeItem(ref, generation);
  const { generation: seen } = await readSeen(state, repository, ref);
  await rememberDeletion(state, repository, ref, seen + 1);
}
