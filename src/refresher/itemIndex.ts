import { isVaultError } from '../errors.ts';
import { parseItemDocuments } from '../items/verify.ts';
import { isAudienceName } from '../names.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { LiveStore } from '../stores/live.ts';
import type { FleetChange } from './fleet.ts';

/** What an item's header says of whom it is for. Nobody verified it: it decides what is looked at, and not what is done. */
interface IndexedItem extends ItemRef {
  readonly generation: number;
  readonly query: string;
  readonly named: readonly string[];
  /** It is sealed to an audience, and follows that. */
  readonly follows: boolean;
}

/** Which items a change of the fleet can concern. */
export interface ItemIndex {
  readonly size: number;
  /** Every query that some item asks. */
  queries(): Set<string>;
  /** Looks at these items again. @returns those that are not as they were, or could not be read */
  update(refs: readonly ItemRef[]): Promise<ItemRef[]>;
  /** We wrote it ourselves. */
  wrote(ref: ItemRef, generation: number): void;
  concernedBy(change: FleetChange): ItemRef[];
  clear(): void;
}

/** Items that are read at once. */
const READS = 16;

/** @param fingerprint whose entries are read, of lists that are divided */
export function openItemIndex(live: LiveStore, fingerprint: string): ItemIndex {
  const items = new Map<string, IndexedItem>();
  const keyOf = ({ vault, item }: ItemRef): string => `${vault}/${item}`;

  async function read(ref: ItemRef): Promise<IndexedItem | undefined> {
    const reply = await live.readItemAs(ref, fingerprint);
    if (reply.kind !== 'found') return undefined;
    const { keys: { header, audience } } = parseItemDocuments(ref, reply.documents);
    return { vault: ref.vault, item: ref.item, generation: header.generation, query: header.search_query, named: header.named_clients, follows: audience !== undefined && !isAudienceName(ref.item) };
  }

  async function look(ref: ItemRef): Promise<ItemRef[]> {
    const key = keyOf(ref);
    try {
      const found = await read(ref);
      const before = items.get(key);
      if (found === undefined) items.delete(key);
      else items.set(key, found);
      return found === undefined || found.generation === before?.generation ? [] : [ref];
    } catch (error) {
      if (!isVaultError(error) || error.code === 'store-unreachable') throw error;
      items.delete(key);
      return [ref]; // Whoever plans with it is told what is wrong.
    }
  }

  return {
    get size() { return items.size; },
    queries: () => new Set([...items.values()].flatMap(({ query, follows }) => (follows || query === '' ? [] : [query]))),
    async update(refs) {
      const others: ItemRef[] = [];
      for (let i = 0; i < refs.length; i += READS) others.push(...(await Promise.all(refs.slice(i, i + READS).map(look))).flat());
      return others;
    },
    wrote(ref, generation) {
      const known = items.get(keyOf(ref));
      if (known !== undefined) items.set(keyOf(ref), { ...known, generation });
    },
    concernedBy({ queries, nodes }) {
      return [...items.values()].filter(({ follows, query, named }) => !follows && (queries.has(query) || named.some((name) => nodes.has(name)))).map(({ vault, item }) => ({ vault, item }));
    },
    clear() { items.clear(); },
  };
}
