import { isVaultError } from '../../errors.ts';
import { parseClient } from '../../inventory/documents.ts';
import type { PublicKey } from '../../sealing/publicKey.ts';
import type { Store } from '../../stores/store.ts';
import { flattenInventory, selectNodes, type NamedNode, type SearchResult } from '../searchNodes.ts';

/** A client's public key; or why it has none that can be sealed to. */
export type ClientKey = { readonly publicKey: PublicKey } | { readonly problem: string };

/** The nodes and clients of a repository as one run sees them: each is read once, however many items are looked at. */
export interface Inventory {
  /** What a query selects. @throws VaultError query-invalid, and input-* for a node document that cannot be read */
  select(query: string): Promise<SearchResult>;
  /** What is there under these names, and what the other methods can then be asked about. */
  clients(names: Iterable<string>): Promise<KnownClients>;
  /** Names of all clients, sorted. */
  names(): Promise<readonly string[]>;
}

/** Clients that were looked up. Not asynchronous: an item can have ten thousand. */
export interface KnownClients {
  /** Undefined where there is no client document. */
  keyOf(name: string): ClientKey | undefined;
  /** Whether a node and a client of that name are there. */
  isKnown(name: string): boolean;
  /** Whether its node came after the queries were asked: what they would say of it is not known. */
  isNewer(name: string): boolean;
  /** Whether its node left after the queries were asked. */
  hasLeft(name: string): boolean;
}

/** Reads nothing before it is asked. */
export function openInventory(store: Store): Inventory {
  let nodes: Promise<readonly NamedNode[]> | undefined;
  /** Names of the nodes that queries were asked of. */
  let asked: Promise<ReadonlySet<string>> | undefined;
  /** What became of a node since, where its client tells that something did. */
  const since = new Map<string, boolean>();
  const selected = new Map<string, Promise<SearchResult>>();
  const keys = new Map<string, ClientKey | undefined>();
  return {
    async select(query) {
      let result = selected.get(query);
      if (result === undefined) selected.set(query, result = (nodes ??= collect(flattenInventory(store))).then((all) => selectNodes(all, query)));
      return await result;
    },
    async clients(names) {
      asked ??= nodes?.then((all) => new Set(all.map(({ name }) => name))) ?? store.listInventoryNames('nodes').then((all) => new Set(all));
      const before = await asked;
      const missing = [...names].filter((name) => !keys.has(name));
      for (let i = 0; i < missing.length; i += READS) {
        await Promise.all(missing.slice(i, i + READS).map(async (name) => {
          const key = await readClientKey(store, name);
          if ((key !== undefined) !== before.has(name)) since.set(name, await store.readInventory('nodes', name) !== undefined);
          keys.set(name, key);
        }));
      }
      return {
        keyOf: (name) => keys.get(name),
        isKnown: (name) => (since.get(name) ?? before.has(name)) && keys.get(name) !== undefined,
        isNewer: (name) => !before.has(name) && since.get(name) === true,
        hasLeft: (name) => before.has(name) && since.get(name) === false,
      };
    },
    names: () => store.listInventoryNames('clients'),
  };
}

/** Client documents that are read at once. */
const READS = 64;

async function readClientKey(store: Store, name: string): Promise<ClientKey | undefined> {
  const document = await store.readInventory('clients', name);
  if (document === undefined) return undefined;
  try {
    return { publicKey: parseClient(document.bytes, document.source, name) };
  } catch (error) {
    if (isVaultError(error)) return { problem: error.message };
    throw error;
  }
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}
