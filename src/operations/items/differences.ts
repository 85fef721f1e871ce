import { isDeepStrictEqual } from 'node:util';
import { sortNames, type Audience } from '../../items/seal.ts';
import type { Json } from '../../json/canonical.ts';

/** What the header says otherwise than before; members are missing where it says the same. */
export interface HeaderChanges {
  readonly searchQuery?: { readonly from: string; readonly to: string };
  readonly namedAdmins?: { readonly from: readonly string[] | null; readonly to: readonly string[] | null };
  readonly namedClients?: { readonly from: readonly string[]; readonly to: readonly string[] };
}

export interface FieldChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** The same fields with the same values. */
export const SAME_FIELDS: FieldChanges = { added: [], changed: [], removed: [] };

/** How many fields are others. */
export function countFields({ added, changed, removed }: FieldChanges): number {
  return added.length + changed.length + removed.length;
}

export function compareFields(before: Readonly<Record<string, Json>>, after: Readonly<Record<string, Json>>): FieldChanges {
  return {
    added: Object.keys(after).filter((name) => !Object.hasOwn(before, name)),
    changed: Object.keys(after).filter((name) => Object.hasOwn(before, name) && !isDeepStrictEqual(before[name], after[name])),
    removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)),
  };
}

/** Names count in whatever order they stand. */
export function compareHeaders(one: Audience, other: Audience): HeaderChanges {
  const [before, after] = [sorted(one), sorted(other)];
  const of = <K extends keyof Audience>(name: K): Partial<Record<K, { readonly from: Audience[K]; readonly to: Audience[K] }>> =>
    (isDeepStrictEqual(before[name], after[name]) ? {} : { [name]: { from: before[name], to: after[name] } } as Record<K, { from: Audience[K]; to: Audience[K] }>);
  return { ...of('searchQuery'), ...of('namedAdmins'), ...of('namedClients') };
}

/** As a header lists names. */
function sorted({ searchQuery, namedAdmins, namedClients }: Audience): Audience {
  return { searchQuery, namedAdmins: namedAdmins === null ? null : sortNames(namedAdmins), namedClients: sortNames(namedClients) };
}
