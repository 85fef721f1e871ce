import pLimit from 'p-limit';
import { isVaultError, VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Identity } from '../../sealing/identity.ts';
import { refText } from '../configuration/configuration.ts';
import type { ReportEvent } from '../events.ts';
import type { Source } from '../source.ts';
import { jittered, openBackoff } from './backoff.ts';
import { followGroups } from './groups.ts';
import { followItem, type ItemContent, type ItemFollower, type ItemState } from './itemFollower.ts';
import type { Memory } from './memory.ts';
import type { RosterPlace } from '../../trust/walkFrom.ts';
import { followRoster, type TrustedNow } from './rosterFollower.ts';

/** Items asked for at once: enough for a slow server, and no burden to it. */
const CONCURRENCY = 4;
/** After so many items in a row for which the source did not answer, it is not asked for the rest. */
const MOST_UNANSWERED = 3;
const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 60_000;
/** How long what was found waits for the rest of its round: what changed together is handed on together, and nothing waits for a server that hangs. */
const GATHER_MS = 100;

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
  readonly previous?: Pick<Follower, 'state' | 'trusted'> | undefined;
}

/** Keeps items as new as their source is, and never takes back what was good. */
export interface Follower {
  /** Where it reads, and by whose key. */
  readonly source: Source;
  readonly identity: Identity;
  /** States in the order of the configuration. */
  readonly states: readonly ItemState[];
  /** Undefined where the item is not followed. */
  state(ref: ItemRef): ItemState | undefined;
  /** The roster that items are judged by; undefined until one was trusted. */
  readonly trusted: TrustedNow | undefined;
  /** What is wrong with the source, or the roster that it has; undefined where nothing is. */
  readonly sourceProblem: VaultError | undefined;
  /** When the source last answered. */
  readonly answeredAt: Date | undefined;
  /** For how long something should have gone on and did not, in milliseconds: a round, an item in one, or the beginning of the next. */
  readonly overdueMs: number;
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
  const roster = followRoster(pinned, memory, report, previous?.trusted);
  const groups = followGroups(memory);
  const items = new Map<string, ItemFollower>(refs.map((ref) => [refText(ref), followItem(ref, { memory, groups, report, now }, previous?.state(ref))]));
  const backoff = openBackoff(FIRST_RETRY_MS, MOST_RETRY_MS);
  const stopping = new AbortController();
  const { signal } = stopping;
  const place: RosterPlace = { location: source.location, readRoster: (version) => source.readRoster(version, signal) };
  let sourceProblem: VaultError | undefined;
  let answeredAt: Date | undefined;
  let timer: NodeJS.Timeout | undefined;
  let queue: Promise<void> = Promise.resolve();
  /** Items that a push named, not yet looked at; `all` where one did not say. */
  let pending: Set<string> | 'all' | undefined;
  /** Those that the source gave no answer for when it was last asked: they come last, so that they never keep it from the others. */
  const last = new Set<ItemFollower>();
  /** By a clock that is never set. */
  let due = Infinity;
  const expect = (ms: number): void => { due = performance.now() + ms; };

