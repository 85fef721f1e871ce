import type { AwsAccount } from '../../iam/client.ts';
import type { DesiredUser } from '../../iam/desired.ts';
import type { ObservedUser } from '../../iam/observe.ts';
import type { Change, KeyPlan } from '../../iam/plan.ts';
import type { IamFile } from '../../policy/iamFile.ts';
import type { Recipient } from '../../items/recipients.ts';
import type { OpenItem, VerifiedItem } from '../../items/verify.ts';
import type { VaultError } from '../../errors.ts';
import type { Form } from '../items/changeItem.ts';

/** One user in one account: what a run works on, apart from all others. */
export interface Job {
  readonly file: IamFile;
  readonly desired: DesiredUser;
  readonly account: AwsAccount;
  /** The account's twelve digits; asked for once, whatever the number of jobs. */
  readonly accountIdentity: () => Promise<string>;
  readonly recipients: readonly Recipient[];
}

/** The sealed item that a job finds. */
export interface PresentItem {
  readonly verified: VerifiedItem;
  readonly open: OpenItem;
  readonly keyId: string;
  /** Where it is sealed to one. */
  readonly audience: VerifiedItem | undefined;
}

/** How the item will be written, apart from a new key; where it is sealed to an audience, newcomers are those of the audience. */
export type ItemPlan =
  | { readonly kind: 'keep' }
  /** Seal to newcomers alone. */
  | { readonly kind: 'extend'; readonly newcomers: readonly Recipient[] }
  /** Encrypt anew, under a new data key. */
  | { readonly kind: 'reseal'; readonly newcomers: readonly Recipient[] };

/** A job with what would be done. */
export interface PlannedJob extends Job {
  readonly accountId: string;
  readonly observed: ObservedUser;
  readonly present: PresentItem | undefined;
  /** Number of the generation that would be written. */
  readonly generation: number;
  readonly changes: readonly Change[];
  readonly key: KeyPlan;
  readonly item: ItemPlan;
  readonly form: Form;
  readonly notes: readonly string[];
}

/** How a job ended, or where it stands. */
export interface JobReport {
  readonly account: string;
  readonly user: string;
  readonly group: string;
  readonly item: string;
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  /** The job failed. `changes` are then those that were planned, not those that were made. */
  readonly error?: VaultError;
}

/** The report of a job. */
export function reportOf(job: Pick<Job, 'desired'>, planned: Pick<PlannedJob, 'changes' | 'notes'> | undefined, error?: VaultError): JobReport {
  const { account, user, group, vault, item } = job.desired;
  return { account, user, group, item: `${vault}/${item}`, changes: planned?.changes ?? [], notes: planned?.notes ?? [], ...(error === undefined ? {} : { error }) };
}
