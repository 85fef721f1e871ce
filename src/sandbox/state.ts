import { ApiError, noSuchEntity } from './apiError.ts';
import type { SecretText } from './secretText.ts';

export interface User {
  readonly name: string;
  readonly path: string;
  /** AIDA… */
  readonly id: string;
  /** Milliseconds since 1970, here and below. */
  readonly createdAt: number;
  readonly tags: Map<string, string>;
  permissionsBoundary: string | undefined;
  /** May call every action of its account: the operator that the sandbox starts with. */
  readonly administrator: boolean;
}

export interface Group {
  readonly name: string;
  readonly path: string;
  /** AGPA… */
  readonly id: string;
  readonly createdAt: number;
  /** Names of users. */
  readonly members: Set<string>;
  /** Name to document, as it was given. */
  readonly inlinePolicies: Map<string, string>;
  /** ARNs. */
  readonly attachedPolicies: Set<string>;
}

export type KeyOwner =
  | { readonly kind: 'user'; readonly userName: string }
  | {
      /** `user-session` is of GetSessionToken, `role-session` of AssumeRole. */
      readonly kind: 'user-session' | 'role-session';
      readonly arn: string;
      readonly userId: string;
      readonly administrator: boolean;
      readonly expiresAt: number;
      readonly token: SecretText;
    };

export interface AccessKey {
  readonly id: string;
  readonly secret: SecretText;
  readonly accountId: string;
  readonly owner: KeyOwner;
  /** The key that the sandbox started with: it works from the first moment. */
  readonly seeded: boolean;
  readonly createdAt: number;
  status: 'Active' | 'Inactive';
  /** Set when it is deleted: it is listed no more, and works until the deletion has propagated. */
  deletedAt: number | undefined;
  lastUsed: { readonly at: number; readonly service: string; readonly region: string } | undefined;
}

export interface Account {
  readonly name: string;
  /** 12 digits. */
  readonly id: string;
  /** By name in lower case: IAM's names are unique whatever their case. */
  readonly users: Map<string, User>;
  readonly groups: Map<string, Group>;
}

export interface State {
  /** By account id. */
  readonly accounts: Map<string, Account>;
  /** By access key id, over all accounts, as at AWS. */
  readonly accessKeys: Map<string, AccessKey>;
}

/** @throws ApiError NoSuchEntity */
export function findUser(account: Account, name: string): User {
  const user = account.users.get(name.toLowerCase());
  if (user?.name !== name) throw noSuchEntity('user', name);
  return user;
}

/** @throws ApiError NoSuchEntity */
export function findGroup(account: Account, name: string): Group {
  const group = account.groups.get(name.toLowerCase());
  if (group?.name !== name) throw noSuchEntity('group', name);
  return group;
}

/** Access keys of a user that are not deleted, oldest first. */
export function keysOf(state: State, account: Account, userName: string): AccessKey[] {
  return [...state.accessKeys.values()].filter(
    (key) => key.accountId === account.id && key.deletedAt === undefined && key.owner.kind === 'user' && key.owner.userName === userName,
  );
}

/** @throws ApiError NoSuchEntity also where the key is another user's */
export function findKey(state: State, account: Account, userName: string, id: string): AccessKey {
  const key = keysOf(state, account, userName).find((candidate) => candidate.id === id);
  if (key === undefined) throw noSuchEntity('Access Key', id);
  return key;
}

export function groupsOf(account: Account, userName: string): Group[] {
  return [...account.groups.values()].filter((group) => group.members.has(userName));
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
export function arnOf(account: Account, kind: 'user' | 'group', { path, name }: { path: string; name: string }): string {
  return `arn:aws:iam::${account.id}:${kind}${path}${name}`;
}

/**
 * The part of a list that a request asked for, in order of the names, and the marker of the next part.
 * A marker names the last item that was given, so it holds when items come and go between two pages.
 * @throws ApiError ValidationError for a marker that we did not give out
 */
export function page<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  { Marker, MaxItems }: { readonly Marker?: string | undefined; readonly MaxItems: number },
): { readonly items: T[]; readonly marker: string | undefined } {
  const sorted = items.map((item) => ({ item, name: nameOf(item) })).sort((left, right) => (left.name < right.name ? -1 : 1));
  const after = Marker === undefined ? undefined : readMarker(Marker);
  const rest = after === undefined ? sorted : sorted.filter(({ name }) => name > after);
  const given = rest.slice(0, MaxItems);
  const last = given.at(-1);
  return {
    items: given.map(({ item }) => item),
    marker: last !== undefined && rest.length > given.length ? Buffer.from(`after:${last.name}`).toString('base64url') : undefined,
  };
}

function readMarker(marker: string): string {
  const text = Buffer.from(marker, 'base64url').toString();
  if (!text.startsWith('after:')) throw new ApiError('ValidationError', 'Invalid Marker.');
  return text.slice('after:'.length);
}
