import { VaultError } from '../errors.ts';
import { canonicalJson, type Json } from '../json/canonical.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { ItemHeader, KeysDocument } from './model.ts';
import { compareNames, recipientNames, type RecipientName } from './recipients.ts';

/** Whose change is taken where both sides changed the same thing; undefined: nobody's, it is a conflict. */
export type Preference = 'ours' | 'theirs' | undefined;

/** One thing that both sides changed, each in its way. Names and fingerprints, never a value of a field. */
export interface MergeConflict {
  /** As `field data`, `client web01`, `search_query`. */
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
}

/** Three versions of one thing; base is undefined where the sides have no version in common. */
export interface ThreeWay<T> {
  readonly base: T | undefined;
  readonly ours: T;
  readonly theirs: T;
}

/** Who shall be able to open the merged item, and by which rule. */
export interface MergedAudience {
  readonly recipients: readonly RecipientName[];
  readonly searchQuery: string;
  readonly namedAdmins: readonly string[] | null;
  readonly namedClients: readonly string[];
  readonly conflicts: readonly MergeConflict[];
}

/** A value of the base that nobody could read: it counts as changed by both sides. */
export const UNREADABLE: unique symbol = Symbol('unreadable');

/** @throws VaultError merge-conflict where there are any */
export function refuseConflicts({ vault, item }: ItemRef, conflicts: readonly MergeConflict[]): void {
  if (conflicts.length === 0) return;
  const lines = conflicts.map(({ what, ours, theirs }) => `  ${what}: ours ${ours}, theirs ${theirs}`);
  throw new VaultError('merge-conflict', `Both sides changed ${vault}/${item} in ways that do not go together:\n${lines.join('\n')}`, {
    hint: `Decide with "vault resolve ${vault} ${item} --take ours" (or theirs): it applies to these alone, all else is merged.`,
    details: { vault, item, conflicts },
  });
}

/**
 * The value that one side alone changed; undefined where both did, differently.
 * @param setBack one side is older than the base: what differs then is a decision, not a change
 */
function threeWay<T>({ base, ours, theirs }: ThreeWay<T>, same: (a: T | undefined, b: T | undefined) => boolean, setBack: boolean): { readonly value: T } | undefined {
  if (same(ours, theirs)) return { value: ours };
  if (setBack) return undefined;
  if (same(base, theirs)) return { value: ours };
  return same(base, ours) ? { value: theirs } : undefined;
}

/**
 * Whether a side is no newer than what both began with, and is not that either. Who signs nothing can put an older generation on a
 * branch: whom it names, and was removed since, would look like somebody whom that branch added.
 */
export function isSetBack({ base, ours, theirs }: ThreeWay<Pick<KeysDocument, 'header'>>): boolean {
  return base !== undefined && [ours, theirs].some(({ header }) => header.generation <= base.header.generation && header.signature !== base.header.signature);
}

/**
 * Merges who can open an item. A recipient that one side removed, and the other did not touch, stays removed.
 * The result does not depend on which side is called ours, but for what `prefer` decides.
 */
export function mergeAudience({ base, ours, theirs }: ThreeWay<KeysDocument>, prefer?: Preference): MergedAudience {
  const setBack = isSetBack({ base, ours, theirs });
  const conflicts: MergeConflict[] = setBack && prefer === undefined ? [conflictOfAge({ base, ours, theirs })] : [];
  const settle = <T>(what: string, sides: ThreeWay<T>, tell: (value: T) => string): T => {
    const merged = threeWay(sides, (a, b) => a === b, setBack);
    if (merged !== undefined) return merged.value;
    if (prefer === undefined) conflicts.push({ what, ours: tell(sides.ours), theirs: tell(sides.theirs) });
    return prefer === 'theirs' ? sides.theirs : sides.ours;
  };

  const lists = { base: base === undefined ? undefined : byId(base), ours: byId(ours), theirs: byId(theirs) };
  const recipients = new Map<string, RecipientName>();
  for (const id of unite(lists.base?.keys() ?? [], lists.ours.keys(), lists.theirs.keys())) {
    const known = lists.ours.get(id) ?? lists.theirs.get(id) ?? lists.base?.get(id);
    const fingerprint = settle(id, { base: lists.base?.get(id)?.fingerprint, ours: lists.ours.get(id)?.fingerprint, theirs: lists.theirs.get(id)?.fingerprint },
      (value) => (value === undefined ? 'removed it' : `gave it the key ${value}`));
    if (known !== undefined && fingerprint !== undefined) recipients.set(id, { ...known, fingerprint });
  }

  const [from, left, right] = [base?.header, ours.header, theirs.header];
  const searchQuery = settle('search_query', { base: from?.search_query, ours: left.search_query, theirs: right.search_query }, (value) => `made it ${JSON.stringify(value)}`);
  const preferred = setBack ? prefer ?? 'ours' : undefined;
  const clients = mergeNames({ base: from?.named_clients ?? [], ours: left.named_clients, theirs: right.named_clients }, preferred);
  const admins = mergeNamedAdmins({ base: from?.named_admins, ours: left.named_admins, theirs: right.named_admins }, settle, preferred);

  // Whom one side names, the other must not have removed.
  const keepNamed = (role: RecipientName['role'], names: readonly string[], namedBy: (header: ItemHeader) => readonly string[]): string[] => names.filter((name) => {
    const id = `${role} ${name}`;
    const removed = [left, right].some((header, i) => namedBy(header).includes(name) && [lists.ours, lists.theirs][i]?.has(id) === true) && !recipients.has(id);
    if (!removed || conflicts.some(({ what }) => what === id)) return true;
    if (prefer === undefined) {
      const tell = (header: ItemHeader): string => (namedBy(header).includes(name) ? 'names it' : 'removed it');
      conflicts.push({ what: id, ours: tell(left), theirs: tell(right) });
      return true;
    }
    const kept = lists[prefer].get(id);
    if (kept !== undefined) recipients.set(id, kept);
    return kept !== undefined;
  });
  const namedClients = keepNamed('client', clients, (header) => header.named_clients);
  const namedAdmins = admins === null ? null : keepNamed('admin', admins, (header) => header.named_admins ?? []);

  const list = [...recipients.values()].sort((a, b) => compareNames(a.role, b.role) || compareNames(a.name, b.name));
  if (!list.some(({ role }) => role === 'admin') || namedAdmins?.length === 0) {
    conflicts.push({ what: 'admins', ours: 'with the other, leaves none', theirs: 'with the other, leaves none' });
  }
  return { recipients: list, searchQuery, namedAdmins, namedClients, conflicts };
}

