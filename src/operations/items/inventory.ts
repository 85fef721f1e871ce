import { isVaultError } from '../../errors.ts';
import { parseClient } from '../../inventory/documents.ts';
import type { PublicKey } from '../../sealing/publicKey.ts';
import type { Store } from '../../stores/store.ts';
import { flattenInventory, selectNodes, type NamedNode, type SearchResult } from '../searchNodes.ts';

/** A client's public key; or why it has none that can be sealed to. */
export type ClientKey = { readonly publicKey: PublicKey } | { readonly problem: string };

/** The nodes and clients of a repository as one run sees them: read once, however many items are looked at. */
export interface Inventory {
  /** What a query selects. @throws VaultError query-invalid, and input-* for a node document that cannot be read */
  select(query: string): Promise<SearchResult>;
  /** Undefined where there is no client document. */
  clientKey(name: string): Promise<ClientKey | undefined>;
  /** Whether a node and a client of that name are there. */
  isKnown(name: string): Promise<boolean>;
  /** Names of all clients, sorted. */
  names(): Promise<readonly string[]>;
}

/** Reads nothing before it is asked. */
export function openInventory(store: Store): Inventory {
  let nodes: Promise<readonly NamedNode[]> | undefined;
  let names: Promise<ReadonlySet<string>> | undefined;
  const selected = new Map<string, Promise<SearchResult>>();
  const keys = new Map<string, Promise<ClientKey | undefined>>();
  const clientKey = (name: string): Promise<ClientKey | undefined> => remembered(keys, name, () => readClientKey(store, name));
  return {
    select: (query) => remembered(selected, query, async () => await selectNodes(await (nodes ??= collect(flattenInventory(store))), query)),
    clientKey,
    async isKnown(name) {
      names ??= store.listInventoryNames('nodes').then((all) => new Set(all));
      return (await names).has(name) && await clientKey(name) !== undefined;
    },
    names: () => store.listInventoryNames('clients'),
  };
}

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

function remembered<T>(known: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  let value = known.get(key);
  if (value === undefined) known.set(key, value = work());
  return value;
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}
