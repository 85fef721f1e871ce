import pLimit from 'p-limit';
import { isVaultError, VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Identity } from '../../sealing/identity.ts';
import { refText } from '../configuration/configuration.ts';
import type { ReportEvent } from '../events.ts';
import type { Source } from '../source.ts';
import { jittered, openBackoff } from './backoff.ts';
import { followItem, type ItemContent, type ItemFollower, type ItemState } from './itemFollower.ts';
import type { Memory } from './memory.ts';
import { followRoster, type RosterFollower } from './rosterFollower.ts';

/** Items asked for at once: enough for a slow server, and no burden to it. */
const CONCURRENCY = 4;
const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 300_000;

export interface FollowerOptions {
  /** The roster's fingerprint in the configuration. */
  readonly roster: string;
  readonly source: Source;
  readonly identity: Identity;
  readonly memory: Memory;
  readonly refs: readonly ItemRef[];
  readonly report: ReportEvent;
  readonly now: () => Date;
  /** What one with another configuration, of the same roster, knew: it is kept. */
  readonly previous?: Pick<Follower, 'state'> | undefined;
}

/** Keeps items as new as their source is, and never takes back what was good. */
export interface Follower {
  /** States in the order of the configuration. */
  readonly states: readonly ItemState[];
  /** Undefined where the item is not followed. */
  state(ref: ItemRef): ItemState | undefined;
  /** Version of the roster; undefined until one was trusted. */
  readonly rosterVersion: number | undefined;
  /** What is wrong with the source, or the roster that it has; undefined where nothing is. */
  readonly sourceProblem: VaultError | undefined;
  /** When the source last answered. */
  readonly answeredAt: Date | undefined;
  /** Takes what was verified before this process began; asks no source. */
  recall(): Promise<void>;
  /** Follows until {@link stop}; never rejects. */
  start(): void;
  /** Looks at everything now; resolves when that was done. */
  refresh(): Promise<void>;
  /** Ends, and waits for what is under way. */
  stop(): Promise<void>;
}

/** @param changed called with every content that is new; what it does is its own affair */
export function openFollower({ roster: pinned, source, identity, memory, refs, report, now, previous }: FollowerOptions, changed: (contents: readonly ItemContent[]) => void): Follower {
  const roster: RosterFollower = followRoster(pinned, memory, report);
  const items = new Map<string, ItemFollower>(refs.map((ref) => [refText(ref), followItem(ref, { memory, report, now }, previous?.state(ref))]));
  const backoff = openBackoff(FIRST_RETRY_MS, Math.max(MOST_RETRY_MS, source.pollMs));
  const stopping = new AbortController();
  const { signal } = stopping;
  let sourceProblem: VaultError | undefined;
  let answeredAt: Date | undefined;
  let timer: NodeJS.Timeout | undefined;
  let queue: Promise<void> = Promise.resolve();
  /** Items that a push named, not yet looked at; `all` where one did not say. */
  let pending: Set<string> | 'all' | undefined;

  const readRoster = (version: number): Promise<Uint8Array | undefined> => source.readRoster(version, signal);

  /** Looks at the roster, then at items. @throws VaultError store-unreachable, roster-* */
  const look = async (names: Iterable<string>): Promise<void> => {
    const before = roster.trusted;
    const changedRoster = await roster.advance(readRoster);
    const { trusted } = roster;
    if (trusted === undefined) return;
    const again = changedRoster && before !== undefined;
    const chosen = again ? [...items.values()] : [...names].flatMap((name) => items.get(name) ?? []);
    const limit = pLimit(CONCURRENCY);
    const fresh: ItemContent[] = [];
    let gone: { readonly reason: unknown } | undefined;
    const lookAt = async (item: ItemFollower): Promise<void> => {
      if (signal.aborted || gone !== undefined) return; // What waits now would only wait for the same.
      try {
        let isNew = await item.look(source, trusted, identity, signal, again);
        // Signed by an admin who was added after the roster was asked for.
        if (isVaultError(item.state.problem, 'signer-unknown', 'signature-invalid') && await roster.advance(readRoster)) {
          isNew = await item.look(source, roster.trusted ?? trusted, identity, signal, true);
        }
        if (isNew && item.state.content !== undefined) fresh.push(item.state.content);
      } catch (error) {
        gone ??= { reason: error };
      }
    };
    await Promise.all(chosen.map((item) => limit(() => lookAt(item))));
    if (fresh.length > 0) changed(fresh);
    if (gone !== undefined) throw gone.reason;
  };

  const round = async (names: Iterable<string>, isWhole: boolean): Promise<void> => {
    try {
      await look(names);
      answeredAt = now();
      if (sourceProblem !== undefined) report({ type: 'source-recovered', failures: backoff.failures });
      sourceProblem = undefined;
      backoff.reset();
      if (isWhole) schedule(jittered(source.pollMs)); // What a push asked for does not put off the next look at everything.
    } catch (error) {
      if (signal.aborted) return;
      const problem = isVaultError(error) ? error : new VaultError('internal', error instanceof Error ? error.message : String(error), { cause: error });
      sourceProblem = problem;
      const retryMs = backoff.next();
      report({ type: 'source-failed', error: problem, failures: backoff.failures, retryMs });
      schedule(retryMs);
    }
  };

  const schedule = (ms: number): void => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(() => { ask(); }, ms);
  };

  /** One round at a time; those that are asked for meanwhile become one more. */
  const ask = (names?: Iterable<string>): void => {
    const isQueued = pending !== undefined;
    pending = names === undefined || pending === 'all' ? 'all' : new Set([...(pending ?? []), ...names]);
    if (isQueued) return;
    queue = queue.then(async () => {
      const wanted = pending ?? 'all';
      pending = undefined;
      if (!signal.aborted) await round(wanted === 'all' ? items.keys() : wanted, wanted === 'all');
    });
  };

  let unfollow: (() => void) | undefined;
  return {
    get states() { return [...items.values()].map(({ state }) => state); },
    state: (ref) => items.get(refText(ref))?.state,
    get rosterVersion() { return roster.trusted?.roster.version; },
    get sourceProblem() { return sourceProblem; },
    get answeredAt() { return answeredAt; },
    async recall() {
      try {
        await roster.advance((version) => memory.cache.readRoster(version));
      } catch (error) {
        if (!isVaultError(error)) throw error;
        if (error.code !== 'roster-missing') report({ type: 'roster-failed', error });
      }
      const { trusted } = roster;
      if (trusted === undefined) return;
      const fresh: ItemContent[] = [];
      for (const item of items.values()) {
        if (await item.recall(trusted, identity) && item.state.content !== undefined) fresh.push(item.state.content);
      }
      if (fresh.length > 0) changed(fresh);
    },
    start() {
      unfollow = source.follow(refs, (named) => { ask(named?.map(refText)); });
      ask();
    },
    async refresh() {
      ask();
      await queue;
    },
    async stop() {
      unfollow?.();
      clearTimeout(timer);
      stopping.abort();
      await queue;
    },
  };
}
