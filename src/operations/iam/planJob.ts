import { isDeepStrictEqual } from 'node:util';
import { VaultError } from '../../errors.ts';
import { observeUser, type UnfinishedKey } from '../../iam/observe.ts';
import { planUser, type Change } from '../../iam/plan.ts';
import { compareAudience } from '../../items/audience.ts';
import { groupFingerprints } from '../../items/group.ts';
import type { Recipient } from '../../items/recipients.ts';
import type { Signer } from '../../items/seal.ts';
import { readSeenGeneration } from '../../state/generations.ts';
import { openKeyJournal } from '../../state/keyJournal.ts';
import type { Form } from '../items/changeItem.ts';
import { keyChanged } from '../knownKeys.ts';
import { openThrough } from '../openItem.ts';
import { readVerifiedItem, refuseMissing, type Trust, type Workspace } from '../workspace.ts';
import type { IamAudiences } from './iamAudiences.ts';
import type { ItemPlan, Job, PlannedJob, PresentItem } from './job.ts';

export interface PlanOptions {
  readonly adopt: boolean;
  /** Names whose changed public key is accepted. */
  readonly acceptKeys: readonly string[];
  /** Make an item anew that was here before and is gone. */
  readonly recreate: boolean;
  readonly signer: Signer;
  readonly audiences: IamAudiences;
}

/** Looks at AWS, at the journal and at the item, and says what a run would do. Changes nothing. */
export async function planJob(workspace: Workspace, trust: Trust, job: Job, options: PlanOptions): Promise<PlannedJob> {
  const { desired, account } = job;
  const present = await openPresentItem(workspace, trust, job, options);
  const accountId = await job.accountIdentity();
  const unfinished = await openKeyJournal(workspace.state, { repository: trust.repository, accountId, user: desired.user }).read();
  const observed = await observeUser(account, desired, unfinished, present?.keyId);
  const { changes, key, notes } = planUser({ desired, observed, unfinished, itemKeyId: present?.keyId, adopt: options.adopt });
  const form = options.audiences.form ?? (present?.audience === undefined ? 'inline' : 'group');
  const item = planItem(job, present, key.kind === 'create', options.acceptKeys, form);
  // Above whatever was ever seen, so that an item that was made anew outranks its earlier self everywhere.
  const generation = Math.max(present?.verified.header.generation ?? 0, await readSeenGeneration(workspace.state, trust.repository, desired)) + 1;
  return { ...job, accountId, observed, present, generation, key, form, notes: [...notes, ...finishedNotes(unfinished, present), ...(key.kind === 'keep' ? lostNotes(item.changes, key.keyId) : [])], item: item.plan, changes: [...changes, ...item.changes] };
}

/** A run that was killed after the item was stored left only its journal behind. */
function finishedNotes(unfinished: UnfinishedKey | undefined, present: PresentItem | undefined): string[] {
  return unfinished !== undefined && present !== undefined && unfinished.phase === 'created' && unfinished.keyId === present.keyId
    ? ['An interrupted run had finished this; only its journal entry was left.'] : [];
}

/** Who is no longer sealed to has read what was: only another key shuts them out. */
function lostNotes(changes: readonly Change[], keyId: string): string[] {
  const lost = changes.filter(({ resource, action }) => resource === 'recipient' && action === 'delete').map(({ name }) => name);
  return lost.length === 0 ? [] : [`${lost.join(', ')} could read access key ${keyId}, which works until it is replaced: delete it in IAM and run create again.`];
}

async function openPresentItem(workspace: Workspace, trust: Trust, { desired }: Job, { signer, recreate, audiences }: PlanOptions): Promise<PresentItem | undefined> {
  const verified = await readVerifiedItem(workspace, trust, desired);
  if (verified === undefined) {
    await workspace.store.requireFree(desired);
    if (!recreate) await refuseMissing(workspace, trust, desired);
    return undefined;
  }
  const sealedTo = verified.keys.audience?.name;
  const audience = sealedTo === undefined ? undefined : await audiences.read(desired.vault, sealedTo);
  const open = openThrough(verified, audience, signer.identity, signer.name);
  const data = open.fields.includes('data') ? open.field('data') : null;
  const keyId = data !== null && typeof data === 'object' && 'aws_access_key_id' in data ? data['aws_access_key_id'] : undefined;
  if (typeof keyId !== 'string') {
    open.wipe();
    throw new VaultError('item-exists', `Item ${desired.vault}/${desired.item} exists, and does not hold an access key: it was made by somebody for something else.`, {
      hint: 'Choose another user name or vault, or move that item away.', details: { vault: desired.vault, item: desired.item },
    });
  }
  return { verified, open, keyId, audience };
}

function planItem({ desired, file, recipients }: Job, present: PresentItem | undefined, newKey: boolean, acceptKeys: readonly string[], form: Form): { plan: ItemPlan; changes: Change[] } {
  const name = `${desired.vault}/${desired.item}`;
  if (present === undefined) {
    return { plan: { kind: 'reseal', newcomers: recipients }, changes: [{ action: 'create', resource: 'item', name, detail: audienceText(recipients) }] };
  }
  const { gained, lost, rekeyed } = compareAudience((present.audience ?? present.verified).keys, recipients);
  const refused = rekeyed.filter((each) => !acceptKeys.includes(each.name));
  if (refused.length > 0) throw keyChanged(refused.map((each) => ({ ...each, before: [each.before], where: name })));
  const { header } = present.verified;
  const queryChanged = header.search_query !== file.searchQuery;
  const adminsChanged = !isDeepStrictEqual(header.named_admins, file.admins === undefined ? null : [...file.admins].sort());
  const changes: Change[] = [
    ...gained.map((each): Change => ({ action: 'create', resource: 'recipient', name: each.name, detail: `${each.role} ${each.publicKey.fingerprint}` })),
    ...lost.map((each): Change => ({ action: 'delete', resource: 'recipient', name: each.name, detail: each.role, removes: true })),
    ...rekeyed.map((each): Change => ({ action: 'update', resource: 'recipient', name: each.name, detail: `new key ${each.after}`, removes: true })),
  ];
  const isElsewhere = (form === 'group') !== (present.audience !== undefined) || (present.audience !== undefined && groupFingerprints(present.audience.header)[0] !== present.verified.keys.audience?.fingerprint);
  const reseal = newKey || isElsewhere || queryChanged || adminsChanged || lost.length > 0 || rekeyed.length > 0;
  if (!reseal && gained.length === 0) return { plan: { kind: 'keep' }, changes: [] };
  const reasons = [...(newKey ? ['new access key'] : []), ...(queryChanged ? ['new query'] : []), ...(adminsChanged ? ['admins'] : []), ...(isElsewhere ? ['audience'] : []), ...(changes.length > 0 ? ['recipients'] : [])];
  changes.push({ action: 'update', resource: 'item', name, detail: reasons.join(', ') });
  return { plan: { kind: reseal ? 'reseal' : 'extend', newcomers: gained }, changes };
}

/** How many names a line of a plan shows. */
const NAMES_SHOWN = 3;

function audienceText(recipients: readonly Recipient[]): string {
  const of = (role: Recipient['role'], noun: string): string => {
    const names = recipients.filter((each) => each.role === role).map(({ name }) => name);
    const shown = names.length === 0 ? '' : ` ${names.slice(0, NAMES_SHOWN).join(' ')}${names.length > NAMES_SHOWN ? ' …' : ''}`;
    return `${String(names.length)} ${noun}${names.length === 1 ? '' : 's'}${shown}`;
  };
  return `for ${of('admin', 'admin')} and ${of('client', 'node')}`;
}
