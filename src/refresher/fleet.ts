import type { VaultError } from '../errors.ts';
import type { Role } from '../inventory/documents.ts';
import type { ClientKey, Inventory } from '../operations/items/inventory.ts';
import type { SearchResult } from '../operations/searchNodes.ts';
import type { Trust } from '../operations/workspace.ts';
import { compileQuery } from '../search/compile.ts';
import type { FlatNode } from '../search/flatten.ts';
import { parseQuery } from '../search/parse.ts';
import { readQuery, type Reading } from '../search/reading.ts';
import type { Store } from '../stores/store.ts';
import { isVaultError } from '../errors.ts';
import { Bits } from './bits.ts';
import { flattenAll, readAllNodes, readNodes, readRoles, type ReadNode } from './inventoryReader.ts';

/** What is kept in memory of a node: of its attributes nothing but which queries select it. */
interface KnownNode {
  /** Its place in each query's answer. */
  readonly slot: number;
  readonly key: ClientKey | undefined;
  readonly hasObject: boolean;
  readonly isAdmitted: boolean;
  readonly damage: VaultError | undefined;
}

interface KnownQuery {
  readonly matches: (node: FlatNode) => boolean;
  readonly reading: Reading;
  /** Slots of the nodes that it selects. */
  readonly selected: Bits;
}

/** What other documents of nodes come to. */
export interface FleetChange {
  /** Queries whose answer is another, or of one of whose nodes the key or the admission is. */
  readonly queries: ReadonlySet<string>;
  /** Nodes that came, went, or have another key or admission. */
  readonly nodes: ReadonlySet<string>;
}

/** The nodes of a repository, and the answers of the items' queries, both kept true by what changes: what that costs follows from how much changes. */
export interface Fleet {
  /** For planning; it answers from memory. */
  readonly inventory: Inventory;
  readonly size: number;
  readonly admitted: number;
  /**
   * How many nodes a share is taken of: those that are admitted, and these. Others do not count: whoever may write the inventory can put any number of them there, so that
   * a small part of all is everybody who matters.
   */
  countWith(names: Iterable<string>): number;
  /** Reads everything, and has these queries answered. @returns names that have an admission, and nothing in the inventory */
  load(trust: Trust, queries: ReadonlySet<string>): Promise<string[]>;
  /** Reads these nodes again. */
  update(names: readonly string[]): Promise<FleetChange>;
  /** These queries are answered from now on; where some are new, all nodes are asked, and those that are not there are forgotten. A query that is none is answered by an error. */
  answer(queries: ReadonlySet<string>): Promise<void>;
  isKnown(name: string): boolean;
  isAdmitted(name: string, fingerprint?: string): boolean;
  /** Why a node's object cannot be read. */
  damageOf(name: string): VaultError | undefined;
  admittedNames(): string[];
  /** Whether it has an object, and nobody on the roster signed for it as it is. */
  isUnadmitted(name: string): boolean;
  /** Nodes with an object, for which nobody on the roster signed as they are. */
  unadmittedNames(): string[];
  /** Names of nodes by the fingerprint of their key. */
  namesWithKey(fingerprint: string): readonly string[];
}

