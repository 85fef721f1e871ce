import { checkName, nameProblem } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { InventoryKind } from '../store.ts';

/*
 * Keys below the repository's prefix. What nodes may read is below `sealed/`; what each of them will write is below `reports/`; the
 * rest is the admins'. So a role needs one grant for each. Names have no slash.
 *
 *   sealed/heads/VAULT/ITEM            an item: see head.ts
 *   sealed/parts/VAULT/ITEM/p.DIGEST   a part of a document that does not stand in the head
 *   sealed/parts/VAULT/ITEM/n.DIGEST   a node of the tree of recipients
 *   sealed/trust/N                     version N of the roster
 *   proposals/DIGEST                   rosters that lack signatures
 *   inventory/KIND/NAME                nodes, clients, roles and users
 *   invitations/ID                     what an admin signed so that nodes may join
 *   joined/ID/REQUEST                  the name of a node that joined with it
 *   joins/NAME/REQUEST                 a request to join; who may write here need not read here
 *   sealed/admissions/NAME             that a node was admitted, for itself to see and for whoever seals to it
 *   sealed/refusals/REQUEST            that a request was refused
 *   reports/NODE/status                what a node delivered, signed by it, for as long as its lease lasts
 *   election/refresher                 which refresher is elected, for as long as its lease lasts
 *   election/record                    what it leaves for the next: which nodes lost something of late
 *   basis                              its revision is that of the last change that may take from a writer what it goes by
 *   migration                          there while `vault migrate` writes here
 */
export const HEADS = 'sealed/heads/';
export const TRUST = 'sealed/trust/';
export const PROPOSALS = 'proposals/';
export const INVITATIONS = 'invitations/';
export const JOINED = 'joined/';
export const JOINS = 'joins/';
export const ADMISSIONS = 'sealed/admissions/';
export const REFUSALS = 'sealed/refusals/';
export const REPORTS = 'reports/';
export const ELECTION = 'election/refresher';
export const ELECTION_RECORD = 'election/record';
export const BASIS = 'basis';
export const MIGRATION = 'migration';

export function headKey({ vault, item }: ItemRef): string {
  return `${vaultKeys(vault)}${checkName('item', item)}`;
}

export function vaultKeys(vault: string): string {
  return `${HEADS}${checkName('vault', vault)}/`;
}

/** What the keys of all parts of an item begin with. */
export function partKeys({ vault, item }: ItemRef): string {
  return `sealed/parts/${vault}/${item}/`;
}

export function partKey(ref: ItemRef, digest: string): string {
  return `${partKeys(ref)}p.${digest}`;
}

export function nodeKey(ref: ItemRef, digest: string): string {
  return `${partKeys(ref)}n.${digest}`;
}

export function rosterKey(version: number): string {
  return `${TRUST}${String(version)}`;
}

export function inventoryKeys(kind: InventoryKind): string {
  return `inventory/${kind}/`;
}

export function inventoryKey(kind: InventoryKind, name: string): string {
  return `${inventoryKeys(kind)}${checkName('node', name)}`;
}

/** What a node reports: its own place, of which its role says that it may write there. */
export function reportKey(node: string): string {
  return `${REPORTS}${checkName('node', node)}/status`;
}

/** The item that a name below {@link HEADS} is; undefined where it is none. */
export function refOf(name: string): ItemRef | undefined {
  const [vault, item, ...more] = name.split('/');
  if (vault === undefined || item === undefined || more.length > 0) return undefined;
  return nameProblem('vault', vault) === undefined && nameProblem('item', item) === undefined ? { vault, item } : undefined;
}
