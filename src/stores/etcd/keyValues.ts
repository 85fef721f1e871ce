import { isVaultError, VaultError } from '../../errors.ts';
import type { EtcdClient } from './client.ts';
import { COMPARE, type Compare, type KeyValue, type RequestOp } from './messages.ts';

/** A stored value, and the revision that wrote it. */
export interface Stored {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** What a transaction goes by, and what it then does. Keys are ASCII. */
export interface Change {
  /** Revision that wrote each key; 0 where there must be none. */
  readonly unchanged?: Readonly<Record<string, number>>;
  /** Keys that must not have been written at this revision or after. */
  readonly olderThan?: { readonly revision: number; readonly keys: readonly string[] };
  readonly put?: readonly (readonly [key: string, value: Uint8Array])[];
  /** What is put goes when this lease ends. */
  readonly lease?: number | undefined;
  readonly remove?: readonly string[];
  /** Keys that begin with this are removed. */
  readonly removeBelow?: string;
  /** Keys that are read where the premises do not hold. */
  readonly otherwise?: readonly string[];
}

/** What every write goes by, besides its own premises: that a key still is what a revision wrote. */
export interface Fence {
  readonly key: string;
  /** Undefined where it is known already that it is not. */
  revision(): number | undefined;
}

export interface Outcome {
  readonly done: boolean;
  readonly revision: number;
  /** Of {@link Change.otherwise}, where it was not done. */
  readonly found: readonly (Stored | undefined)[];
  /** The transaction was sent more than once: where it is not done, it may be that an attempt before did it. */
  readonly repeated: boolean;
}

export interface PageOptions {
  /** Name, below the prefix, after which the page begins. */
  readonly after?: string | undefined;
  /** Most entries; they are fewer where so many do not fit into one response. */
  readonly limit: number;
  readonly namesOnly?: boolean;
}

export interface Page {
  readonly entries: readonly (Stored & { readonly name: string })[];
  readonly more: boolean;
}

/** The keys below one prefix. Each method throws store-unreachable. */
export interface KeyValues {
  /** @returns in the order of `keys`, all of one moment */
  read(keys: readonly string[], revision?: number): Promise<{ readonly found: readonly (Stored | undefined)[]; readonly revision: number }>;
  /** Entries whose key begins with `below`, by name (the rest of the key), in the order of bytes. */
  page(below: string, options: PageOptions): Promise<Page>;
  /** All names below, sorted. */
  names(below: string): Promise<string[]>;
  count(below: string): Promise<number>;
  commit(change: Change): Promise<Outcome>;
}

/** Operations in one transaction; etcd's --max-txn-ops is 128 where nobody set it. */
export const MOST_OPERATIONS = 100;
/** Bytes of one request; etcd's --max-request-bytes is 1.5 MiB where nobody set it. */
export const MOST_REQUEST_BYTES = 1_400_000;
/** For a key whose revision is all that counts. */
export const NOTHING = new Uint8Array();
/** etcd itself reads the values too. */
const NAMES_A_PAGE = 500;

export function openKeyValues(client: EtcdClient, fence?: Fence): KeyValues {
  const keyOf = (key: string): Buffer => Buffer.from(client.prefix + key, 'latin1');

  const page: KeyValues['page'] = async (below, { after, limit, namesOnly = false }) => {
    for (let most = limit; ; most = Math.ceil(most / 8)) {
      try {
        const { response } = await client.call('/etcdserverpb.KV/Range', {
          key: after === undefined ? keyOf(below) : keyOf(`${below}${after}\0`), range_end: endOf(keyOf(below)), limit: most, keys_only: namesOnly,
        });
        return { entries: response.kvs.map((each) => ({ ...stored(each), name: Buffer.from(each.key).toString('latin1').slice(client.prefix.length + below.length) })), more: response.more };
      } catch (error) {
        // Some may be far larger than what lies there otherwise: whoever may write one key must not keep others from being read.
        if (!isVaultError(error, 'input-too-large') || most === 1) throw error;
      }
    }
  };

  return {
    page,
    async read(keys, revision) {
      const { response } = await client.call('/etcdserverpb.KV/Txn', { compare: [], failure: [], success: keys.map((key) => readOp(keyOf(key), revision)) });
      return { found: foundIn(response.responses), revision: response.header.revision };
    },
    async names(below) {
      const names: string[] = [];
      for (let more = true; more;) {
        const next = await page(below, { after: names[names.length - 1], limit: NAMES_A_PAGE, namesOnly: true });
        names.push(...next.entries.map(({ name }) => name));
        more = next.more;
      }
      return names;
    },
    async count(below) {
      const { response } = await client.call('/etcdserverpb.KV/Range', { key: keyOf(below), range_end: endOf(keyOf(below)), count_only: true });
      return response.count;
    },
    async commit({ unchanged = {}, olderThan, put = [], lease, remove = [], removeBelow, otherwise = [] }) {
      const compare: Compare[] = Object.entries(unchanged).map(([key, revision]) => ({ result: COMPARE.equal, target: COMPARE.modRevision, key: keyOf(key), mod_revision: revision }));
      for (const key of olderThan?.keys ?? []) compare.push({ result: COMPARE.less, target: COMPARE.modRevision, key: keyOf(key), mod_revision: olderThan?.revision ?? 0 });
      const success: RequestOp[] = [
        ...put.map(([key, value]) => ({ request_put: { key: keyOf(key), value, ...(lease === undefined ? {} : { lease }) } })),
        ...remove.map((key) => ({ request_delete_range: { key: keyOf(key) } })),
        ...(removeBelow === undefined ? [] : [{ request_delete_range: { key: keyOf(removeBelow), range_end: endOf(keyOf(removeBelow)) } }]),
      ];
      const failure = otherwise.map((key) => readOp(keyOf(key)));
      const fenced = fence !== undefined && success.length > 0 ? { key: fence.key, revision: fence.revision() } : undefined;
      if (fenced !== undefined) {
        if (fenced.revision === undefined) throw fencedOff(client.prefix);
        compare.push({ result: COMPARE.equal, target: COMPARE.modRevision, key: keyOf(fenced.key), mod_revision: fenced.revision });
        failure.push(readOp(keyOf(fenced.key)));
      }
      const { response, repeated } = await client.call('/etcdserverpb.KV/Txn', { compare, success, failure });
      if (fenced !== undefined && !response.succeeded && foundIn(response.responses).pop()?.revision !== fenced.revision) throw fencedOff(client.prefix);
      return { done: response.succeeded, revision: response.header.revision, found: response.succeeded ? [] : foundIn(response.responses), repeated };
    },
  };
}

function fencedOff(prefix: string): VaultError {
  return new VaultError('store-conflict', `Nothing was written to ${prefix}: another refresher was elected meanwhile, or none is.`, { hint: 'It goes on with what was begun.' });
}

function readOp(key: Uint8Array, revision?: number): RequestOp {
  return { request_range: { key, ...(revision === undefined ? {} : { revision }) } };
}

function foundIn(responses: readonly { readonly response_range: { readonly kvs: readonly KeyValue[] } | null }[]): (Stored | undefined)[] {
  return responses.map(({ response_range }) => {
    const [found] = response_range?.kvs ?? [];
    return found === undefined ? undefined : stored(found);
  });
}

function stored({ value, mod_revision }: KeyValue): Stored {
  return { value, revision: mod_revision };
}

/** The first key behind all that begin with `prefix`, which ends in an ASCII character. */
export function endOf(prefix: Uint8Array): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
  return end;
}