  /**
   * Looks at the roster, then at items.
   * @returns how many it gave no answer for, where it did for others
   * @throws VaultError store-unreachable, roster-*, document-*
   */
  const look = async (names: Iterable<string>): Promise<number> => {
    const before = roster.trusted;
    const isChanged = await roster.advance(place);
    const { trusted } = roster;
    if (trusted === undefined) return 0;
    const chosen = isChanged && before !== undefined ? [...items.values()] : [...names].flatMap((name) => items.get(name) ?? []);
    const gathered = gather(changed);
    const unanswered: { readonly item: ItemFollower; readonly error: unknown }[] = [];
    let [answers, inARow] = [0, 0];

    const lookAt = async (item: ItemFollower, again = false): Promise<void> => {
      if (signal.aborted || inARow >= MOST_UNANSWERED) return; // What waits now would only wait for the same.
      try {
        let isNew = await item.look(source, roster.trusted ?? trusted, identity, signal, again);
        // Signed by an admin who was added after the roster was asked for.
        if (isVaultError(item.state.problem, 'signer-unknown', 'signature-invalid') && await roster.advance(place)) {
          isNew = await item.look(source, roster.trusted ?? trusted, identity, signal);
        }
        [answers, inARow] = [answers + 1, 0];
        last.delete(item);
        if (isNew && item.state.content !== undefined) gathered.add(item.state.content);
      } catch (error) {
        inARow++;
        last.add(item);
        unanswered.push({ item, error });
      } finally {
        expect(0);
      }
    };
    // What could not be kept is read again; the first of it tells whether it now can be.
    const rest = new Set([...chosen.filter((item) => !last.has(item)), ...chosen.filter((item) => last.has(item))]);
    for (const item of chosen.filter(({ state: { ref } }) => !memory.isKept(trusted.repository, ref))) {
      rest.delete(item);
      await lookAt(item, true);
      await memory.settled();
      if (!memory.isKept(trusted.repository, item.state.ref)) break;
    }
    const limit = pLimit(CONCURRENCY);
    await Promise.all([...rest].map((item) => limit(() => lookAt(item))));
    gathered.flush();
    await memory.settled();
    if (unanswered.length > 0 && answers === 0) throw unanswered.at(-1)?.error;
    for (const { item, error } of unanswered) item.fail(error);
    if (roster.trusted !== trusted) ask(); // It changed meanwhile: those that were judged before are judged again.
    return unanswered.length;
  };

  const round = async (names: Iterable<string>, isWhole: boolean): Promise<void> => {
    expect(0);
    try {
      if (isWhole) await memory.retryRoster();
      const isTroubled = await look(names) > 0;
      answeredAt = now();
      followAwaited();
      if (sourceProblem !== undefined) report({ type: 'source-recovered', failures: backoff.failures });
      sourceProblem = undefined;
      if (!isTroubled) backoff.reset();
      if (isTroubled) schedule(Math.min(backoff.next(), jittered(source.pollMs)));
      else if (isWhole) schedule(jittered(source.pollMs)); // What a push asked for does not put off the next look at everything.
      else expect(source.pollMs * 2);
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
    expect(ms);
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
  /** Audiences that items wait for, and are followed with them: joined by thousands, they change too often to be followed for nothing. */
  let awaited = new Map<string, string[]>();
  const follow = (): void => {
    unfollow?.();
    const more = [...items.values()].flatMap(({ awaits }) => awaits ?? []);
    unfollow = source.follow([...refs, ...new Map(more.map((ref) => [refText(ref), ref])).values()], (named) => {
      ask(named?.flatMap((ref) => awaited.get(refText(ref)) ?? [refText(ref)]));
    });
  };
  const followAwaited = (): void => {
    const now = new Map<string, string[]>();
    for (const [name, { awaits }] of items) if (awaits !== undefined) now.set(refText(awaits), [...now.get(refText(awaits)) ?? [], name]);
    const isSame = now.size === awaited.size && [...now.keys()].every((name) => awaited.has(name));
    awaited = now;
    if (!isSame && unfollow !== undefined && !signal.aborted) follow();
  };

  return {
    source, identity,
    get states() { return [...items.values()].map(({ state }) => state); },
    state: (ref) => items.get(refText(ref))?.state,
    get trusted() { return roster.trusted; },
    get sourceProblem() { return sourceProblem; },
    get answeredAt() { return answeredAt; },
    get overdueMs() { return Math.max(0, performance.now() - due); },
    async recall() {
      try {
        await roster.recall();
      } catch (error) {
        if (!isVaultError(error)) throw error;
        report({ type: 'roster-failed', error });
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
      follow();
      ask();
    },
    async refresh() {
      ask();
      await queue;
    },
    async stop() {
      stopping.abort();
      unfollow?.();
      clearTimeout(timer);
      await queue;
      source.close?.();
      groups.wipe();
    },
  };
}

/** Hands contents on when they are flushed, and those that wait for more at the latest after {@link GATHER_MS}. */
function gather(changed: (contents: readonly ItemContent[]) => void): { add(content: ItemContent): void; flush(): void } {
  let waiting: ItemContent[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const contents = waiting;
    waiting = [];
    if (contents.length > 0) changed(contents);
  };
  return {
    add(content) {
      waiting.push(content);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    flush,
  };
}
