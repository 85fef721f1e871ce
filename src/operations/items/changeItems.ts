import pLimit from 'p-limit';
import { VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { noticeForeign } from '../itemType.ts';
import { refuseChangedKeys } from '../knownKeys.ts';
import type { Workspace } from '../workspace.ts';
import { changeItem, planUnchecked, type Intent, type Session } from './changeItem.ts';
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
  const found = await Promise.all(refs.map((ref) => limit(async () => {
    refuseInterrupted(signal);
    onStep(ref, 'plan');
    return await outcomeOf(ref, () => planUnchecked(session, ref, intent));
  })));
  const plans = leaveForeign ? withoutForeign(session.workspace, found) : found;
  for (const { error } of plans) if (error?.code === 'key-changed') throw error;
  await refuseChangedKeys(session.workspace, session.trust, plans.flatMap(({ change }) => change?.audience.gained ?? []), session.options.acceptKeys);
  if (dryRun) return plans;
  if (plans.some(({ change }) => change !== undefined && takesAway(change)) && !await confirm(plans)) {
    throw new VaultError('interrupted', 'Nothing was changed.', { details: { declined: true } });
  }
  return await Promise.all(plans.map((plan) => limit(async () => {
    const outcome = await apply(plan);
    onStep(plan, outcome.error === undefined ? 'done' : 'failed');
    return outcome;
  })));

  async function apply({ change, ...plan }: ItemOutcome): Promise<ItemOutcome> {
    if (change === undefined || plan.error !== undefined) return plan;
    if (signal?.aborted === true) return { ...plan, error: interrupted() };
    return await outcomeOf(plan, () => changeItem(session, plan, intent, change));
  }
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