export function openFleet(store: Store, firstTrust: Trust): Fleet {
  let trust = firstTrust;
  let roles: ReadonlyMap<string, Role> = new Map();
  const nodes = new Map<string, KnownNode>();
  /** Names by slot. */
  const slots: (string | undefined)[] = [];
  const free: number[] = [];
  const queries = new Map<string, KnownQuery>();
  const byKey = new Map<string, string[]>();
  let admitted = 0;

  function take({ name, flat, damage, hasObject, key, admission }: ReadNode, asked: Iterable<readonly [string, KnownQuery]>, changed?: { queries: Set<string>; nodes: Set<string> }): void {
    const before = nodes.get(name);
    const isThere = hasObject || key !== undefined;
    if (before === undefined && !isThere) return;
    const slot = before?.slot ?? free.pop() ?? slots.length;
    const after: KnownNode = { slot, key, hasObject, isAdmitted: admission.kind === 'admitted', damage };
    const isOther = !isThere || before?.isAdmitted !== after.isAdmitted || fingerprintOf(before.key) !== fingerprintOf(key) || before.hasObject !== hasObject;
    for (const [text, query] of asked) {
      const was = query.selected.has(slot);
      // What cannot be read says nothing: its answers stay as they were.
      const is = isThere && (damage === undefined ? flat !== undefined && query.matches(flat) : was);
      if (was !== is) query.selected.set(slot, is);
      if (was !== is || (is && isOther)) changed?.queries.add(text);
    }
    if (isOther) changed?.nodes.add(name);
    forgetKey(name, before?.key);
    admitted += Number(isThere && after.isAdmitted) - Number(before?.isAdmitted ?? false);
    if (isThere) {
      nodes.set(name, after);
      slots[slot] = name;
      const fingerprint = fingerprintOf(key);
      if (fingerprint !== undefined) byKey.set(fingerprint, [...byKey.get(fingerprint) ?? [], name]);
    } else {
      nodes.delete(name);
      slots[slot] = undefined;
      free.push(slot);
    }
  }

  function forgetKey(name: string, key: ClientKey | undefined): void {
    const fingerprint = fingerprintOf(key);
    if (fingerprint === undefined) return;
    const left = (byKey.get(fingerprint) ?? []).filter((each) => each !== name);
    if (left.length === 0) byKey.delete(fingerprint);
    else byKey.set(fingerprint, left);
  }

  function select(text: string): SearchResult {
    const query = queries.get(text) ?? newQuery(text);
    const names = slots.flatMap((name, slot) => (name !== undefined && query.selected.has(slot) ? [name] : []));
    return { names: names.sort(), reading: query.reading, unknownFields: [] };
  }

  const fleet: Fleet = {
    get size() { return nodes.size; },
    get admitted() { return admitted; },
    countWith: (names) => admitted + [...new Set(names)].filter((name) => nodes.get(name)?.isAdmitted !== true).length,
    inventory: {
      async select(text) {
        if (!queries.has(text)) await fleet.answer(new Set([...queries.keys(), text]));
        return select(text);
      },
      clients: () => Promise.resolve({
        keyOf: (name: string) => nodes.get(name)?.key,
        isKnown: (name: string) => { const known = nodes.get(name); return known !== undefined && known.hasObject && known.key !== undefined; },
        isNewer: () => false,
        hasLeft: () => false,
      }),
      names: () => Promise.resolve([...nodes].flatMap(([name, { key }]) => (key === undefined ? [] : [name])).sort()),
    },
    async load(newest, wanted) {
      trust = newest;
      queries.clear();
      for (const [text, query] of newQueries(wanted)) queries.set(text, query);
      roles = await readRoles(store);
      const seen = new Set<string>();
      const gone: string[] = [];
      for await (const node of readAllNodes(store, trust, roles)) {
        if (node.admission.kind === 'absent') gone.push(node.name);
        else seen.add(node.name);
        take(node, queries);
      }
      for (const name of [...nodes.keys()]) if (!seen.has(name)) take({ name, flat: undefined, damage: undefined, hasObject: false, key: undefined, admission: { kind: 'absent' } }, queries);
      return gone;
    },
    async update(names) {
      const changed = { queries: new Set<string>(), nodes: new Set<string>() };
      for await (const node of readNodes(store, trust, roles, names)) take(node, queries, changed);
      return changed;
    },
    async answer(wanted) {
      for (const text of [...queries.keys()]) if (!wanted.has(text)) queries.delete(text);
      const added = newQueries([...wanted].filter((text) => !queries.has(text)));
      if (added.length === 0) return;
      for (const [text, query] of added) queries.set(text, query);
      // The answers alone: what else is new of a node is told by the look that its change makes due.
      for await (const { name, flat } of flattenAll(store, roles)) {
        const known = nodes.get(name);
        if (known !== undefined) for (const [, { matches, selected }] of added) selected.set(known.slot, matches(flat));
      }
    },
    isKnown: (name) => nodes.has(name),
    isAdmitted(name, fingerprint) {
      const known = nodes.get(name);
      return known?.isAdmitted === true && (fingerprint === undefined || fingerprintOf(known.key) === fingerprint);
    },
    damageOf: (name) => nodes.get(name)?.damage,
    admittedNames: () => [...nodes].flatMap(([name, { isAdmitted }]) => (isAdmitted ? [name] : [])),
    isUnadmitted(name) { const known = nodes.get(name); return known?.hasObject === true && !known.isAdmitted; },
    unadmittedNames: () => [...nodes].flatMap(([name, { isAdmitted, hasObject }]) => (isAdmitted || !hasObject ? [] : [name])).sort(),
    namesWithKey: (fingerprint) => byKey.get(fingerprint) ?? [],
  };
  return fleet;
}

/** Those that are none are left out: whoever plans with one is told. */
function newQueries(texts: Iterable<string>): [string, KnownQuery][] {
  return [...texts].flatMap((text): [string, KnownQuery][] => {
    try {
      return [[text, newQuery(text)]];
    } catch (error) {
      if (!isVaultError(error)) throw error;
      return [];
    }
  });
}

/** @throws VaultError query-invalid */
function newQuery(text: string): KnownQuery {
  const query = parseQuery(text);
  return { matches: compileQuery(query), reading: readQuery(query), selected: new Bits() };
}

function fingerprintOf(key: ClientKey | undefined): string | undefined {
  return key !== undefined && 'publicKey' in key ? key.publicKey.fingerprint : undefined;
}
