import { isVaultError, type VaultError } from '../errors.ts';
import type { Signer } from '../items/seal.ts';
import { isAudienceName } from '../names.ts';
import type { Session } from '../operations/items/changeItem.ts';
import { openGroups } from '../operations/items/groups.ts';
import type { ItemOutcome } from '../operations/items/outcome.ts';
import { refreshItems } from '../operations/items/refreshItems.ts';
import type { Trust, Workspace } from '../operations/workspace.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { sealOnThreads } from '../workers/sealOnThreads.ts';
import type { ReportRefresherEvent } from './events.ts';
import type { Fleet } from './fleet.ts';
import { placeOf, type Retirements } from './retirement.ts';

/** What a run over some items works with. */
export interface RefreshWork {
  readonly workspace: Workspace;
  readonly trust: Trust;
  readonly signer: Signer;
  readonly fleet: Fleet;
  readonly retirements: Retirements;
  readonly report: ReportRefresherEvent;
  readonly signal: AbortSignal;
}

export interface RefreshResult {
  /** Items that were written, with their generation. */
  readonly written: readonly (ItemRef & { readonly generation: number })[];
  readonly failed: readonly (ItemRef & { readonly error: VaultError })[];
  /** There are further newcomers, for another run. */
  readonly isPartial: boolean;
}

/** Newcomers that are sealed to in one run. Sealing to them is work without a pause, and a lease must be kept meanwhile. */
const MOST_NEWCOMERS = 2000;

/**
 * Brings items to where the fleet wants them. Nodes that would lose something lose nothing as long as they are more than the policy allows; who
 * joins is sealed to all the same.
 * @throws VaultError interrupted; store-unreachable, also where that kept one item alone from being written
 */
export async function refreshAffected(work: RefreshWork, refs: readonly ItemRef[]): Promise<RefreshResult> {
  const { fleet, retirements } = work;
  for (const ref of refs) retirements.forget(placeOf(ref));
  let kept: ReadonlySet<string> = new Set();
  const newcomers = new Set<string>();
  let isPartial = false;
  const isTheirTurn = (name: string): boolean => {
    if (newcomers.has(name)) return true;
    if (newcomers.size === MOST_NEWCOMERS) isPartial = true;
    else newcomers.add(name);
    return newcomers.has(name);
  };
  const session = sessionOf(work, isTheirTurn, (name) => kept.has(name) || fleet.damageOf(name) !== undefined);
  const run = (): Promise<ItemOutcome[]> => refreshItems(session, refs, {
    dryRun: false, leaveForeign: true, signal: work.signal, onStep: () => undefined,
    confirm: async (plans) => {
      const losses = new Map(plans.map((plan) => [placeOf(plan), lostNames(plan)]));
      const all = new Set([...losses.values()].flatMap((names) => [...names]));
      // An admin goes, or the second time: who is held stays so.
      if (all.size === 0) return true;
      const fleetSize = fleet.countWith(all);
      if (await retirements.mayRetire(losses, fleetSize)) return true;
      kept = all;
      work.report({ type: 'retirement-held', nodes: retirements.heldNames.size, most: retirements.most(fleetSize), names: [...all].sort().slice(0, NAMES_TOLD) });
      return false;
    },
  });
  let outcomes: ItemOutcome[];
  try {
    outcomes = await run();
  } catch (error) {
    // Declined: once more, and who would go stays.
    if (!isVaultError(error, 'interrupted') || error.details['declined'] !== true) throw error;
    outcomes = await run();
  }
  await tellLosses(work, session, outcomes);
  return { ...resultOf(work, outcomes), isPartial };
}

/** Names that one line of the log holds. */
const NAMES_TOLD = 20;

function sessionOf({ workspace, trust, signer, fleet }: RefreshWork, isTheirTurn: (name: string) => boolean, keeps: (name: string) => boolean): Session {
  return {
    workspace, trust, signer, inventory: fleet.inventory, groups: openGroups(workspace, trust), sealEntries: sealOnThreads,
    options: {
      // The admission says which key a node has.
      acceptKeys: fleet.admittedNames(), skipUnsealable: true, allowEmpty: true, cleanUnknown: true,
      unattended: { vouchesFor: (name, fingerprint, isRecipient) => fleet.isAdmitted(name, fingerprint) && (isRecipient || isTheirTurn(name)), keeps },
    },
  };
}

function lostNames({ change }: ItemOutcome): Set<string> {
  return new Set(change?.audience.lost.flatMap(({ role, name }) => (role === 'client' ? [name] : [])));
}

/** Which nodes lost what they could open; of an audience, the items that are sealed to it. */
async function tellLosses({ report }: RefreshWork, { groups }: Session, outcomes: readonly ItemOutcome[]): Promise<void> {
  const items = new Map<string, ItemRef[]>();
  for (const outcome of outcomes) {
    if (outcome.error !== undefined) continue;
    const lost = lostNames(outcome);
    if (lost.size === 0) continue;
    const refs = isAudienceName(outcome.item) ? (await groups.sealed(outcome.vault)).filter(({ audience }) => audience === outcome.item) : [outcome];
    for (const name of lost) items.set(name, [...items.get(name) ?? [], ...refs.map(({ vault, item }) => ({ vault, item }))]);
  }
  for (const [node, refs] of items) report({ type: 'node-retired', node, items: refs });
}

function resultOf({ report }: RefreshWork, outcomes: readonly ItemOutcome[]): Omit<RefreshResult, 'isPartial'> {
  const written: RefreshResult['written'][number][] = [];
  const failed: RefreshResult['failed'][number][] = [];
  let unreached: VaultError | undefined;
  for (const { vault, item, change, error } of outcomes) {
    if (error?.code === 'store-unreachable' || error?.code === 'interrupted') unreached = error;
    // Somebody deleted it: who reads it is told, and nothing is left to seal. Where its audience is what is gone, it is a failure.
    else if (error?.code === 'item-not-found' || (error?.code === 'item-missing' && error.details['item'] === item)) continue;
    else if (error !== undefined) failed.push({ vault, item, error });
    else if (change !== undefined && change.action !== 'unchanged') {
      written.push({ vault, item, generation: change.generation });
      report({ type: 'item-written', vault, item, generation: change.generation, action: change.action, gained: change.audience.gained.length, lost: change.audience.lost.length });
    }
  }
  if (unreached !== undefined) throw unreached;
  return { written, failed };
}
