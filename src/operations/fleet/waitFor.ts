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
  let last: Reached | undefined;
  await watchFleet(workspace, ref, {
    changed({ targets, book }) {
      const target = targets.get(`${ref.vault}/${ref.item}`);
      if (target === undefined || 'error' in target) return;
      wanted ??= target.generation; // As it was when the waiting began.
      const counted = countReports(target, book, wanted);
      last = { ...counted, needed: neededBy(goal, counted.recipients) };
      if (last.upToDate >= last.needed) over.abort();
    },
    problem,
  }, AbortSignal.any([signal, timedOut, over.signal]));
  if (over.signal.aborted && last !== undefined) return last;
  if (!timedOut.aborted) throw new VaultError('interrupted', 'Interrupted.');
  const found = last === undefined ? '' : `: ${String(last.upToDate)} of ${String(last.needed)} that are needed have it, ${String(last.lagging.length)} lag, ${String(last.silent.length)} are silent, of ${String(last.unverified.length)} the report does not count`;
  throw new VaultError('wait-timed-out', `Generation ${String(wanted ?? 'that is newest')} of ${ref.vault}/${ref.item} was not delivered by enough nodes in time${found}.`, {
    hint: `See who is missing: vault status ${ref.vault} ${ref.item}`,
    details: { ...ref, ...(last === undefined ? {} : { generation: last.generation, needed: last.needed, recipients: last.recipients, up_to_date: last.upToDate, lagging: last.lagging.length, silent: last.silent.length, unverified: last.unverified.length }) },
  });
}
