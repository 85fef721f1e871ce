import pLimit from 'p-limit';
import { isVaultError, VaultError } from '../../errors.ts';
import type { IamFile } from '../../policy/iamFile.ts';
import type { Identity } from '../../sealing/identity.ts';
import type { Form } from '../items/changeItem.ts';
import { refuseChangedKeys } from '../knownKeys.ts';
import { signerOf, trustRoster, type Trust, type Workspace } from '../workspace.ts';
import { applyJob } from './applyJob.ts';
import { openIamAudiences, type IamAudiences } from './iamAudiences.ts';
import { reportOf, type Job, type JobReport, type PlannedJob } from './job.ts';
import { planJob } from './planJob.ts';
import { prepareJobs, type PrepareOptions } from './prepareJobs.ts';

export interface IamOptions extends PrepareOptions {
  readonly identity: Identity;
  readonly adopt: boolean;
  readonly acceptKeys: readonly string[];
  /** Make items anew that were here before and are gone. */
  readonly recreate: boolean;
  /** How the items reach their recipients; undefined: as they do, and new ones one by one. */
  readonly form?: Form | undefined;
  readonly onStep: (job: Job, step: string) => void;
}

export interface CreateIamOptions extends IamOptions {
  readonly verify: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Asked once, where a plan takes something away from somebody. */
  readonly confirm: (reports: readonly JobReport[]) => Promise<boolean>;
  /** Called once before anything is changed. */
  readonly onPlan?: (reports: readonly JobReport[]) => void;
}

/** Jobs that are worked on at once; each account has its own, lower limit of calls in flight. */
const CONCURRENCY = 32;

/** What `vault create iam` would do. Changes nothing. */
export async function planIam(workspace: Workspace, files: readonly IamFile[], options: IamOptions): Promise<JobReport[]> {
  const trust = await trustRoster(workspace);
  const { outcomes } = await planAll(workspace, trust, files, options);
  for (const { planned } of outcomes) planned?.present?.open.wipe();
  return outcomes.map(({ report }) => report);
}

/**
 * Makes the accounts and the vault what the files say. One job's failure does not stop the others: it is in that job's report.
 * @throws VaultError for what is wrong before any account is asked, and `interrupted` where the confirmation was refused
 */
export async function createIam(workspace: Workspace, files: readonly IamFile[], options: CreateIamOptions): Promise<JobReport[]> {
  const trust = await trustRoster(workspace, { firstUse: 'refuse' });
  // One run at a time for each user of each machine: two would see each other's unfinished keys as orphans.
  return await workspace.state.locked(async () => {
    const { outcomes, signer, audiences } = await planAll(workspace, trust, files, options);
    const plans = outcomes.map(({ report }) => report);
    options.onPlan?.(plans);
    if (plans.some(({ changes }) => changes.some(({ removes }) => removes === true)) && !await options.confirm(plans)) {
      throw new VaultError('interrupted', 'Nothing was changed.', { details: { declined: true } });
    }
    audiences.agree(plans.flatMap(({ changes }) => changes.flatMap(({ resource, removes, name }) => (resource === 'recipient' && removes === true ? [name] : []))));
    const limit = pLimit(CONCURRENCY);
    return await Promise.all(outcomes.map(({ job, planned, report }) => limit(async () => {
      if (planned === undefined) return report;
      try {
        const done = await applyJob(workspace, trust, planned, { ...options, signer, audiences });
        options.onStep(job, 'done');
        return reportOf(job, done);
      } catch (error) {
        if (!isVaultError(error)) throw error;
        options.onStep(job, 'failed');
        return reportOf(job, planned, error);
      } finally {
        planned.present?.open.wipe();
      }
    })));
  }, ['journal', trust.repository, 'run'], options.signal);
}

interface Outcome {
  readonly job: Job;
  readonly planned: PlannedJob | undefined;
  readonly report: JobReport;
}

async function planAll(workspace: Workspace, trust: Trust, files: readonly IamFile[], options: IamOptions): Promise<{ outcomes: Outcome[]; signer: ReturnType<typeof signerOf>; audiences: IamAudiences }> {
  const signer = signerOf(trust.roster, options.identity);
  const { acceptKeys, skipUnsealable, allowEmpty } = options;
  const audiences = openIamAudiences(workspace, trust, signer, options.form, { acceptKeys, skipUnsealable, allowEmpty, cleanUnknown: true });
  const jobs = await prepareJobs(workspace, trust, files, options);
  const limit = pLimit(CONCURRENCY);
  const outcomes = await Promise.all(jobs.map((job) => limit(async (): Promise<Outcome> => {
    options.onStep(job, 'plan');
    try {
      const planned = await planJob(workspace, trust, job, { ...options, signer, audiences });
      return { job, planned, report: reportOf(job, planned) };
    } catch (error) {
      // A changed key stops the whole run: it may be somebody's attempt to be sealed to.
      if (!isVaultError(error) || error.code === 'key-changed') throw error;
      return { job, planned: undefined, report: reportOf(job, undefined, error) };
    }
  })));
  const newcomers = outcomes.flatMap(({ planned }) => (planned === undefined || planned.item.kind === 'keep' ? [] : planned.item.newcomers));
  await refuseChangedKeys(workspace, trust, newcomers, options.acceptKeys);
  return { outcomes: refuseTwins(outcomes), signer, audiences };
}

/** Two profiles may lead to one account: then two jobs would fight over one user. */
function refuseTwins(outcomes: readonly Outcome[]): Outcome[] {
  const seen = new Map<string, string>();
  return outcomes.map((outcome) => {
    const { planned, job } = outcome;
    if (planned === undefined) return outcome;
    const id = `${planned.accountId} ${job.desired.user}`;
    const other = seen.get(id);
    seen.set(id, other ?? job.desired.account);
    if (other === undefined) return outcome;
    planned.present?.open.wipe();
    const error = new VaultError('profile-invalid', `Profiles ${other} and ${job.desired.account} lead to the same account, ${planned.accountId}: user ${job.desired.user} would be made twice.`, {
      hint: 'Name the account once.', details: { account: job.desired.account, other, accountId: planned.accountId },
    });
    return { job, planned: undefined, report: reportOf(job, undefined, error) };
  });
}
