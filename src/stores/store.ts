import type { ItemRef } from '../sealing/dataKey.ts';
import type { KeysHead } from '../items/keysHead.ts';
import type { ItemDocuments } from '../items/model.ts';
import type { ChangeStore } from './changes.ts';
import type { ElectionStore } from './election.ts';
import type { ReportStore } from './reports.ts';
import type { JoinStore } from './joining.ts';
import type { LiveStore } from './live.ts';

/** Kinds of inventory document, each by name. */
export type InventoryKind = 'nodes' | 'clients' | 'roles' | 'users';

export interface InventoryDocument {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where it is, for messages. */
  readonly source: string;
}

/**
 * Where a vault keeps its documents. A store moves bytes; it neither opens nor judges them.
 * Names are checked (name-invalid). Every method throws store-unreachable where the engine fails; reads give undefined where there is nothing.
 */
export interface Store {
  /** For messages, and the key under which a reader remembers its pin. */
  readonly location: string;
  /** The directory in which the documents lie as files, where they do: for what is about files, and git. */
  readonly directory: string | undefined;

  /** What nodes report; undefined in a store that has no place for it. */
  readonly reports?: ReportStore;
  /** What a store does that can be followed; undefined in one that cannot. */
  readonly live?: LiveStore;
  /** Nodes that come by themselves; undefined in a store that they cannot reach. */
  readonly joining?: JoinStore;
  /** Who of several does what one must do; undefined in a store that elects nobody. */
  readonly election?: ElectionStore;
  /** Changes of the whole repository, as they happen; undefined in a store that tells of none. */
  readonly changes?: ChangeStore;

  /** Both documents of an item, of one generation. */
  readItem(ref: ItemRef): Promise<ItemDocuments | undefined>;
  /** Which generation of an item is stored, unjudged: for a fraction of what {@link readItem} costs, where there are many recipients. */
  readHead(ref: ItemRef): Promise<KeysHead | undefined>;
  /**
   * Replaces an item, durably, if the stored generation still is `expected` (0: if there is no such item).
   * @param premises asked while nobody else writes to the store; what it throws is thrown, and nothing is written
   * @throws VaultError store-conflict, with `details.found`; item-exists, where something else has that name;
   *   input-too-large. Nothing was written then
   */
  writeItem(ref: ItemRef, documents: ItemDocuments, expected: number, premises?: () => Promise<void>): Promise<void>;
  /**
   * Removes an item, durably, if the stored generation still is `expected`. A removal that was cut off leaves an item that
   * cannot be read, and is finished by another.
   * @throws VaultError store-conflict, with `details.found`
   */
  removeItem(ref: ItemRef, expected: number): Promise<void>;
  /** What lies under an item's name, whoever put it there, unread and unjudged; members are missing where there is nothing. */
  readRaw(ref: ItemRef): Promise<Partial<ItemDocuments>>;
  /** Names in a data bag that are no items of a vault: plain ones, or another program's; sorted. */
  listForeign(vault: string): Promise<string[]>;
  /** @throws VaultError item-exists, where something that is no vault's item has that name */
  requireFree(ref: ItemRef): Promise<void>;
  /** Completes a write that was cut off, so that what {@link readItem} gives is durable. */
  finishItem(ref: ItemRef): Promise<void>;
  /** {@link finishItem} of every item. What is damaged is left to the commands that are about it. */
  finishItems(): Promise<void>;
  /** Items of one vault, or of all, sorted by vault and item. */
  listItems(vault?: string): Promise<ItemRef[]>;

  readRoster(version: number): Promise<Uint8Array | undefined>;
  /** @throws VaultError store-conflict where that version exists */
  writeRoster(version: number, bytes: Uint8Array): Promise<void>;
  /** Removes version 1 of the roster of a repository that nobody has used yet. */
  withdrawRoster(): Promise<void>;

  /** Rosters that still lack signatures, each under its digest; sorted. */
  listProposals(): Promise<string[]>;
  readProposal(digest: string): Promise<Uint8Array | undefined>;
  /**
   * Replaces what `change` is given (undefined: there is none yet) by what it returns, while nobody else does; undefined removes it.
   * What it throws is thrown, and nothing is changed.
   */
  changeProposal(digest: string, change: (present: Uint8Array | undefined) => Uint8Array | undefined): Promise<void>;

  readInventory(kind: InventoryKind, name: string): Promise<InventoryDocument | undefined>;
  /** Every document of a kind, sorted by name. */
  listInventory(kind: InventoryKind): AsyncIterable<InventoryDocument>;
  /** Names alone, sorted. */
  listInventoryNames(kind: InventoryKind): Promise<string[]>;
  writeInventory(kind: InventoryKind, name: string, bytes: Uint8Array): Promise<void>;
  /** @returns whether there was one */
  removeInventory(kind: InventoryKind, name: string): Promise<boolean>;

  /** What a migration to here noted when it began; undefined where none is under way. */
  readMigration(): Promise<Uint8Array | undefined>;
  /** Replaces it; undefined removes it. */
  writeMigration(bytes: Uint8Array | undefined): Promise<void>;
}
