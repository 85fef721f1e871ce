import { isVaultError, VaultError } from '../../errors.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { audienceOf } from '../../items/group.ts';
import { parseItemDocuments, verifyItem } from '../../items/verify.ts';
import type { Json } from '../../json/canonical.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Identity } from '../../sealing/identity.ts';
import type { ReportEvent } from '../events.ts';
import type { Source } from '../source.ts';
import type { GroupReader, Groups } from './groups.ts';
import type { Memory } from './memory.ts';
import type { TrustedNow } from './rosterFollower.ts';

/** One generation of an item, verified and opened. Holds secrets. */
export interface ItemContent extends ItemRef {
  readonly generation: number;
  /** Who signed it, and when: RFC 3339, to the second. */
  readonly signer: string;
  readonly time: string;
  /** Name under which the reader is one of its clients, or of its audience's; undefined for an admin. */
  readonly recipient?: string | undefined;
  /** The header's: one signature, one content. */
  readonly signature: string;
  /** All of them: an item with a field that cannot be opened is refused as a whole. */
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
  /** The audience that keeps the item from being opened: another version of it may change that. */
  readonly awaits: ItemRef | undefined;
  /**
   * Asks the source, and verifies what is new, or was judged by another roster.
   * @param again also what is not new
   * @returns whether there is a new {@link ItemState.content}
   * @throws VaultError store-unreachable: whether that is this item's problem, the caller knows; everything else is the state's problem
   */
  look(source: Source, trusted: TrustedNow, identity: Identity, signal: AbortSignal, again?: boolean): Promise<boolean>;
  /** Takes what was verified before this process began, where nothing is known yet. @returns whether there was something */
  recall(trusted: TrustedNow, identity: Identity): Promise<boolean>;
  /** Makes `error` the state's problem. */
  fail(error: unknown): void;
}

interface Tools {
  readonly memory: Memory;
  readonly groups: Groups;
  readonly report: ReportEvent;
  readonly now: () => Date;
}

/** What was found about what the source had under a version. */
interface Judgement {
  readonly version: string | undefined;
  /** Version of the roster that it was judged by. */
  readonly roster: number;
  readonly problem: VaultError | undefined;
}

/** @param before what another follower of the same item, roster and identity knew */
export function followItem(ref: ItemRef, { memory, groups, report, now }: Tools, before?: ItemState): ItemFollower {
  let state: ItemState = before ?? { ref, content: undefined, from: undefined, problem: undefined, changedAt: undefined, checkedAt: undefined };
  let judgement: Judgement | undefined;
  /** Of what was verified in this process, also where it could not be opened: what replaces that must not be older. */
  let highest = before?.content?.generation ?? 0;
  let awaits: ItemRef | undefined;
  const isWaiting = (): boolean => awaits !== undefined;

  const fail = (error: unknown): VaultError => {
    const problem = isVaultError(error) ? error : unexpected(ref, error);
    if (state.problem?.code !== problem.code) report({ type: 'item-failed', ...ref, error: problem });
    state = { ...state, problem };
    return problem;
  };
  const recover = (): void => {
    if (state.problem !== undefined) report({ type: 'item-recovered', ...ref });
    state = { ...state, problem: undefined };
  };

  /** Steps 1 and 3 to 8 of the order of verification. */
  const take = async (documents: ItemDocuments, reader: GroupReader): Promise<boolean> => {
    const { roster, repository } = reader.trusted;
    const from = reader.source === undefined ? 'cache' : 'source';
    const seenGeneration = Math.max(highest, await memory.seen(repository, ref));
    const verified = verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration });
    const { generation, signer, time, signature } = verified.keys.header;
    highest = generation;
    const isNew = state.content?.signature !== signature;
    if (isNew) {
      awaits = audienceOf(ref, verified.keys);
      const { open, recipient } = await groups.open(verified, reader);
      awaits = undefined;
      try {
        state = { ...state, content: { ...ref, generation, signer, time, signature, recipient, fields: open.all() }, from, changedAt: now() };
      } finally {
        open.wipe();
      }
    }
    // Only what was opened: after a start without a source, an older one that was is served rather than nothing.
    if (from === 'source' && (isNew || !memory.isKept(repository, ref))) await memory.keepItem(repository, ref, documents, generation);
    if (isNew) report({ type: 'item-verified', ...ref, generation, signer, from });
    return isNew;
  };

  return {
    get state() { return state; },
    get awaits() { return awaits; },
    fail(error) { fail(error); },
    async look(source, trusted, identity, signal, again = false) {
      const { version: roster } = trusted.roster;
      const known = again || judgement?.roster !== roster ? undefined : judgement.version;
      let reply;
      try {
        reply = await source.readItem(ref, known, signal);
      } catch (error) {
        if (isVaultError(error, 'store-unreachable') || signal.aborted) throw error;
        judgement = undefined;
        fail(error);
        return false;
      }
      state = { ...state, checkedAt: now() };
      if (reply.kind === 'unchanged') {
        if (judgement?.problem === undefined) recover();
        else fail(judgement.problem);
        return false;
      }
      judgement = undefined;
      awaits = undefined;
      if (reply.kind === 'absent') {
        fail(absent(ref, state.content, source.location));
        return false;
      }
      try {
        const isNew = await take(reply.documents, { trusted, identity, source: { source, signal } });
        state = { ...state, from: 'source' };
        recover();
        judgement = { version: reply.version, roster, problem: undefined };
        return isNew;
      } catch (error) {
        if (isVaultError(error, 'store-unreachable') || signal.aborted) throw error;
        // Also what is refused is not looked at twice: the same bytes would be refused again.
        judgement = { version: isWaiting() ? undefined : reply.version, roster, problem: fail(error) };
        return false;
      }
    },
    async recall(trusted, identity) {
      if (state.content !== undefined) return false;
      try {
        const documents = await memory.recallItem(trusted.repository, ref);
        return documents !== undefined && await take(documents, { trusted, identity, source: undefined });
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

/** An error of ours, in one item, which must not keep the others from being looked at. Its text is not told: it could quote what was opened. */
function unexpected(ref: ItemRef, cause: unknown): VaultError {
  return new VaultError('internal', `${ref.vault}/${ref.item} could not be looked at: ${cause instanceof Error ? cause.name : typeof cause}.`, { cause, details: { ...ref } });
}
