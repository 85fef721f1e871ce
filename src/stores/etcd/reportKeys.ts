import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { VaultError } from '../../errors.ts';
import { nameProblem } from '../../names.ts';
import type { ReportListener, ReportStore, ReportWriter } from '../reports.ts';
import type { EtcdClient } from './client.ts';
import { unreachable } from './failure.ts';
import { MOST_REQUEST_BYTES, type KeyValues } from './keyValues.ts';
import { REPORTS, reportKey } from './layout.ts';
import { GONE } from './messages.ts';
import { watchKeys } from './watchKeys.ts';

/** Reports asked for at once: a node with a hundred items has one of 12 KB. */
const PAGE = 500;
const RETRY_MS = 1000;
const STATUS = '/status';
const MOST_LEASE_ID = 2 ** 48 - 1;

interface StoredReport {
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** What nodes report: `reports/NODE/status`, each under a lease of its node's. */
export function openReportKeys(client: EtcdClient, keyValues: KeyValues): ReportStore {
  const list = async (): Promise<Map<string, StoredReport>> => {
    const found = new Map<string, StoredReport>();
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await keyValues.page(REPORTS, { after, limit: PAGE });
      for (const { name, value, revision } of page.entries) {
        const node = nodeOf(name);
        if (node !== undefined) found.set(node, { revision, bytes: value });
      }
      after = page.entries[page.entries.length - 1]?.name;
      more = page.more && after !== undefined;
    }
    return found;
  };

  return {
    list: async () => new Map([...await list()].map(([node, { bytes }]) => [node, bytes])),
    follow: (listener) => followReports(client, list, listener),
    writer: (node, { ttlSeconds }) => reportWriter(client, keyValues, reportKey(node), ttlSeconds),
  };
}

/** The node that a name below {@link REPORTS} belongs to; undefined where it is no report. */
function nodeOf(name: string): string | undefined {
  const node = name.endsWith(STATUS) ? name.slice(0, -STATUS.length) : '';
  return nameProblem('node', node) === undefined ? node : undefined;
}

function followReports(client: EtcdClient, list: () => Promise<Map<string, StoredReport>>, listener: ReportListener): () => void {
  /** Revision of each report that was told. */
  const told = new Map<string, number>();
  let isOver = false;
  let queue: Promise<void> = Promise.resolve();
  const below = client.prefix.length + REPORTS.length;

  const tell = (changes: readonly (readonly [node: string, revision: number, bytes: Uint8Array | undefined])[], isAll = false): void => {
    const news = new Map<string, Uint8Array | undefined>();
    for (const [node, revision, bytes] of changes) {
      if ((told.get(node) ?? 0) >= revision) continue; // The listing had that, or something newer.
      told.set(node, revision);
      news.set(node, bytes);
    }
    if (!isOver && (isAll || news.size > 0)) listener.changed(news);
  };
  const listAll = async (): Promise<void> => {
    let all: Map<string, StoredReport> | undefined;
    for (let failures = 0; all === undefined && !isOver; failures++) {
      try {
        all = await list();
        if (failures > 0) listener.problem(undefined);
      } catch (error) {
        if (!(error instanceof VaultError)) throw error;
        if (failures === 0) listener.problem(error);
        await delay(RETRY_MS * (1 + Math.random()));
      }
    }
    if (all === undefined) return;
    const gone = [...told].flatMap(([node]) => (all.has(node) ? [] : [[node, Infinity, undefined] as const]));
    // An etcd that was put back counts from a lower number.
    told.clear();
    tell([...gone, ...[...all].map(([node, { revision, bytes }]) => [node, revision, bytes] as const)], true);
    for (const [node] of gone) told.delete(node);
  };
  const inTurn = (work: () => Promise<void> | void): void => { queue = queue.then(() => (isOver ? undefined : work())); };

  const end = watchKeys(client, [{ key: REPORTS, isPrefix: true }], {
    changed(_, events) {
      const changes = events.flatMap(({ type, kv: { key, mod_revision, value } }) => {
        const node = nodeOf(Buffer.from(key).toString('latin1').slice(below));
        return node === undefined ? [] : [[node, mod_revision, type === GONE ? undefined : value] as const];
      });
      inTurn(() => { tell(changes); });
    },
    anew() { inTurn(listAll); },
    problem: (problem) => { listener.problem(problem); },
  });
  return () => {
    isOver = true;
    end();
  };
}

function reportWriter(client: EtcdClient, keyValues: KeyValues, key: string, ttlSeconds: number): ReportWriter {
  let lease: number | undefined;
  const granted = async (): Promise<number> => {
    const ID = randomInt(1, MOST_LEASE_ID);
    const { response: { error } } = await client.call('/etcdserverpb.Lease/LeaseGrant', { TTL: ttlSeconds, ID });
    if (error !== '') throw unreachable(client.prefix, [{ endpoint: 'etcd', reason: 'failed', said: error }]);
    return ID;
  };
  return {
    async write(bytes) {
      if (bytes.length > MOST_REQUEST_BYTES) {
        throw new VaultError('input-too-large', `The report would have ${String(bytes.length)} bytes; etcd takes ${String(MOST_REQUEST_BYTES)} at once.`, { details: { size: bytes.length, maxBytes: MOST_REQUEST_BYTES } });
      }
      const known = lease;
      lease = undefined; // Whatever is wrong with it, the next attempt has another.
      const id = known ?? await granted();
      await keyValues.commit({ put: [[key, bytes]], lease: id });
      lease = id;
    },
    async keep() {
      if (lease === undefined) return false;
      const { response: { TTL } } = await client.call('/etcdserverpb.Lease/LeaseKeepAlive', { ID: lease });
      if (TTL > 0) return true;
      lease = undefined;
      return false;
    },
  };
}
