import { VaultError } from '../../errors.ts';
import { keysHead } from '../../items/keysHead.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import type { InventoryKind, Store } from '../../stores/store.ts';
import { copyJoining, type CopiedJoining } from './copyJoining.ts';
import { sideBySide } from './sideBySide.ts';

const KINDS: readonly InventoryKind[] = ['nodes', 'clients', 'roles', 'users'];

/** How many documents there are of each kind, and how many of them had to be written or removed. */
export interface Copied {
  readonly items: number;
  readonly inventory: number;
  readonly proposals: number;
  readonly rosters: number;
  /** Undefined where nodes do not join by themselves. */
  readonly joining: CopiedJoining | undefined;
  readonly changed: number;
}

export interface CopyOptions {
  /** Newest version of the roster in `from`. */
  readonly newest: number;
  /** Count what differs, and change nothing. */
  readonly compareOnly?: boolean;
}

/**
 * Makes `to` hold what `from` holds, to the byte. Rosters go last, the first version at the very end: before that nobody takes `to` for a
 * repository.
 * @throws VaultError store-conflict, where `to` has what is newer
 */
export async function copyDocuments(from: Store, to: Store, { newest, compareOnly = false }: CopyOptions): Promise<Copied> {
  let changed = 0;
  const change = async (work: () => Promise<unknown>): Promise<void> => {
    changed++;
    if (!compareOnly) await work();
  };
  let inventory = 0;
  for (const kind of KINDS) {
    for await (const { name, here, there } of sideBySide(from.listInventory(kind), to.listInventory(kind))) {
      if (here === undefined) {
        await change(() => to.removeInventory(kind, name));
        continue;
      }
      inventory++;
      if (there === undefined || !equalBytes(here.bytes, there.bytes)) await change(() => to.writeInventory(kind, name, here.bytes));
    }
  }
  const joining = await copyJoining(from, to, change);
  const items = await from.listItems();
  const key = ({ vault, item }: ItemRef): string => `${vault}/${item}`;
  const there = new Map((await to.listItems()).map((ref) => [key(ref), ref]));
  for (const ref of items) {
    const documents = await from.readItem(ref);
    if (documents === undefined) continue; // Removed just now: the next comparison finds it.
    const present = there.has(key(ref)) ? await to.readItem(ref) : undefined;
    there.delete(key(ref));
    if (!isSame(documents, present)) await change(() => to.writeItem(ref, documents, generationBefore(ref, documents, present)));
  }
  for (const ref of there.values()) await change(async () => { await to.removeItem(ref, generationOf(await to.readItem(ref))); });
  const proposals = await from.listProposals();
  for (const digest of new Set([...proposals, ...await to.listProposals()])) {
    const [mine, other] = [await from.readProposal(digest), await to.readProposal(digest)];
    if (mine === undefined ? other !== undefined : other === undefined || !equalBytes(mine, other)) await change(() => to.changeProposal(digest, () => mine));
  }
  let rosters = 0;
  for (let version = newest; version >= 1; version--) {
    const bytes = await from.readRoster(version);
    if (bytes === undefined) continue; // Before a version that was trusted, none need be kept.
    rosters++;
    const present = await to.readRoster(version);
    if (present !== undefined && equalBytes(present, bytes)) continue;
    if (present !== undefined) throw new VaultError('store-conflict', `Version ${String(version)} of the roster is another in the store that is moved to.`, { details: { version } });
    await change(() => to.writeRoster(version, bytes));
  }
  return { items: items.length, inventory, proposals: proposals.length, rosters, joining, changed };
}

function isSame(a: ItemDocuments, b: ItemDocuments | undefined): boolean {
  return b !== undefined && equalBytes(a.item, b.item) && equalBytes(a.keys, b.keys);
}

function generationOf(documents: ItemDocuments | undefined): number {
  return documents === undefined ? 0 : keysHead(documents.keys)?.generation ?? 0;
}

/** The generation that is replaced. Nothing newer ever is. */
function generationBefore(ref: ItemRef, documents: ItemDocuments, present: ItemDocuments | undefined): number {
  const [mine, other] = [generationOf(documents), generationOf(present)];
  if (other <= mine) return other;
  throw new VaultError('store-conflict', `${ref.vault}/${ref.item} is newer in the store that is moved to: generation ${String(other)}, not ${String(mine)}.`, {
    hint: 'Somebody works there already. Nothing of it was changed.', details: { ...ref, expected: mine, found: other },
  });
}
