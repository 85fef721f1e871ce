import { isDeepStrictEqual } from 'node:util';
import { isVaultError, VaultError } from '../../errors.ts';
import { makeAccessKey } from '../../iam/accessKey.ts';
import { applyChange, wasMadeMeanwhile } from '../../iam/apply.ts';
import type { NewAccessKey } from '../../iam/client.ts';
import { compareAudience } from '../../items/audience.ts';
import { extendItem, sealItemWith, type Signer } from '../../items/seal.ts';
import { groupRecipient } from '../../items/group.ts';
import type { VerifiedItem } from '../../items/verify.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { Json } from '../../json/canonical.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import { rememberGeneration } from '../../state/generations.ts';
import { openKeyJournal } from '../../state/keyJournal.ts';
import type { Store } from '../../stores/store.ts';
import { premisesOf } from '../premises.ts';
import type { Trust, Workspace } from '../workspace.ts';
import type { Job, PlannedJob } from './job.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import { planJob, type PlanOptions } from './planJob.ts';

export interface ApplyOptions extends PlanOptions {
  /** Try a new key before it is sealed. */
  readonly verify: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onStep: (job: Job, step: string) => void;
}

/** How often a job is tried: it is planned again where somebody made the same thing at the same time. */
const ATTEMPTS = 3;

/**
 * Carries out a plan: group and user, then the key, then the item. The key's secret is in memory until its item is stored.
 * @returns the plan that was carried out, which differs from the one given where the account changed meanwhile
 */
export async function applyJob(workspace: Workspace, trust: Trust, job: PlannedJob, options: ApplyOptions, attempts = ATTEMPTS): Promise<PlannedJob> {
  try {
    await applyPlan(workspace, trust, job, options);
    return job;
  } catch (error) {
    if (!wasMadeMeanwhile(error) || attempts === 1) throw error;
    const again = await planJob(workspace, trust, job, options);
    try {
      if (takesMore(again, job)) throw error; // Nobody has confirmed that: the next run asks.
      return await applyJob(workspace, trust, again, options, attempts - 1);
    } finally {
      again.present?.open.wipe();
    }
  }
}

/** Whether a plan takes something away that another does not. */
function takesMore({ changes }: PlannedJob, other: PlannedJob): boolean {
  return changes.some((change) => change.removes === true && !other.changes.some((each) => isDeepStrictEqual(each, change)));
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

  const expected = present?.verified.header.generation ?? 0;
  const inline = premisesOf(workspace, trust, present === undefined ? job.recipients : compareAudience((present.audience ?? present.verified).keys, job.recipients).gained);
  const audience = { searchQuery: job.file.searchQuery, namedAdmins: job.file.admins ?? null, namedClients: [] };
  // Before there is a key that could be lost.
  const group = job.form === 'inline' || (job.key.kind === 'keep' && job.item.kind === 'keep') ? undefined : await options.audiences.settle(desired.vault, audience, job.recipients);
  const store = (documents: ItemDocuments): Promise<void> => storeItem(workspace, desired, documents, expected, group === undefined ? inline : options.audiences.premises(group));

  switch (job.key.kind) {
    case 'create':
      await makeAccessKey({
        account, user: desired.user, journal, verify: options.verify, signal: options.signal, now: workspace.now,
        existingKeys: observed.keys.map(({ id }) => id).filter((id) => !observed.orphans.includes(id)),
        onStep: (step) => { options.onStep(job, `${step} access-key`); },
        seal: async (key) => { await store(await sealCredentials(job, trust, credentialsOf(key), signer, workspace.now(), group)); },
      });
      break;
    case 'keep':
      if (job.item.kind === 'keep' || present === undefined || (group !== undefined && job.item.kind === 'extend')) {
        // The item that was found may be an interrupted run's, and not durable yet; after this the journal may go.
        await workspace.store.finishItem(desired);
        await journal.clear();
        return;
      }
      options.onStep(job, 'seal item');
      await store(await resealItem(job, trust, present, signer, workspace.now(), group));
      await journal.clear();
      break;
  }
  // Last: whether this works or not, the key is in its item.
  await rememberGeneration(workspace.state, trust.repository, desired, job.generation);
}

/**
 * Writes an item.
 * @throws VaultError as the store does, with `details.ambiguous` true where the item may be stored all the same
 */
async function storeItem({ store }: Workspace, ref: ItemRef, documents: ItemDocuments, expected: number, premises: () => Promise<void>): Promise<void> {
  try {
    await store.writeItem(ref, documents, expected, premises);
  } catch (error) {
    if (!isVaultError(error, 'store-unreachable') || !await mayBeStored(store, ref, documents)) throw error;
    throw new VaultError(error.code, `${error.message} ${ref.vault}/${ref.item} may be stored all the same.`, {
      cause: error, hint: `${error.hint ?? ''} Then run the command again: it finds out.`.trimStart(), details: { ...error.details, ambiguous: true },
    });
  }
}

async function mayBeStored(store: Store, ref: ItemRef, documents: ItemDocuments): Promise<boolean> {
  try {
    const found = await store.readItem(ref);
    return found !== undefined && equalBytes(found.keys, documents.keys);
  } catch {
    return true; // Nobody knows.
  }
}

function credentialsOf(key: NewAccessKey): Json {
  return { aws_access_key_id: key.id, aws_secret_access_key: key.secret.reveal() };
}

function sealCredentials({ desired, file, recipients, generation }: PlannedJob, { repository }: Trust, data: Json, signer: Signer, time: Date, group: VerifiedItem | undefined): Promise<ItemDocuments> {
  return sealItemWith(sealOnThreads, {
    vault: desired.vault, item: desired.item, repository,
    fields: { data, search_query: file.searchQuery },
    searchQuery: file.searchQuery, namedAdmins: file.admins ?? null, namedClients: [], recipients: group === undefined ? recipients : [groupRecipient(group)],
    generation, signer, time,
  });
}

async function resealItem(job: PlannedJob, trust: Trust, present: NonNullable<PlannedJob['present']>, signer: Signer, time: Date, group: VerifiedItem | undefined): Promise<ItemDocuments> {
  if (job.item.kind !== 'extend') return await sealCredentials(job, trust, present.open.field('data'), signer, time, group);
  const dataKey = present.open.copyDataKey();
  try {
    return extendItem({ verified: present.verified, dataKey, newcomers: job.item.newcomers, signer, time });
  } finally {
    dataKey.fill(0);
  }
}
