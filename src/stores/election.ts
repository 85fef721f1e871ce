import type { VaultError } from '../errors.ts';
import type { Store } from './store.ts';

/** Elects one of those who do the same work, for as long as it is there. */
export interface ElectionStore {
  /** Takes part until it is ended by {@link Campaign.resign}. */
  campaign(candidate: Candidate, listener: CampaignListener): Campaign;
  /** What who was elected left for whoever is next, signed by nobody; undefined where there is nothing. @throws VaultError store-unreachable */
  readRecord(): Promise<Uint8Array | undefined>;
  /** @throws VaultError store-unreachable; input-too-large */
  writeRecord(bytes: Uint8Array): Promise<void>;
}

export interface Candidate {
  /** For people: who it is, and where. */
  readonly name: string;
  /** Who was elected and is silent for so long is replaced. */
  readonly ttlSeconds: number;
}

export interface CampaignListener {
  /** @param store writes as long as the election holds: the store itself compares that with each write, which throws store-conflict otherwise */
  elected(store: Store): void;
  /** It is over, from this moment: somebody else may be elected already. */
  lost(): void;
  /** Who is elected, when that changes, as they call themselves; undefined where nobody is. */
  others(name: string | undefined): void;
  /** The connection is lost (told again only after it was good); undefined: it is back. */
  problem(problem: VaultError | undefined): void;
}

export interface Campaign {
  /** Lets another be elected at once. Never fails: what cannot be told ends with the lease. */
  resign(): Promise<void>;
}
