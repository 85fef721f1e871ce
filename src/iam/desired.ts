import { canonicalJson, type Json } from '../json/canonical.ts';
import type { IamFile } from '../policy/iamFile.ts';
import { itemName } from '../policy/itemName.ts';
import type { ItemRef } from '../sealing/dataKey.ts';

/** The tag by which a user says that this tool made it, and for which repository: the digest of version 1 of its roster. */
export const REPOSITORY_TAG = 'iam-vault:repository';

/** One user in one account, as an IAM file wants it. */
export interface DesiredUser extends ItemRef {
  /** Name of the profile. */
  readonly account: string;
  readonly user: string;
  /** The group, and its inline policy of the same name. */
  readonly group: string;
  /** JSON text of the inline policy. */
  readonly policy: string;
  readonly path: string;
  /** The file's tags and our own. */
  readonly tags: Readonly<Record<string, string>>;
  readonly permissionsBoundary: string | undefined;
  /** ARNs. Undefined: whatever is attached stays, unseen. */
  readonly managedPolicies: readonly string[] | undefined;
}

/** What an IAM file wants, account by account. `repository` is the digest of version 1 of its roster. */
export function desiredUsers(file: IamFile, repository: string): DesiredUser[] {
  return file.accounts.map((account) => {
    const item = itemName(account, file.user);
    return {
      account,
      user: file.user,
      group: file.group,
      policy: canonicalJson(file.policy as unknown as Json),
      path: file.path,
      tags: { ...file.tags, [REPOSITORY_TAG]: repository },
      permissionsBoundary: file.permissionsBoundary,
      managedPolicies: file.managedPolicies,
      vault: file.vault,
      item,
    };
  });
}
