import { VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { LiveStore, Revision, ToldHead } from '../../stores/live.ts';
import type { Store } from '../../stores/store.ts';
import { refText } from '../configuration/configuration.ts';
import { jittered } from '../following/backoff.ts';
import type { Source, SourceReply } from '../source.ts';

export interface EtcdSourceOptions {
  readonly store: LiveStore & Pick<Store, 'reports'>;
  /** Fingerprint of the reader's key: of large lists of recipients its entry alone is read. */
  readonly reader: string;
  readonly pollMs: number;
  /** Milliseconds, of a clock that is never set. */
  readonly clock?: () => number;
}

/** What a whole fleet is told at the same moment, and looks at as a whole, it looks at within so long. */
const SPREAD_MS = 10_000;
/** An item of which the watch tells nothing is asked for nevertheless once in so many rounds. */
const ROUNDS_UNASKED = 12;

/** What was read, and until when the watch vouches for it. */
interface Vouched {
  readonly version: string | undefined;
  readonly at: Revision;
  readonly until: number;
}

/**
 * A repository in etcd, followed by watch. What changed is told with its head, so that a small item is not asked for at all; of what did not, the watch vouches, so that a round
 * asks for the roster alone.
 */
export function etcdSource({ store, reader, pollMs, clock = () => performance.now() }: EtcdSourceOptions): Source {
  const items = new Map<string, Vouched>();
  const rosters = new Map<number, Vouched & { readonly bytes: Uint8Array | undefined }>();
  /** Heads that were told and not yet asked for; and the revision of the last change that was told of an item, and of the roster. */
  const heads = new Map<string, ToldHead>();
  const changes = new Map<string, Revision>();
  let rosterChange: Revision = 0;
  /** From this revision on everything is told; undefined where that is not so now. */
  let since: Revision | undefined;
  let isConnected = false;
  let followed: ReadonlySet<string> = new Set();
  /** What was asked before etcd was put back, or forgot, is of another time. */
  let epoch = 0;

  const vouches = (read: Vouched | undefined, lastChange: Revision): boolean =>
    isConnected && since !== undefined && read !== undefined && read.at >= since && lastChange <= read.at && clock() < read.until;
  const forget = (): void => {
    for (const each of [items, rosters, heads, changes]) each.clear();
    rosterChange = 0;
    epoch++;
  };

  return {
    location: store.location,
    pollMs,
    ...(store.reports === undefined ? {} : { reports: store.reports }),
    async readItem(ref, known, signal): Promise<SourceReply> {
      const name = refText(ref);
      const last = items.get(name);
      const told = heads.get(name);
      heads.delete(name);
      if (known !== undefined && last?.version === known && told === undefined && followed.has(name) && vouches(last, changes.get(name) ?? 0)) return { kind: 'unchanged' };
      const [until, asked] = [clock() + jittered(pollMs * ROUNDS_UNASKED), epoch];
      const reply = await unlessAborted(store.readItemAs(ref, reader, known === undefined ? undefined : Number(known), told), signal);
      const version = reply.kind === 'unchanged' ? known : reply.kind === 'found' ? String(reply.revision) : undefined;
      if (asked === epoch) items.set(name, { version, at: reply.at, until });
      if (reply.kind !== 'found') return { kind: reply.kind };
      return version === known ? { kind: 'unchanged' } : { kind: 'found', documents: reply.documents, version };
    },
    async readRoster(version, signal) {
      const last = rosters.get(version);
      if (vouches(last, rosterChange)) return last?.bytes;
      const [until, asked] = [clock() + pollMs * 0.8, epoch]; // A round asks: it shall tell whether etcd answers.
      const { bytes, at } = await unlessAborted(store.readRosterAt(version), signal);
      if (asked === epoch) rosters.set(version, { version: undefined, bytes, at, until });
      return bytes;
    },
    follow(refs: readonly ItemRef[], changed) {
      followed = new Set(refs.map(refText));
      since = undefined;
      isConnected = false;
      let isFirst = true;
      let timer: NodeJS.Timeout | undefined;
      /** Once for all that is told meanwhile. */
      let isWhole = false;
      const lookSoon = (whole: boolean): void => {
        isWhole ||= whole;
        timer ??= setTimeout(() => {
          timer = undefined;
          changed(isWhole ? undefined : []);
          isWhole = false;
        }, Math.random() * SPREAD_MS);
      };
      const end = store.follow(refs, {
        item(ref, revision, value) {
          const name = refText(ref);
          changes.set(name, revision);
          if (value === undefined) heads.delete(name);
          else heads.set(name, { revision, value });
          changed([ref]);
        },
        roster(revision) {
          rosterChange = revision;
          // All items are judged by a new roster: not by all agents in the same second. One signed by a new admin is not kept waiting by it.
          lookSoon(false);
        },
        anew(revision) {
          if (!isFirst) forget();
          since = revision;
          isConnected = true;
          if (isFirst) changed();
          else lookSoon(true);
          isFirst = false;
        },
        problem(problem) {
          isConnected = problem === undefined;
          changed([]); // The roster is asked for: that tells, in the log and in the status, what is wrong, and that it is over.
        },
      });
      return () => {
        end();
        clearTimeout(timer);
        since = undefined;
        isConnected = false;
      };
    },
    close() { store.close(); },
  };
}

/** Whoever ends does not wait for an answer. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const end = (): void => { reject(new VaultError('interrupted', 'Interrupted.')); };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', end); }).catch(() => undefined);
  });
}
