import type { VaultError } from '../../errors.ts';
import type { Signer } from '../../items/seal.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Admin, Roster } from '../../trust/roster.ts';
import type { Trust, Workspace } from '../workspace.ts';

/** A change of the roster, as far as items are concerned. */
export interface RosterEffect {
  /** Admins that items which are for everyone on the roster must be sealed to. */
  readonly gained: readonly Admin[];
  /** Admins who must not be able to open anything written from now on, and whose signatures must be replaced. */
  readonly lost: readonly Admin[];
  /**
   * Of these a signature is taken as it was before: only by the run that writes the roster without them. What lies in the store as a
   * proposal in effect may have been put there by anybody, long after.
   */
  readonly vouched: readonly Admin[];
  /** The roster that is being changed to. */
  readonly next: Roster;
  /** Who signs; an admin of both rosters. */
  readonly signer: Signer;
}

/** What became of an item that the change concerns. */
export type ItemOutcome = ItemRef & (
  | {
    /** `resealed` under a new data key; `extended` to newcomers; `signed` anew, all else as it was. */
    readonly done: 'resealed' | 'extended' | 'signed';
    readonly generation: number;
  }
  | { readonly error: VaultError }
);

/**
 * Brings every item to where a change of the roster wants it, those alone that are not there yet; so it can be run again. Items
 * verify under `trust` and by the signatures of those who are vouched for.
 * @returns an outcome for every item that was written, or should have been and was not
 */
export type ResealItems = (workspace: Workspace, trust: Trust, effect: RosterEffect) => Promise<readonly ItemOutcome[]>;
