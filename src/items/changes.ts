import { canonicalJson, type Json } from '../json/canonical.ts';
import type { SealRole } from '../sealing/dataKey.ts';
import type { ItemDocument, KeysDocument } from './model.ts';
import { compareNames, recipientNames } from './recipients.ts';

/** One version of an item, as it is stored. */
export interface ItemVersion {
  readonly keys: KeysDocument;
  /** Undefined where ITEM.json is missing. */
  readonly document: ItemDocument | undefined;
}

/** Values of the fields, of a version that could be opened. */
export type FieldValues = Readonly<Record<string, Json>>;

export interface FieldChange {
  readonly name: string;
  /** `encrypted-anew`: whether the value is another cannot be told without the data keys of both versions. */
  readonly change: 'added' | 'removed' | 'changed' | 'encrypted-anew';
}

export interface RecipientChange {
  readonly role: SealRole;
  readonly name: string;
  readonly change: 'added' | 'removed' | 'key-changed';
}

export interface FromTo<T> {
  readonly from: T;
  readonly to: T;
}

/** What differs between two versions of an item, without a value of any field. */
export interface ItemChanges {
  readonly fields: readonly FieldChange[];
  readonly recipients: readonly RecipientChange[];
  readonly searchQuery?: FromTo<string>;
  /** Null for everyone on the roster. */
  readonly namedAdmins?: FromTo<readonly string[] | null>;
  readonly namedClients?: FromTo<readonly string[]>;
}

/**
 * Compares two versions of an item. What is missing on one side counts as added or removed.
 * @param values of both versions, where both could be opened: only then it is known which values are others
 */
export function compareVersions(before: ItemVersion | undefined, after: ItemVersion | undefined, values?: FromTo<FieldValues>): ItemChanges {
  const [from, to] = [before?.keys.header, after?.keys.header];
  const differs = <T extends Json>(a: T | undefined, b: T | undefined): { from: T; to: T } | undefined =>
    a === undefined || b === undefined || canonicalJson(a) === canonicalJson(b) ? undefined : { from: a, to: b };
  const searchQuery = differs(from?.search_query, to?.search_query);
  const namedAdmins = differs(from?.named_admins, to?.named_admins);
  const namedClients = differs(from?.named_clients, to?.named_clients);
  return {
    fields: compareFields(before, after, values),
    recipients: compareRecipients(before?.keys, after?.keys),
    ...(searchQuery === undefined ? {} : { searchQuery }),
    ...(namedAdmins === undefined ? {} : { namedAdmins }),
    ...(namedClients === undefined ? {} : { namedClients }),
  };
}

function compareFields(before: ItemVersion | undefined, after: ItemVersion | undefined, values: FromTo<FieldValues> | undefined): FieldChange[] {
  const [from, to] = [new Map(Object.entries(before?.document?.fields ?? {})), new Map(Object.entries(after?.document?.fields ?? {}))];
  return namesOf(from, to).flatMap((name): FieldChange[] => {
    const [a, b] = [from.get(name), to.get(name)];
    if (a === undefined) return [{ name, change: 'added' }];
    if (b === undefined) return [{ name, change: 'removed' }];
    if (a.ciphertext === b.ciphertext && a.nonce === b.nonce) return [];
    if (values === undefined) return [{ name, change: 'encrypted-anew' }];
    return canonicalJson(values.from[name] ?? null) === canonicalJson(values.to[name] ?? null) ? [] : [{ name, change: 'changed' }];
  });
}

function compareRecipients(before: KeysDocument | undefined, after: KeysDocument | undefined): RecipientChange[] {
  const byId = (keys: KeysDocument | undefined): Map<string, { role: SealRole; name: string; fingerprint: string }> =>
    new Map((keys === undefined ? [] : recipientNames(keys)).map((each) => [`${each.role} ${each.name}`, each]));
  const [from, to] = [byId(before), byId(after)];
  return namesOf(from, to).flatMap((id): RecipientChange[] => {
    const [a, b] = [from.get(id), to.get(id)];
    if (a === undefined) return b === undefined ? [] : [{ role: b.role, name: b.name, change: 'added' }];
    if (b === undefined) return [{ role: a.role, name: a.name, change: 'removed' }];
    return a.fingerprint === b.fingerprint ? [] : [{ role: a.role, name: a.name, change: 'key-changed' }];
  });
}

function namesOf(...maps: readonly ReadonlyMap<string, unknown>[]): string[] {
  return [...new Set(maps.flatMap((map) => [...map.keys()]))].sort(compareNames);
}
