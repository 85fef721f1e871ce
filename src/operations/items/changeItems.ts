import pLimit from 'p-limit';
import { VaultError } from '../../errors.ts';
import { groupFingerprints } from '../../items/group.ts';
import { isAudienceName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { noticeForeign } from '../itemType.ts';
import { refuseChangedKeys } from '../knownKeys.ts';
import type { Workspace } from '../workspace.ts';
import { changeItem, planUnchecked, type Intent, type PlannedChange, type Session } from './changeItem.ts';
import { outcomeOf, takesAway, type ItemOutcome } from './outcome.ts';

/** How a run over many items asks and tells. */
export interface BatchOptions {
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** Asked once, where something is taken away from somebody. */
  readonly confirm: (plans: readonly ItemOutcome[]) => Promise<boolean>;
  /** Pass over items that another program made, with a notice, rather than fail: where no item was named. */
  readonly leaveForeign?: boolean;
  readonly onStep: (ref: ItemRef, step: string) => void;
  /** Ends the run between two items. */
  readonly signal?: AbortSignal | undefined;
}

/** Items that are worked on at once. */
const CONCURRENCY = 8;

/**
 * Plans the change of every item, asks where something is taken away, and carries it out. One item's failure does not stop the others,
 * but for a changed key, which may be somebody's attempt to be sealed to.
 * @throws VaultError key-changed, interrupted
 */
export async function changeItems(session: Session, refs: readonly ItemRef[], intent: Intent, { dryRun, confirm, leaveForeign = false, onStep, signal }: BatchOptions): Promise<ItemOutcome[]> {
  const limit = pLimit(CONCURRENCY);
  const planned = new Map<string, ItemOutcome>();
  const following: Intent = { ...intent, settled: (audience) => settledBy(planned.get(nameOf(audience))) };
  const planAll = async (some: readonly ItemRef[]): Promise<ItemOutcome[]> => await Promise.all(some.map((ref) => limit(async () => {
    refuseInterrupted(signal);
    onStep(ref, 'plan');
    const outcome = await outcomeOf(ref, () => planUnchecked(session, ref, following));
    planned.set(nameOf(ref), outcome);
    return outcome;
  })));
  // Audiences first: what is sealed to them follows them.
  const audiences = intent.form === 'inline' ? [] : await planAll(await audiencesOf(session, refs));
  const items = await planAll(await itemsAmong(session, refs, audiences));
  const found = [...audiences, ...items];
  const plans = leaveForeign ? withoutForeign(session.workspace, found) : found;
  for (const { error } of plans) if (error?.code === 'key-changed') throw error;
  await refuseChangedKeys(session.workspace, session.trust, plans.flatMap(({ change }) => change?.audience.gained ?? []), session.options.acceptKeys);
  if (dryRun) return plans;
  if (plans.some(({ change }) => change !== undefined && takesAway(change)) && !await confirm(plans)) {
    throw new VaultError('interrupted', 'Nothing was changed.', { details: { declined: true } });
  }
  const applyAll = async (some: readonly ItemOutcome[]): Promise<ItemOutcome[]> => await Promise.all(some.map((plan) => limit(async () => {
    const outcome = await apply(plan);
    planned.set(nameOf(plan), outcome);
    onStep(plan, outcome.error === undefined ? 'done' : 'failed');
    return outcome;
  })));
  const isAudience = ({ item }: ItemRef): boolean => isAudienceName(item);
  const applied = await applyAll(plans.filter(isAudience));
  // What was sealed to an audience's earlier key meanwhile follows too.
  const late = (await itemsAmong(session, [], applied)).filter((ref) => !planned.has(nameOf(ref)));
  return [...applied, ...await applyAll([...plans.filter((plan) => !isAudience(plan)), ...await planAll(late)])];

  async function apply({ change, ...plan }: ItemOutcome): Promise<ItemOutcome> {
    if (change === undefined || plan.error !== undefined) return plan;
    if (signal?.aborted === true) return { ...plan, error: interrupted() };
    return await outcomeOf(plan, () => changeItem(session, plan, following, change));
  }
}

function nameOf({ vault, item }: ItemRef): string {
  return `${vault}/${item}`;
}

/** What a run did, or would do, to an audience. @throws VaultError what kept it from that: then nothing that is sealed to it is changed either */
function settledBy(outcome: ItemOutcome | undefined): PlannedChange | undefined {
  if (outcome?.error !== undefined) throw outcome.error;
  return outcome?.change;
}

/** The audiences among these items, and those that they are sealed to. */
async function audiencesOf({ groups }: Session, refs: readonly ItemRef[]): Promise<ItemRef[]> {
  const found = new Map(refs.filter(({ item }) => isAudienceName(item)).map((ref) => [nameOf(ref), ref]));
  const wanted = new Set(refs.map(nameOf));
  for (const vault of new Set(refs.map((ref) => ref.vault))) {
    for (const each of await groups.sealed(vault)) if (wanted.has(nameOf(each))) found.set(`${vault}/${each.audience}`, { vault, item: each.audience });
  }
  return [...found.values()];
}

/** The items among these; and, of an audience with new keys, all that are sealed to it; of any other, those that are sealed to an earlier key. */
async function itemsAmong({ groups }: Session, refs: readonly ItemRef[], audiences: readonly ItemOutcome[]): Promise<ItemRef[]> {
  const found = new Map(refs.filter(({ item }) => !isAudienceName(item)).map((ref) => [nameOf(ref), ref]));
  const changes = new Map(audiences.flatMap(({ change }) => (change === undefined ? [] : [[nameOf(change), change] as const])));
  for (const vault of new Set(audiences.map((each) => each.vault))) {
    for (const { item, audience, fingerprint } of await groups.sealed(vault)) {
      const change = changes.get(`${vault}/${audience}`);
      if (change === undefined || found.has(`${vault}/${item}`)) continue;
      if (change.action === 'resealed' || groupFingerprints((await groups.read(change)).header)[0] !== fingerprint) found.set(`${vault}/${item}`, { vault, item });
    }
  }
  return [...found.values()];
}

function withoutForeign({ notice }: Workspace, outcomes: readonly ItemOutcome[]): ItemOutcome[] {
  const isForeign = ({ error }: ItemOutcome): boolean => error?.code === 'item-other-format';
  noticeForeign(notice, outcomes.filter(isForeign));
  return outcomes.filter((outcome) => !isForeign(outcome));
}

function refuseInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted();
}

function interrupted(): VaultError {
  return new VaultError('interrupted', 'Interrupted before this item was changed.', { hint: 'Run the command again: it goes on where it stopped.' });
}

/** Whether a run found something to do. */
export function changesSomething(outcomes: readonly ItemOutcome[]): boolean {
  return outcomes.some(({ change }) => change !== undefined && change.action !== 'unchanged');
}
