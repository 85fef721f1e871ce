import type { ItemDocuments } from '../items/model.ts';
import type { ReportStore } from '../stores/reports.ts';
import type { ItemRef } from '../sealing/dataKey.ts';

/** What a source answers when it is asked for an item. */
export type SourceReply =
  /** Still what it was under the version that was given. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' }
  /** `version` names these bytes, in the source's own way; it is given back the next time. Undefined where they are not to be relied on: they are asked for again. */
  | { readonly kind: 'found'; readonly documents: ItemDocuments; readonly version: string | undefined };

/** Where the agent reads sealed documents. Nothing that it gives is believed before it is verified. */
export interface Source {
  /** For messages: a path or a URL. */
  readonly location: string;
  /** How long after one look at everything the next one is due, in milliseconds. */
  readonly pollMs: number;
  /**
   * Both documents of an item, of one generation as far as the source can tell.
   * @param known the version under which the item was got before
   * @throws VaultError store-unreachable where the source did not answer, or not with an answer: whether for this item alone, the next ones tell; others
   *   concern this item alone
   */
  readItem(ref: ItemRef, known: string | undefined, signal: AbortSignal): Promise<SourceReply>;
  /** @throws VaultError store-unreachable, input-unreadable, input-too-large */
  readRoster(version: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * Calls `changed` soon after something changed, with the items that did, where that is known; a source that cannot tell never does. What is lost
   * here is found by looking again after {@link pollMs}.
   * @returns ends it
   */
  follow(refs: readonly ItemRef[], changed: (refs?: readonly ItemRef[]) => void): () => void;
  /** Where it has a place for what was delivered. */
  readonly reports?: ReportStore;
  /** Ends what is open, when nobody asks it any more; whoever asks nevertheless opens it again. */
  close?(): void;
}
