import { isDeepStrictEqual } from 'node:util';
import type { ErrorCode } from '../../errors.ts';
import type { Json } from '../../json/canonical.ts';

/** Keys, by fingerprint, of those who can open something, by name. */
export type Holders = ReadonlyMap<string, string>;

/** An item as it should be. */
export interface ModelItem {
  readonly generation: number;
  readonly fields: Readonly<Record<string, Json>>;
  /** A role, which every node of it is selected by; undefined for no query. */
  readonly role: string | undefined;
  readonly namedAdmins: readonly string[] | null;
  readonly namedClients: readonly string[];
  readonly admins: Holders;
  readonly clients: Holders;
  readonly signer: string;
}

/** What happens to an item; `same`: not a byte of it changes. */
export type Effect = 'same' | 'resigned' | 'extended' | 'resealed';

/** Who may read what, in plain sets: what the commands are held against. */
export interface Model {
  readonly nodes: Map<string, { readonly role: string; readonly key: string }>;
  readonly admins: Map<string, string>;
  readonly items: Map<string, ModelItem>;
  /** Highest generation of each item; of a deleted one, what comes after its last. */
  readonly seen: Map<string, number>;
}

export interface Wish {
  readonly signer: string;
  /** Accept every changed key. */
  readonly accept: boolean;
  readonly cleanUnknown: boolean;
  /** The query is asked again; otherwise those who can open it stay. */
  readonly ask: boolean;
  readonly role?: string | undefined;
  readonly dropQuery?: boolean;
  readonly namedAdmins?: readonly string[] | null;
  readonly namedClients?: readonly string[];
  readonly exclude?: { readonly admins: readonly string[]; readonly clients: readonly string[] };
  readonly fields?: Readonly<Record<string, Json>>;
  /** Its values are looked at, though they may stay as they are. */
  readonly looks?: boolean;
  readonly rotate?: boolean;
  readonly resign?: boolean;
}

export type Planned = { readonly error: ErrorCode } | { readonly effect: Effect; readonly next: ModelItem; readonly gained: readonly string[] };

/** What a wish makes of an item. */
export function plan(model: Model, item: ModelItem, wish: Wish): Planned {
  const { exclude = { admins: [], clients: [] } } = wish;
  const role = wish.dropQuery === true ? undefined : wish.role ?? item.role;
  const wantedAdmins = wish.namedAdmins === undefined ? item.namedAdmins : wish.namedAdmins;
  const wantedClients = [...item.namedClients, ...wish.namedClients ?? []];

  const shall = wish.ask ? wantedAdmins ?? [...model.admins.keys()] : [...item.admins.keys(), ...wantedAdmins ?? []];
  const admins = new Map([...new Set(shall)].filter((name) => !exclude.admins.includes(name)).flatMap((name) => entry(name, model.admins.get(name))));

  const selected = [...model.nodes].filter(([, node]) => node.role === role).map(([name]) => name);
  const chosen = new Set([...(wish.ask ? selected : item.clients.keys()), ...wantedClients]);
  const gone = [...item.clients.keys()].filter((name) => !model.nodes.has(name) && !exclude.clients.includes(name));
  const clients = new Map([
    ...[...chosen].filter((name) => !exclude.clients.includes(name)).flatMap((name) => entry(name, model.nodes.get(name)?.key)),
    ...(wish.cleanUnknown ? [] : gone.flatMap((name) => entry(name, item.clients.get(name)))),
  ]);

  const lost = [...missing(item.admins, admins), ...missing(item.clients, clients)];
  const gained = missing(clients, item.clients);
  const rekeyed = [...item.clients].filter(([name, key]) => clients.has(name) && clients.get(name) !== key);
  if (rekeyed.length > 0 && !wish.accept) return { error: 'key-changed' };

  const out = (all: readonly string[], before: Holders, after: Holders, excluded: readonly string[]): readonly string[] =>
    [...new Set(all)].filter((name) => !excluded.includes(name) && !(before.has(name) && !after.has(name))).sort();
  const namedAdmins = wantedAdmins === null ? null : out(wantedAdmins, item.admins, admins, exclude.admins);
  const namedClients = out(wantedClients, item.clients, clients, exclude.clients);
  const audience = lost.length + gained.length + missing(admins, item.admins).length + rekeyed.length > 0;
  const header = role !== item.role || !same(namedAdmins, item.namedAdmins) || !same(namedClients, item.namedClients) || wish.resign === true;
  const unchanged: Planned = { effect: 'same', next: item, gained: [] };
  if (!audience && !header && wish.rotate !== true && wish.fields === undefined && wish.looks !== true) return unchanged;

  if (item.admins.get(wish.signer) !== model.admins.get(wish.signer)) return { error: 'not-a-recipient' };
  const fields = wish.fields ?? item.fields;
  const reseals = wish.rotate === true || !same(fields, item.fields) || lost.length > 0 || rekeyed.length > 0;
  if (reseals && !wish.cleanUnknown && gone.length > 0) return { error: 'recipient-unknown' };
  const effect = reseals ? 'resealed' : audience ? 'extended' : header ? 'resigned' : 'same';
  if (effect === 'same') return unchanged;
  return { effect, gained, next: { generation: item.generation + 1, fields, role, namedAdmins, namedClients, admins, clients, signer: wish.signer } };
}

/** A node that gains something, though another item knows it by another key alone. */
export function isDoubtful(model: Model, name: string): boolean {
  const known = [...model.items.values()].flatMap(({ clients }) => clients.get(name) ?? []);
  return known.length > 0 && !known.includes(model.nodes.get(name)?.key ?? '');
}

/** What is left of the audience of an item when an admin leaves the roster. @returns undefined where the item does not concern them */
export function planDeparture(model: Model, item: ModelItem, name: string): Planned | undefined {
  const namedAdmins = item.namedAdmins?.filter((each) => each !== name) ?? null;
  const next: ModelItem = { ...item, generation: item.generation + 1, namedAdmins, admins: new Map([...item.admins].filter(([each]) => each !== name)), signer: 'alice' };
  if (item.admins.has(name)) {
    for (const [client, key] of [...item.clients].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const present = model.nodes.get(client)?.key;
      if (present !== key) return { error: present === undefined ? 'recipient-unknown' : 'key-changed' };
    }
    return { effect: 'resealed', next, gained: [] };
  }
  return item.signer === name || !same(namedAdmins, item.namedAdmins) ? { effect: 'resigned', next, gained: [] } : undefined;
}

function entry(name: string, key: string | undefined): [string, string][] {
  return key === undefined ? [] : [[name, key]];
}

function missing(from: Holders, than: Holders): string[] {
  return [...from.keys()].filter((name) => !than.has(name));
}

function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}
