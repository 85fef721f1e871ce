import { setTimeout as delay } from 'node:timers/promises';
import type { AccessKey, AwsAccount, IamGroupMembers, IamUser } from './client.ts';
import { REPOSITORY_TAG, type DesiredUser } from './desired.ts';

/** What a run that did not finish wrote down before it asked for a key, and after it got one. */
export type UnfinishedKey =
  | {
    readonly phase: 'creating';
    /** Ids of the keys that the user had before. */
    readonly existingKeys: readonly string[];
    /** The window, by AWS's clock, in which the key can have been created. */
    readonly from: Date;
    readonly until: Date;
  }
  | { readonly phase: 'created'; readonly keyId: string };

/** One user in one account, as AWS has it. */
export interface ObservedUser {
  readonly user: IamUser | undefined;
  readonly group: IamGroupMembers | undefined;
  /** Members of the group that no run of this tool for this repository made; looked at only where our user shall join them. */
  readonly strangersInGroup: readonly string[];
  /** The text of the group's inline policy. */
  readonly policy: string | undefined;
  /** ARNs; undefined where the file does not manage them. */
  readonly managedPolicies: readonly string[] | undefined;
  readonly keys: readonly AccessKey[];
  /** Keys that an unfinished run of ours made, whose secret is lost. */
  readonly orphans: readonly string[];
}

/** Two clocks of AWS, and its whole seconds. */
const CLOCK_SLACK_MS = 2000;

/** Asks AWS for what a plan needs: two calls for a user that does not exist, four for one that does. */
export async function observeUser(
  account: AwsAccount, desired: DesiredUser, unfinished: UnfinishedKey | undefined, itemKeyId: string | undefined,
): Promise<ObservedUser> {
  const [user, group] = await Promise.all([account.getUser(desired.user), account.getGroup(desired.group)]);
  const [policy, managedPolicies, strangersInGroup, { keys, orphans }] = await Promise.all([
    group === undefined ? undefined : account.getGroupPolicy(desired.group, desired.group),
    desired.managedPolicies === undefined ? undefined
      : group === undefined ? [] : account.listAttachedGroupPolicies(desired.group).then((attached) => attached.map(({ arn }) => arn)),
    group === undefined || group.users.includes(desired.user) ? [] : strangersAmong(account, group.users, desired.tags[REPOSITORY_TAG]),
    user === undefined ? { keys: [], orphans: [] } : settledKeys(account, desired.user, unfinished, itemKeyId),
  ]);
  return { user, group, policy, managedPolicies, strangersInGroup, keys, orphans };
}

async function strangersAmong(account: AwsAccount, members: readonly string[], repository: string | undefined): Promise<string[]> {
  const users = await Promise.all(members.map((name) => account.getUser(name)));
  return members.filter((_, i) => users[i] !== undefined && users[i].tags[REPOSITORY_TAG] !== repository);
}

/** How long after a request that was cut off its key may take to show up in a list: IAM is eventually consistent. */
const SETTLE_MS = 3000;
const LOOK_AGAIN_MS = 500;

/**
 * The user's keys, and which of them an unfinished run made and nobody has the secret of. Right after that run it looks
 * again for a while before it believes that there is none.
 */
export async function settledKeys(
  account: AwsAccount, user: string, unfinished: UnfinishedKey | undefined, itemKeyId: string | undefined,
): Promise<{ readonly keys: readonly AccessKey[]; readonly orphans: readonly string[] }> {
  for (let waited = 0; ; waited += LOOK_AGAIN_MS) {
    const keys = await account.listAccessKeys(user);
    if (unfinished === undefined) return { keys, orphans: [] };
    const orphans = await orphansAmong(account, keys, unfinished, itemKeyId);
    if (orphans.length > 0 || unfinished.phase === 'created') return { keys, orphans };
    const passed = (account.serverTime()?.getTime() ?? 0) - unfinished.from.getTime();
    // Waiting is counted too, for a clock that cannot be believed.
    if (passed > SETTLE_MS || waited >= SETTLE_MS) return { keys, orphans };
    await delay(LOOK_AGAIN_MS);
  }
}

/**
 * After the reply was lost the key's id is not known; then it is a key that was not there before, created while our request
 * can have been under way, and never used, since nobody could.
 */
async function orphansAmong(
  account: AwsAccount, keys: readonly AccessKey[], unfinished: UnfinishedKey, itemKeyId: string | undefined,
): Promise<string[]> {
  const others = keys.filter(({ id }) => id !== itemKeyId);
  if (unfinished.phase === 'created') return others.filter(({ id }) => id === unfinished.keyId).map(({ id }) => id);
  const fresh = others.filter(({ id, createDate }) =>
    !unfinished.existingKeys.includes(id)
    && createDate.getTime() >= unfinished.from.getTime() - CLOCK_SLACK_MS
    && createDate.getTime() <= unfinished.until.getTime() + CLOCK_SLACK_MS);
  const used = await Promise.all(fresh.map(({ id }) => account.getAccessKeyLastUsed(id)));
  return fresh.filter((_, i) => used[i] === undefined).map(({ id }) => id);
}
