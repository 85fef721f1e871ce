import type { ItemDocuments } from '../items/model.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { VaultError } from '../errors.ts';
import type { Store } from './store.ts';

/** A moment of a live store: a change has a higher number than all before it. */
export type Revision = number;

/** What lay under an item's name at a revision, as the store itself told it; nobody has looked into it. */
export interface ToldHead {
  readonly revision: Revision;
  readonly value: Uint8Array;
}

export type LiveReply =
  /** Still what that revision wrote. `at`: when it was so. */
  | { readonly kind: 'unchanged'; readonly at: Revision }
  | { readonly kind: 'absent'; readonly at: Revision }
  | { readonly kind: 'found'; readonly documents: ItemDocuments; readonly revision: Revision; readonly at: Revision };

/** What a follower is told. */
export interface FollowListener {
  /** An item has another generation, or is gone (`value` undefined). */
  item(ref: ItemRef, revision: Revision, value: Uint8Array | undefined): void;
  /** The roster has another version. */
  roster(revision: Revision): void;
  /** From here on everything is told that happens after this revision. What happened before may not have been: when following begins, and after the store forgot what happened meanwhile. */
  anew(revision: Revision): void;
  /** The connection is lost (told again only after it was good); undefined: it is back, and nothing was missed but what {@link anew} says. */
  problem(problem: VaultError | undefined): void;
}

/** What only a store that can be followed does, for those who read few items and want them at once. */
export interface LiveStore extends Pick<Store, 'location'> {
  /**
   * An item as one of its recipients needs it: where the list of recipients is divided, theirs is the only entry that is read.
   * @param known the revision that wrote what the reader has
   * @param told what a follower was told of the item: then that is read
   * @throws VaultError store-unreachable, document-*
   */
  readItemAs(ref: ItemRef, fingerprint: string, known?: Revision, told?: ToldHead): Promise<LiveReply>;
  readRosterAt(version: number): Promise<{ readonly bytes: Uint8Array | undefined; readonly at: Revision }>;
  /** Tells of each change of the items and of the roster, through lost connections, until it is ended. */
  follow(refs: readonly ItemRef[], listener: FollowListener): () => void;
  /** Ends the connections; the next call makes new ones. */
  close(): void;
}
