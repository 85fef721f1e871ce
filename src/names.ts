import { VaultError } from './errors.ts';

/** What a name is the name of; it appears in messages. */
export type NameKind = 'vault' | 'item' | 'field' | 'node' | 'admin' | 'role' | 'account' | 'user' | 'group';

/** Longest name of anything, in characters. */
export const NAME_MAX = 128;

/**
 * Letters, digits and `_ . @ + = , -`: what IAM allows in user and group names, and safe as one path segment.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (names)
 */
const NAME = /^[A-Za-z0-9_@+=,-][A-Za-z0-9_.@+=,-]*$/;

/** Names of properties that a JavaScript object has of itself; never accepted as a name. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

/** IAM's own, shorter limit. */
const MAX: Partial<Record<NameKind, number>> = { user: 64 };

/** Suffix of the document beside an item that says who can open it; so no item may end in it. */
export const KEYS_SUFFIX = '_keys';

/** Names of audiences, which lie among the items of a vault; no other item has one. */
const AUDIENCE = /^audience-[0-9a-f]{32}$/;

/** Whether `name` is that of an audience, whom other items are sealed to as one; see docs/format.md, "Audiences". */
export function isAudienceName(name: string): boolean {
  return AUDIENCE.test(name);
}

/** Why `name` cannot be used as the name of a `kind`, or undefined where it can. */
export function nameProblem(kind: NameKind, name: string): string | undefined {
  const max = MAX[kind] ?? NAME_MAX;
  if (name.length === 0) return 'it is empty';
  if (name.length > max) return `it has ${String(name.length)} characters; at most ${String(max)} are allowed`;
  if (name.startsWith('.')) return 'it starts with a dot';
  if (!NAME.test(name)) return 'only letters, digits and _ . @ + = , - are allowed';
  if (RESERVED.has(name)) return 'that name is reserved';
  if (kind === 'item' && name.endsWith(KEYS_SUFFIX)) {
    return `names ending in ${KEYS_SUFFIX} are kept for the documents that list an item's recipients`;
  }
  return undefined;
}

/** Returns `name`, or throws `name-invalid`. */
export function checkName(kind: NameKind, name: string): string {
  const problem = nameProblem(kind, name);
  if (problem !== undefined) {
    throw new VaultError('name-invalid', `${JSON.stringify(name.slice(0, 200))} cannot be the name of a ${kind}: ${problem}.`, {
      details: { kind, name: name.slice(0, 200) },
    });
  }
  return name;
}
