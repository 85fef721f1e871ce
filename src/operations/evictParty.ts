import type { Session } from './items/changeItem.ts';
import { evict, type EvictedParty, type Eviction, type EvictOptions } from './items/evict.ts';
import type { StoredGeneration } from './items/exposure.ts';
import { proposeChange, type RosterOutcome } from './roster/rosterChange.ts';
import { resealForRoster } from './roster/resealForRoster.ts';

/** An eviction, with what became of the roster where it was an admin's. */
export interface PartyEviction extends Eviction {
  readonly roster?: RosterOutcome;
}

/**
 * Takes a party out of the items, and then an admin from the roster: not before, for an admin stays on it as long as an item is open
 * to them, or vouched for by them alone.
 * @throws VaultError as {@link evict} and as proposeChange
 */
export async function evictParty(session: Session, party: EvictedParty, history: () => AsyncIterable<StoredGeneration>, options: EvictOptions): Promise<PartyEviction> {
  const eviction = await evict(session, party, history, options);
  const isDone = !options.dryRun && eviction.items.every(({ error }) => error === undefined);
  if (party.role === 'client' || !party.isListed || !isDone) return eviction;
  const { workspace, trust, signer } = session;
  return { ...eviction, roster: await proposeChange({ workspace, trust, signer, resealItems: resealForRoster }, { remove: [party.name], quorum: undefined }, () => Promise.resolve()) };
}