type Settle = <T>(what: string, sides: ThreeWay<T>, tell: (value: T) => string) => T;

/** Lists are merged name by name; "everyone on the roster" and a list are two different things, of which there can be one. */
function mergeNamedAdmins({ base, ours, theirs }: ThreeWay<readonly string[] | null>, settle: Settle, preferred: Preference): readonly string[] | null {
  if (base != null && ours !== null && theirs !== null) return mergeNames({ base, ours, theirs }, preferred);
  const text = (names: readonly string[] | null): string => (names === null ? '' : names.join(' '));
  const settled = settle('named_admins', { base: base === undefined ? undefined : text(base), ours: text(ours), theirs: text(theirs) },
    (value) => (value === '' ? 'made it everyone on the roster' : `made it ${value.replaceAll(' ', ', ')}`));
  return settled === '' ? null : settled.split(' ');
}

/** Names that are in both, or that one side alone added; sorted. Those of one side where one was set back. */
function mergeNames({ base, ours, theirs }: ThreeWay<readonly string[]>, preferred: Preference): string[] {
  if (preferred !== undefined) return [...(preferred === 'ours' ? ours : theirs)];
  return unite(ours, theirs).filter((name) => threeWay({ base: base?.includes(name) ?? false, ours: ours.includes(name), theirs: theirs.includes(name) }, (a, b) => a === b, false)?.value === true);
}

function conflictOfAge({ base, ours, theirs }: ThreeWay<KeysDocument>): MergeConflict {
  const tell = ({ header }: KeysDocument): string => `is ${String(header.generation)}`;
  return { what: `generation, which was ${String(base?.header.generation ?? 0)} in what both began with`, ours: tell(ours), theirs: tell(theirs) };
}

/** The fields of both sides, merged by value. */
export interface MergedFields {
  readonly fields: Readonly<Record<string, Json>>;
  readonly conflicts: readonly MergeConflict[];
}

/** Merges fields by value. A field that one side removed, and the other did not touch, stays removed. */
export function mergeFields(
  { base, ours, theirs }: { readonly base: Readonly<Record<string, Json | typeof UNREADABLE>> | undefined; readonly ours: Readonly<Record<string, Json>>; readonly theirs: Readonly<Record<string, Json>> },
  prefer?: Preference, setBack = false,
): MergedFields {
  const conflicts: MergeConflict[] = [];
  const fields: [string, Json][] = [];
  type Value = Json | typeof UNREADABLE | undefined;
  const valueIn = (side: Readonly<Record<string, Json | typeof UNREADABLE>> | undefined, name: string): Value => (side !== undefined && Object.hasOwn(side, name) ? side[name] : undefined);
  for (const name of unite(Object.keys(base ?? {}), Object.keys(ours), Object.keys(theirs))) {
    const sides: ThreeWay<Value> = { base: valueIn(base, name), ours: valueIn(ours, name), theirs: valueIn(theirs, name) };
    const merged = threeWay<Value>(sides, sameValue, setBack);
    if (merged === undefined && prefer === undefined) {
      const tell = (value: Value): string => (value === undefined ? 'removed it' : sides.base === undefined ? 'added it' : sides.base === UNREADABLE ? 'may have changed it' : 'changed it');
      conflicts.push({ what: `field ${name}`, ours: tell(sides.ours), theirs: tell(sides.theirs) });
    }
    const value = merged === undefined ? sides[prefer ?? 'ours'] : merged.value;
    if (value !== undefined && value !== UNREADABLE) fields.push([name, value]);
  }
  return { fields: Object.fromEntries(fields), conflicts };
}

function sameValue(a: Json | typeof UNREADABLE | undefined, b: Json | typeof UNREADABLE | undefined): boolean {
  if (a === undefined || b === undefined || a === UNREADABLE || b === UNREADABLE) return a === b && a !== UNREADABLE;
  return canonicalJson(a) === canonicalJson(b);
}

function byId(keys: KeysDocument): Map<string, RecipientName> {
  return new Map(recipientNames(keys).map((each) => [`${each.role} ${each.name}`, each]));
}

function unite(...names: readonly Iterable<string>[]): string[] {
  return [...new Set(names.flatMap((each) => [...each]))].sort(compareNames);
}
