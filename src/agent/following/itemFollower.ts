import { isVaultError, VaultError } from '../../errors.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { openItem, parseItemDocuments, verifyItem } from '../../items/verify.ts';
import type { Json } from '../../json/canonical.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Identity } from '../../sealing/identity.ts';
import type { ReportEvent } from '../events.ts';
import type { Source } from '../source.ts';
import type { Memory } from './memory.ts';
import type { TrustedNow } from './rosterFollower.ts';

/** One generation of an item, verified and opened. Holds secrets. */
export interface ItemContent extends ItemRef {
  readonly generation: number;
  /** Who signed it, and when: RFC 3339, to the second. */
  readonly signer: string;
  readonly time: string;
  /** The header's: one signature, one content. */
  readonly signature: string;
  readonly fields: Readonly<Record<string, Json>>;
}

/** What is known of an item now. */
export interface ItemState {
  readonly ref: ItemRef;
  /** The last good one, whatever went wrong since; undefined until there was one. */
  readonly content: ItemContent | undefined;
  /** Where {@link content} was read. */
  readonly from: 'source' | 'cache' | undefined;
  /** What is wrong with what the source has now; undefined where nothing is. */
  readonly problem: VaultError | undefined;
  /** When {@link content} was verified, and when the source last answered for it. */
  readonly changedAt: Date | undefined;
  readonly checkedAt: Date | undefined;
}

export interface ItemFollower {
  readonly state: ItemState;
  /**
   * Asks the source, and verifies what is new.
   * @param again also what is not new: for a roster that changed
   * @returns whether there is a new {@link ItemState.content}
   * @throws VaultError store-unreachable; everything else is the state's problem
   */
  look(source: Source, trusted: TrustedNow, identity: Identity, signal: AbortSignal, again?: boolean): Promise<boolean>;
  /** Takes what was verified before this process began. @returns whether there was something */
  recall(trusted: TrustedNow, identity: Identity): Promise<boolean>;
}

interface Tools {
  readonly memory: Memory;
  readonly report: ReportEvent;
  readonly now: () => Date;
}

/** @param before what another follower of the same item, roster and identity knew */
export function followItem(ref: ItemRef, { memory, report, now }: Tools, before?: ItemState): ItemFollower {
  let state: ItemState = before ?? { ref, content: undefined, from: undefined, problem: undefined, changedAt: undefined, checkedAt: undefined };
  let version: string | undefined;

  const fail = (error: unknown): void => {
    if (!isVaultError(error)) throw error;
    if (state.problem?.code !== error.code) report({ type: 'item-failed', ...ref, error });
    state = { ...state, problem: error };
  };

  const take = async (documents: ItemDocuments, { roster, repository }: TrustedNow, identity: Identity, from: 'source' | 'cache'): Promise<boolean> => {
    const verified = verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration: await memory.seen(repository, ref) });
    const { generation, signer, time, signature } = verified.keys.header;
    const isNew = state.content?.signature !== signature;
    if (isNew) {
      const open = openItem(verified, identity);
      try {
        state = { ...state, content: { ...ref, generation, signer, time, signature, fields: open.all() }, from, changedAt: now() };
      } finally {
        open.wipe();
      }
      if (from === 'source') await memory.keepItem(repository, ref, documents, generation);
      report({ type: 'item-verified', ...ref, generation, signer, from });
    }
    if (state.problem !== undefined && from === 'source') report({ type: 'item-recovered', ...ref });
    if (from === 'source') state = { ...state, problem: undefined, from };
    return isNew;
  };

  return {
    get state() { return state; },
    async look(source, trusted, identity, signal, again = false) {
      try {
        const reply = await source.readItem(ref, again ? undefined : version, signal);
        state = { ...state, checkedAt: now() };
        if (reply.kind === 'unchanged') return false;
        // Also where it is refused: the same bytes would be refused again.
        version = reply.kind === 'found' ? reply.version : undefined;
        if (reply.kind === 'absent') throw absent(ref, state.content, source.location);
        return await take(reply.documents, trusted, identity, 'source');
      } catch (error) {
        if (isVaultError(error, 'store-unreachable') || signal.aborted) throw error;
        fail(error);
        return false;
      }
    },
    async recall(trusted, identity) {
      try {
        const documents = await memory.cache.readItem(ref);
        return documents !== undefined && await take(documents, trusted, identity, 'cache');
      } catch (error) {
        fail(error);
        return false;
      }
    },
  };
}

function absent(ref: ItemRef, content: ItemContent | undefined, location: string): VaultError {
  const where = `${ref.vault}/${ref.item}`;
  return content === undefined
    ? new VaultError('item-not-found', `There is no item ${where} in ${location}.`, { hint: 'Check its name in the configuration; if it was made just now, this resolves itself.', details: { ...ref } })
    : new VaultError('item-missing', `${where} is gone from ${location}: generation ${String(content.generation)} of it was seen.`, {
        hint: 'Its last good content is still delivered. Restore it, or take it out of the configuration.', details: { ...ref, seen: content.generation },
      });
}
