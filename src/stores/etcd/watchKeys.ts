import type { VaultError } from '../../errors.ts';
import type { EtcdClient, WatchStream } from './client.ts';
import { unreachable, type Failure } from './failure.ts';
import { endOf } from './keyValues.ts';
import type { WatchEvent, WatchResponse } from './messages.ts';

/** What is watched: a key, or all keys that begin with one. Below the prefix. */
export interface WatchedKeys {
  readonly key: string;
  readonly isPrefix: boolean;
}

/** What a watcher is told of the keys at an index. */
export interface WatchListener {
  changed(index: number, events: readonly WatchEvent[]): void;
  /** From here on all that happens after this revision is told; what was before may not have been. */
  anew(revision: number): void;
  /** The connection is lost (again only after it was good); undefined: it is back. */
  problem(problem: VaultError | undefined): void;
}

/** Each has its own revision to go on from: etcd catches up with one after the other. */
interface Watched {
  readonly key: Uint8Array;
  readonly end: Uint8Array | undefined;
  /** The first revision of which nothing is known; 0 where that is the present one, whichever that is. */
  next: number;
}

/** Thousands that lose one member at the same moment come back within this time. */
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 30_000;
/** A stream that was good for so long is no part of a series of failures. */
const GOOD_MS = 10_000;
const BEGIN_MS = 10_000;

/**
 * Watches keys of the store through lost connections and compaction: goes on from the first revision that it does not know.
 * @returns ends it
 */
export function watchKeys(client: EtcdClient, keys: readonly WatchedKeys[], listener: WatchListener): () => void {
  const watched: Watched[] = keys.map(({ key, isPrefix }) => {
    const bytes = Buffer.from(client.prefix + key, 'latin1');
    return { key: bytes, end: isPrefix ? endOf(bytes) : undefined, next: 0 };
  });
  const state = { over: false, round: 0, failures: 0, troubled: false };
  let stream: WatchStream | undefined;
  let timer: NodeJS.Timeout | undefined;
  let began = 0;
  /** Watched things in the order in which etcd numbered them, once it did. */
  let created: number[] = [];

  const forget = (): void => { for (const each of watched) each.next = 0; };
  const wait = (milliseconds: number, then: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(then, milliseconds);
  };

  function begin(): void {
    created = [];
    began = Date.now();
    const round = ++state.round;
    const late = { endpoint: 'etcd', reason: 'timed-out', said: 'no watch began in time' } as const;
    wait(BEGIN_MS, () => { ended(late); });
    const isCurrent = (): boolean => !state.over && state.round === round;
    client.watch({ response: (message) => { if (isCurrent()) take(message); }, failed: (failure) => { if (isCurrent()) ended(failure); } }).then((opened) => {
      if (!isCurrent()) { opened.end(); return; }
      stream = opened;
      for (const { key, end, next } of watched) {
        // In fragments: what gathered while nobody watched may be more than one response can hold, however often it is asked for.
        opened.send({ create_request: { key, ...(end === undefined ? {} : { range_end: end }), start_revision: next, progress_notify: true, fragment: true } });
      }
    }).catch((error: unknown) => {
      if (isCurrent()) ended({ endpoint: 'etcd', reason: 'unreachable', said: error instanceof Error ? error.message : 'unknown reason' });
    });
  }

  function take(message: WatchResponse): void {
    const { revision } = message.header;
    if (message.canceled && message.compact_revision > 0) {
      forget(); // What happened in between is gone: one look at everything replaces it.
      again();
    } else if (message.canceled) {
      ended({ endpoint: 'etcd', reason: message.cancel_reason.includes('permission denied') ? 'permission-denied' : 'failed', said: message.cancel_reason });
    } else if (message.created) {
      const each = watched[created.length];
      created.push(message.watch_id);
      if (each !== undefined && each.next > revision + 1) {
        forget(); // An etcd that was put back to an older state would be silent until it got there again.
        again();
      } else if (created.length === watched.length) good(revision);
    } else {
      const index = created.indexOf(message.watch_id);
      const each = watched[index];
      if (each === undefined) return;
      const last = message.events[message.events.length - 1];
      // Of what one revision did, more may follow in the next fragment; told twice, it does no harm.
      each.next = (last?.kv.mod_revision ?? revision) + (message.fragment ? 0 : 1);
      if (last !== undefined) listener.changed(index, message.events);
    }
  }

  /** Everything is watched. */
  function good(revision: number): void {
    clearTimeout(timer);
    began = Date.now();
    const anew = watched.some(({ next }) => next === 0);
    for (const each of watched) if (each.next === 0) each.next = revision + 1;
    if (state.troubled) listener.problem(undefined);
    state.troubled = false;
    if (anew) listener.anew(revision);
  }

  function ended(failure: Failure): void {
    const wasGood = created.length === watched.length;
    if (!wasGood && !state.troubled) {
      state.troubled = true;
      listener.problem(unreachable(client.prefix, [failure]));
    }
    if (wasGood && Date.now() - began > GOOD_MS) state.failures = 0;
    again();
  }

  /** Full jitter: ten thousand that lost one member do not come back at once. */
  function again(): void {
    stream?.end();
    stream = undefined;
    state.round++;
    const pause = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(state.failures, 20));
    state.failures++;
    wait(Math.random() * pause, begin);
  }

  begin();
  return () => {
    state.over = true;
    clearTimeout(timer);
    stream?.end();
  };
}
