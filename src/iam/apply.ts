import { isVaultError } from '../errors.ts';
import { awsCodeOf } from './awsErrors.ts';
import type { AwsAccount } from './client.ts';
import type { DesiredUser } from './desired.ts';
import type { Change } from './plan.ts';

/**
 * Makes one change of a plan. Access keys that are created, items and recipients are not made here: see accessKey.ts and
 * the operations.
 * @throws VaultError aws-*; aws-refused with awsCode EntityAlreadyExists where somebody else was faster
 */
export async function applyChange(account: AwsAccount, desired: DesiredUser, { action, resource, name }: Change): Promise<void> {
  const { user, group } = desired;
  switch (resource) {
    case 'group':
      await account.createGroup({ name: group, path: desired.path });
      return;
    case 'group-policy':
      await account.putGroupPolicy(group, group, desired.policy);
      return;
    case 'managed-policy':
      if (action === 'delete') await account.detachGroupPolicy(group, name);
      else await account.attachGroupPolicy(group, name);
      return;
    case 'user':
      await account.createUser({ name: user, path: desired.path, tags: desired.tags, permissionsBoundary: desired.permissionsBoundary });
      return;
    case 'user-tags':
      await account.tagUser(user, desired.tags);
      return;
    case 'permissions-boundary':
      if (desired.permissionsBoundary === undefined) await account.deleteUserPermissionsBoundary(user);
      else await account.putUserPermissionsBoundary(user, desired.permissionsBoundary);
      return;
    case 'membership':
      await account.addUserToGroup(user, group);
      return;
    case 'access-key':
      if (action === 'delete') await deleteKey(account, user, name);
      return;
    case 'item':
    case 'recipient':
      return;
  }
}

/** Deletes a key of ours; one that is gone already is as good. */
export async function deleteKey(account: AwsAccount, user: string, keyId: string): Promise<void> {
  try {
    await account.deleteAccessKey(user, keyId);
  } catch (error) {
    if (awsCodeOf(error) !== 'NoSuchEntity') throw error;
  }
}

/** True where a change failed because somebody, or an earlier attempt whose reply was lost, made the thing meanwhile. */
export function wasMadeMeanwhile(error: unknown): boolean {
  return isVaultError(error, 'aws-refused') && awsCodeOf(error) === 'EntityAlreadyExists';
}
