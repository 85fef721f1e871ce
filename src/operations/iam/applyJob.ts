import { makeAccessKey } from '../../iam/accessKey.ts';
import { applyChange, wasMadeMeanwhile } from '../../iam/apply.ts';
import type { NewAccessKey } from '../../iam/client.ts';
import { extendItem, sealItem, type Signer } from '../../items/seal.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { Json } from '../../json/canonical.ts';
import { rememberGeneration } from '../../state/generations.ts';
import { openKeyJournal } from '../../state/keyJournal.ts';
import type { Trust, Workspace } from '../workspace.ts';
import type { Job, PlannedJob } from './job.ts';
import { planJob, type PlanOptions } from './planJob.ts';

export interface ApplyOptions extends PlanOptions {
  /** Try a new key before it is sealed. */
  readonly verify: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onStep: (job: Job, step: string) => void;
}

/** How often a job is planned again because somebody made the same thing at the same time. */
const ATTEMPTS = 3;

/**
 * Carries out a plan: group and user, then the key, then the item. The key's secret is in memory until its item is stored.
 * @returns the plan that was carried out, which differs from the one given where the account changed meanwhile
 */
export async function applyJob(workspace: Workspace, trust: Trust, job: PlannedJob, options: ApplyOptions): Promise<PlannedJob> {
  let planned = job;
  for (let attempt = 1; ; attempt++) {
    try {
      await applyPlan(workspace, trust, planned, options);
      return planned;
    } catch (error) {
      if (!wasMadeMeanwhile(error) || attempt === ATTEMPTS) throw error;
      planned.present?.open.wipe();
      planned = await planJob(workspace, trust, job, options);
    }
  }
}

async function applyPlan(workspace: Workspace, trust: Trust, job: PlannedJob, options: ApplyOptions): Promise<void> {
  const { desired, account, accountId, observed, present } = job;
  const { signer } = options;
  const journal = openKeyJournal(workspace.state, { repository: trust.repository, accountId, user: desired.user });

  for (const change of job.changes) {
    if (change.resource === 'access-key' && change.action === 'create') continue;
    options.onStep(job, `${change.action} ${change.resource}`);
    await applyChange(account, desired, change);
  }

  const store = async (documents: ItemDocuments): Promise<void> => {
    const expected = present?.verified.header.generation ?? 0;
    await workspace.store.writeItem(desired, documents, expected);
    await rememberGeneration(workspace.state, trust.repository, desired, expected + 1);
  };

  switch (job.key.kind) {
    case 'create':
      await makeAccessKey({
        account, user: desired.user, journal, verify: options.verify, signal: options.signal, now: workspace.now,
        existingKeys: observed.keys.map(({ id }) => id).filter((id) => !observed.orphans.includes(id)),
        onStep: (step) => { options.onStep(job, `${step} access-key`); },
        seal: (key) => store(sealCredentials(job, trust, credentialsOf(key), signer, workspace.now())),
      });
      return;
    case 'keep':
      if (job.item.kind !== 'keep' && present !== undefined) {
        options.onStep(job, 'seal item');
        await store(resealItem(job, trust, present, signer, workspace.now()));
      }
      await journal.clear();
      return;
  }
}

function credentialsOf(key: NewAccessKey): Json {
  return { aws_access_key_id: key.id, aws_secret_access_key: key.secret.reveal() };
}

function sealCredentials({ desired, file, recipients, present }: PlannedJob, { repository }: Trust, data: Json, signer: Signer, time: Date): ItemDocuments {
  return sealItem({
    vault: desired.vault, item: desired.item, repository,
    fields: { data, search_query: file.searchQuery },
    searchQuery: file.searchQuery, recipients,
    generation: (present?.verified.header.generation ?? 0) + 1,
    signer, time,
  });
}

function resealItem(job: PlannedJob, trust: Trust, present: NonNullable<PlannedJob['present']>, signer: Signer, time: Date): ItemDocuments {
  if (job.item.kind !== 'extend') return sealCredentials(job, trust, present.open.field('data'), signer, time);
  const dataKey = present.open.copyDataKey();
  try {
    return extendItem({ verified: present.verified, dataKey, newcomers: job.item.newcomers, signer, time });
  } finally {
    dataKey.fill(0);
  }
}
