import { isDeepStrictEqual } from 'node:util';
import { VaultError } from '../errors.ts';
import { shellWord } from './awsErrors.ts';
import { REPOSITORY_TAG, type DesiredUser } from './desired.ts';
import type { ObservedUser, UnfinishedKey } from './observe.ts';

export type ChangeAction = 'create' | 'update' | 'delete';

export type ChangeResource =
  | 'group' | 'group-policy' | 'managed-policy' | 'user' | 'user-tags' | 'permissions-boundary' | 'membership' | 'access-key'
  | 'item' | 'recipient';

/** One thing that a run would do. */
export interface Change {
  readonly action: ChangeAction;
  readonly resource: ChangeResource;
  readonly name: string;
  /** Why, or what exactly; for people. */
  readonly detail?: string;
  /** It takes something away from somebody: shown and confirmed before it is done. */
  readonly removes?: true;
}

/** What becomes of the user's access key. */
export type KeyPlan =
  | { readonly kind: 'keep'; readonly keyId: string }
  | { readonly kind: 'create' };

/** What a run would do for one user in one account. */
export interface UserPlan {
  /** In the order in which they are applied. */
  readonly changes: readonly Change[];
  readonly key: KeyPlan;
  /** What a person should know, and what is left as it is. */
  readonly notes: readonly string[];
}

export interface PlanInput {
  readonly desired: DesiredUser;
  readonly observed: ObservedUser;
  readonly unfinished: UnfinishedKey | undefined;
  /** The id in the sealed item; undefined where there is no item yet. */
  readonly itemKeyId: string | undefined;
  /** Take over a user or a group that this tool did not make. */
  readonly adopt: boolean;
}

/** IAM's limit. */
const KEYS_MAX = 2;

/**
 * Compares what is wanted with what is there. Pure: the same input gives the same plan.
 * @throws VaultError iam-user-not-ours, iam-group-not-ours, iam-key-limit, iam-key-ambiguous
 */
export function planUser(input: PlanInput): UserPlan {
  refuseStrangers(input);
  const notes: string[] = [];
  const key = planKey(input, notes);
  const { desired, observed } = input;
  if (observed.user !== undefined && observed.user.path !== desired.path) {
    notes.push(`The user's path is ${observed.user.path}, not ${desired.path}: a path is set when the user is created, and was left as it is.`);
  }
  return { changes: [...planGroup(desired, observed), ...planIdentity(desired, observed), ...key.changes], key: key.plan, notes };
}

function refuseStrangers({ desired, observed, adopt }: PlanInput): void {
  if (adopt) return;
  const { user, strangersInGroup } = observed;
  if (user !== undefined && user.tags[REPOSITORY_TAG] !== desired.tags[REPOSITORY_TAG]) {
    const other = user.tags[REPOSITORY_TAG];
    throw new VaultError('iam-user-not-ours', `User ${desired.user} in ${desired.account} exists, and ${other === undefined ? 'was not made by this tool' : 'belongs to another vault repository'}.`, {
      hint: 'Choose another user name, or take it over with --adopt. Its present keys and groups stay.',
      details: { account: desired.account, user: desired.user },
    });
  }
  if (strangersInGroup.length > 0) {
    throw new VaultError('iam-group-not-ours', `Group ${desired.group} in ${desired.account} exists, with members that this tool did not make: ${strangersInGroup.join(', ')}.`, {
      hint: 'Its policy would change for them too. Choose another group name, or take the group over with --adopt.',
      details: { account: desired.account, group: desired.group, members: strangersInGroup },
    });
  }
}

function planGroup(desired: DesiredUser, observed: ObservedUser): Change[] {
  const changes: Change[] = [];
  if (observed.group === undefined) changes.push({ action: 'create', resource: 'group', name: desired.group });
  if (observed.policy === undefined) {
    changes.push({ action: 'create', resource: 'group-policy', name: desired.group });
  } else {
    const before = parsePolicy(observed.policy);
    const after = parsePolicy(desired.policy);
    if (!isDeepStrictEqual(before, after)) {
      const lost = statementsOf(before).filter((old) => !statementsOf(after).some((each) => isDeepStrictEqual(old, each))).length;
      changes.push({
        action: 'update', resource: 'group-policy', name: desired.group,
        ...(lost === 0 ? {} : { removes: true, detail: `${String(lost)} of the present statements ${lost === 1 ? 'is' : 'are'} changed or taken away` }),
      });
    }
  }
  const attached = observed.managedPolicies ?? [];
  for (const arn of desired.managedPolicies ?? []) {
    if (!attached.includes(arn)) changes.push({ action: 'create', resource: 'managed-policy', name: arn });
  }
  for (const arn of attached) {
    if (desired.managedPolicies?.includes(arn) === false) changes.push({ action: 'delete', resource: 'managed-policy', name: arn, removes: true });
  }
  return changes;
}

