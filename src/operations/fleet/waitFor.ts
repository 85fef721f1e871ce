import { VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Workspace } from '../workspace.ts';
import { watchFleet } from './fleet.ts';
import { countReports, type ItemReports } from './itemReports.ts';

/** How many nodes must have delivered: a share of the recipients, or a number. */
export type Goal = { readonly percent: number } | { readonly count: number };

/** @param text `all`, `95%` or a number. @throws VaultError usage */
export function parseGoal(text: string): Goal {
  if (text === 'all') return { percent: 100 };
  const [, digits = '', sign] = /^(\d{1,7}(?:\.\d{1,3})?)(%?)$/.exec(text) ?? [];
  const number = Number(digits);
  if (digits !== '' && sign === '%' && number <= 100) return { percent: number };
  if (digits !== '' && sign === '' && Number.isInteger(number)) return { count: number };
  throw new VaultError('usage', `--for takes all, a share as 95%, or a number of nodes, not ${JSON.stringify(text.slice(0, 60))}.`);
}

export function neededBy(goal: Goal, recipients: number): number {
  return 'count' in goal ? goal.count : Math.ceil((recipients * goal.percent) / 100);
}

export interface WaitOptions {
  /** The newest one where it is left out. */
  readonly generation?: number | undefined;
  readonly goal: Goal;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly problem: (problem: VaultError | undefined) => void;
}

export interface Reached extends ItemReports {
  readonly needed: number;
}

/**
 * Waits until enough nodes delivered a generation of an item.
 * @throws VaultError wait-timed-out, interrupted, and as watchFleet
 */
export async function waitForDelivery(workspace: Workspace, ref: ItemRef, { generation, goal, timeoutMs, signal, problem }: WaitOptions): Promise<Reached> {
  const timedOut = AbortSignal.timeout(timeoutMs);
  const over = new AbortController();
  let wanted = generation;
  let newest = 0;
  let last: Reached | undefined;
  await watchFleet(workspace, ref, {
    changed({ targets, book }) {
      const target = targets.get(`${ref.vault}/${ref.item}`);
      if (target === undefined || 'error' in target) return;
      newest = target.generation;
      wanted ??= newest; // As it was when the waiting began.
      const counted = countReports(target, book, wanted);
      last = { ...counted, needed: neededBy(goal, counted.recipients) };
      if (last.upToDate >= last.needed) over.abort();
    },
    problem,
  }, AbortSignal.any([signal, timedOut, over.signal]));
  if (over.signal.aborted && last !== undefined) return last;
  if (!timedOut.aborted) throw new VaultError('interrupted', 'Interrupted.');
  throw timedOutBefore(ref, wanted, newest, last);
}

function timedOutBefore({ vault, item }: ItemRef, wanted: number | undefined, newest: number, last: Reached | undefined): VaultError {
  const others = last === undefined ? [] : [`${String(last.lagging.length)} lag`, `${String(last.silent.length)} are silent`, ...(last.unverified.length === 0 ? [] : [`the reports of ${String(last.unverified.length)} do not count`])];
  const found = last === undefined ? '' : `: ${String(last.upToDate)} of the ${String(last.needed)} that are needed have it; of ${String(last.recipients)} that can open it, ${others.join(', ')}`;
  return new VaultError('wait-timed-out', `Generation ${String(wanted ?? 'that is newest')} of ${vault}/${item} was not delivered by enough nodes in time${found}.`, {
    hint: wanted !== undefined && last !== undefined && wanted > newest ? `There is no generation ${String(wanted)} yet: the newest is ${String(newest)}. Without --generation, that one is waited for.`
      : last !== undefined && last.needed > last.recipients ? `Only ${String(last.recipients)} nodes can open the item, and --for asks for ${String(last.needed)}.`
        : `See who is missing: vault status ${vault} ${item}`,
    details: { vault, item, ...(last === undefined ? {} : { generation: last.generation, newest, needed: last.needed, recipients: last.recipients, up_to_date: last.upToDate, lagging: last.lagging.length, silent: last.silent.length, unverified: last.unverified.length }) },
  });
}
