import { VaultError } from '../../errors.ts';
import type { AwsAccount } from '../../iam/client.ts';
import { desiredUsers } from '../../iam/desired.ts';
import type { IamFile } from '../../policy/iamFile.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { chooseRecipients, type ChosenRecipients } from '../chooseRecipients.ts';
import type { Job } from './job.ts';

export interface PrepareOptions {
  readonly skipUnsealable: boolean;
  readonly allowEmpty: boolean;
  /** Opens a profile; called once for each name. @throws VaultError profile-* */
  readonly openAccount: (profile: string) => AwsAccount;
}

/**
 * Everything that can be found wrong before any account is asked: queries, keys, admins, profiles, files that contradict
 * each other. Nothing has been created anywhere when this throws.
 */
export async function prepareJobs(workspace: Workspace, trust: Trust, files: readonly IamFile[], options: PrepareOptions): Promise<Job[]> {
  refuseContradictions(files);
  const accounts = new Map<string, Pick<Job, 'account' | 'accountIdentity'>>();
  for (const name of new Set(files.flatMap((file) => file.accounts))) accounts.set(name, withIdentity(options.openAccount(name)));

  const chosen = new Map<string, Promise<ChosenRecipients>>();
  const jobs: Job[] = [];
  for (const file of files) {
    const audience = JSON.stringify([file.searchQuery, file.admins ?? null]);
    let choice = chosen.get(audience);
    if (choice === undefined) {
      choice = chooseRecipients(workspace.store, trust.roster, file.searchQuery, { ...options, admins: file.admins });
      chosen.set(audience, choice);
      const { skipped, warning } = await choice;
      if (warning !== undefined) workspace.notice(warning);
      for (const { name, reason } of skipped) workspace.notice(`Skipped node ${name}: ${reason}`);
    }
    const { recipients } = await choice;
    for (const desired of desiredUsers(file, trust.repository)) {
      const account = accounts.get(desired.account);
      if (account !== undefined) jobs.push({ file, desired, ...account, recipients });
    }
  }
  return jobs;
}

function withIdentity(account: AwsAccount): Pick<Job, 'account' | 'accountIdentity'> {
  let identity: Promise<string> | undefined;
  return { account, accountIdentity: () => (identity ??= account.getCallerIdentity().then(({ account: id }) => id)) };
}

/** Two files must not fight over a user, an item or a group. */
function refuseContradictions(files: readonly IamFile[]): void {
  const users = new Map<string, string>();
  const groups = new Map<string, { source: string; policy: string }>();
  for (const file of files) {
    const policy = JSON.stringify([file.policy, file.managedPolicies]);
    for (const account of file.accounts) {
      const user = users.get(`${account}\n${file.user}`);
      if (user !== undefined) {
        throw new VaultError('input-invalid', `${user} and ${file.source} both describe user ${file.user} in ${account}.`, {
          hint: 'Merge the two files, or run them apart.', details: { account, user: file.user, sources: [user, file.source] },
        });
      }
      users.set(`${account}\n${file.user}`, file.source);
      const group = groups.get(`${account}\n${file.group}`);
      if (group !== undefined && group.policy !== policy) {
        throw new VaultError('input-invalid', `${group.source} and ${file.source} give group ${file.group} in ${account} different policies.`, {
          hint: 'Give them the same policy, or different groups.', details: { account, group: file.group, sources: [group.source, file.source] },
        });
      }
      groups.set(`${account}\n${file.group}`, { source: file.source, policy });
    }
  }
}