function planIdentity(desired: DesiredUser, { user, group }: ObservedUser): Change[] {
  const changes: Change[] = [];
  if (user === undefined) {
    changes.push({ action: 'create', resource: 'user', name: desired.user });
  } else {
    const differing = Object.entries(desired.tags).filter(([key, value]) => user.tags[key] !== value).map(([key]) => key);
    if (differing.length > 0) changes.push({ action: 'update', resource: 'user-tags', name: desired.user, detail: differing.join(', ') });
    if (user.permissionsBoundary !== desired.permissionsBoundary) {
      changes.push({
        action: desired.permissionsBoundary === undefined ? 'delete' : user.permissionsBoundary === undefined ? 'create' : 'update',
        resource: 'permissions-boundary', name: desired.permissionsBoundary ?? user.permissionsBoundary ?? '', removes: true,
      });
    }
  }
  if (group?.users.includes(desired.user) !== true) {
    changes.push({ action: 'create', resource: 'membership', name: desired.user, detail: `in group ${desired.group}` });
  }
  return changes;
}

function planKey(input: PlanInput, notes: string[]): { plan: KeyPlan; changes: Change[] } {
  const { desired, observed, unfinished, itemKeyId } = input;
  const { keys, orphans } = observed;
  if (unfinished?.phase === 'creating' && orphans.length > 1) {
    throw new VaultError('iam-key-ambiguous', `An interrupted run may have made one of these access keys of ${desired.user} in ${desired.account}, and it cannot be told which: ${orphans.join(', ')}.`, {
      hint: `Find out which one is in use, and delete the other: aws iam delete-access-key --user-name ${desired.user} --access-key-id ID --profile ${shellWord(desired.account)}. Then run the command again.`,
      details: { account: desired.account, user: desired.user, keys: orphans },
    });
  }
  const changes: Change[] = orphans.map((name) => ({
    action: 'delete', resource: 'access-key', name, detail: 'made by an interrupted run; its secret is lost',
  }));
  const own = keys.find(({ id }) => id === itemKeyId);
  const strangers = keys.filter(({ id }) => id !== itemKeyId && !orphans.includes(id));
  if (strangers.length > 0) notes.push(`Access ${strangers.length === 1 ? 'key' : 'keys'} ${strangers.map(({ id }) => id).join(', ')} of ${desired.user} ${strangers.length === 1 ? 'is' : 'are'} in no item: left alone.`);
  if (own?.status === 'Active') return { plan: { kind: 'keep', keyId: own.id }, changes };
  if (strangers.length >= KEYS_MAX) {
    throw new VaultError('iam-key-limit', `User ${desired.user} in ${desired.account} has ${String(KEYS_MAX)} access keys that are in no item (${strangers.map(({ id }) => id).join(', ')}), and IAM allows no third.`, {
      hint: 'Delete one that is not used: "aws iam get-access-key-last-used" tells which. This tool deletes no key that it did not make.',
      details: { account: desired.account, user: desired.user, keys: strangers.map(({ id }) => id) },
    });
  }
  if (own !== undefined) {
    changes.push({ action: 'delete', resource: 'access-key', name: own.id, detail: 'inactive', removes: true });
  }
  const gone = own === undefined && itemKeyId !== undefined;
  changes.push({ action: 'create', resource: 'access-key', name: desired.user, ...(gone ? { detail: `${itemKeyId} of the item is gone` } : {}) });
  return { plan: { kind: 'create' }, changes };
}

/** The policy as a value, `Statement` and single texts being what IAM takes them for: lists. */
function parsePolicy(text: string): unknown {
  try {
    return normalize(JSON.parse(text));
  } catch {
    return text; // Not JSON: differs from whatever is wanted.
  }
}

const LISTS = new Set(['Statement', 'Action', 'NotAction', 'Resource', 'NotResource']);

function normalize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) =>
    [key, normalize(LISTS.has(key) && !Array.isArray(member) ? [member] : member)]));
}

function statementsOf(policy: unknown): unknown[] {
  return typeof policy === 'object' && policy !== null && 'Statement' in policy && Array.isArray(policy.Statement) ? policy.Statement : [policy];
}
