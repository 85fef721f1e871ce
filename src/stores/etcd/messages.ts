/** The part of etcd's protocol (etcdserverpb, mvccpb; version 3.4 and later) that this program speaks, as protobufjs takes it. */

/** A member is absent on the wire where it has the zero value of its type. */
type Field = readonly [type: string, id: number, rule?: 'repeated'];

const MESSAGES: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  ResponseHeader: { cluster_id: ['uint64', 1], member_id: ['uint64', 2], revision: ['int64', 3], raft_term: ['uint64', 4] },
  KeyValue: { key: ['bytes', 1], create_revision: ['int64', 2], mod_revision: ['int64', 3], version: ['int64', 4], value: ['bytes', 5], lease: ['int64', 6] },
  Event: { type: ['int32', 1], kv: ['KeyValue', 2] },
  RangeRequest: { key: ['bytes', 1], range_end: ['bytes', 2], limit: ['int64', 3], revision: ['int64', 4], keys_only: ['bool', 8], count_only: ['bool', 9] },
  RangeResponse: { header: ['ResponseHeader', 1], kvs: ['KeyValue', 2, 'repeated'], more: ['bool', 3], count: ['int64', 4] },
  PutRequest: { key: ['bytes', 1], value: ['bytes', 2], lease: ['int64', 3] },
  PutResponse: { header: ['ResponseHeader', 1] },
  DeleteRangeRequest: { key: ['bytes', 1], range_end: ['bytes', 2] },
  DeleteRangeResponse: { header: ['ResponseHeader', 1], deleted: ['int64', 2] },
  Compare: { result: ['int32', 1], target: ['int32', 2], key: ['bytes', 3], mod_revision: ['int64', 6] },
  RequestOp: { request_range: ['RangeRequest', 1], request_put: ['PutRequest', 2], request_delete_range: ['DeleteRangeRequest', 3] },
  ResponseOp: { response_range: ['RangeResponse', 1], response_put: ['PutResponse', 2], response_delete_range: ['DeleteRangeResponse', 3] },
  TxnRequest: { compare: ['Compare', 1, 'repeated'], success: ['RequestOp', 2, 'repeated'], failure: ['RequestOp', 3, 'repeated'] },
  TxnResponse: { header: ['ResponseHeader', 1], succeeded: ['bool', 2], responses: ['ResponseOp', 3, 'repeated'] },
  WatchRequest: { create_request: ['WatchCreateRequest', 1] },
  WatchCreateRequest: { key: ['bytes', 1], range_end: ['bytes', 2], start_revision: ['int64', 3], progress_notify: ['bool', 4], fragment: ['bool', 8] },
  WatchResponse: {
    header: ['ResponseHeader', 1], watch_id: ['int64', 2], created: ['bool', 3], canceled: ['bool', 4], compact_revision: ['int64', 5],
    cancel_reason: ['string', 6], fragment: ['bool', 7], events: ['Event', 11, 'repeated'],
  },
  LeaseGrantRequest: { TTL: ['int64', 1], ID: ['int64', 2] },
  LeaseGrantResponse: { header: ['ResponseHeader', 1], ID: ['int64', 2], TTL: ['int64', 3], error: ['string', 4] },
  LeaseKeepAliveRequest: { ID: ['int64', 1] },
  LeaseKeepAliveResponse: { header: ['ResponseHeader', 1], ID: ['int64', 2], TTL: ['int64', 3] },
  AuthenticateRequest: { name: ['string', 1], password: ['string', 2] },
  AuthenticateResponse: { header: ['ResponseHeader', 1], token: ['string', 2] },
};

/** A number of {@link Compare.result} and {@link Compare.target}. */
export const COMPARE = { equal: 0, less: 2, modRevision: 2 } as const;

export interface ResponseHeader { readonly revision: number }
export interface KeyValue { readonly key: Uint8Array; readonly mod_revision: number; readonly value: Uint8Array }
export interface RangeRequest {
  readonly key: Uint8Array; readonly range_end?: Uint8Array; readonly limit?: number; readonly revision?: number; readonly keys_only?: boolean; readonly count_only?: boolean;
}
export interface RangeResponse { readonly header: ResponseHeader; readonly kvs: readonly KeyValue[]; readonly more: boolean; readonly count: number }
export interface Compare { readonly result: number; readonly target: number; readonly key: Uint8Array; readonly mod_revision: number }
export interface RequestOp {
  readonly request_range?: RangeRequest;
  readonly request_put?: { readonly key: Uint8Array; readonly value: Uint8Array; readonly lease?: number };
  readonly request_delete_range?: { readonly key: Uint8Array; readonly range_end?: Uint8Array };
}
export interface TxnRequest { readonly compare: readonly Compare[]; readonly success: readonly RequestOp[]; readonly failure: readonly RequestOp[] }
export interface TxnResponse { readonly header: ResponseHeader; readonly succeeded: boolean; readonly responses: readonly { readonly response_range: RangeResponse | null }[] }
export interface WatchRequest { readonly create_request: { readonly key: Uint8Array; readonly range_end?: Uint8Array; readonly start_revision: number; readonly progress_notify: boolean; readonly fragment: boolean } }
export interface WatchResponse {
  readonly header: ResponseHeader; readonly watch_id: number; readonly created: boolean; readonly canceled: boolean; readonly compact_revision: number;
  readonly cancel_reason: string; readonly events: readonly WatchEvent[];
  /** More of the same follows: it was too large for one. */
  readonly fragment: boolean;
}
/** Of a key that is gone, `kv` has the name and the revision alone. */
export interface WatchEvent { readonly type: number; readonly kv: KeyValue }
/** A number of {@link WatchEvent.type}. */
export const GONE = 1;

/** Requests and responses of each call, by its path. */
export interface Calls {
  '/etcdserverpb.KV/Range': [RangeRequest, RangeResponse];
  '/etcdserverpb.KV/Txn': [TxnRequest, TxnResponse];
  '/etcdserverpb.Watch/Watch': [WatchRequest, WatchResponse];
  '/etcdserverpb.Lease/LeaseGrant': [{ readonly TTL: number; readonly ID: number }, { readonly TTL: number; readonly error: string }];
  /** One request and one response of a stream; `TTL` is 0 where the lease is gone. */
  '/etcdserverpb.Lease/LeaseKeepAlive': [{ readonly ID: number }, { readonly TTL: number }];
  '/etcdserverpb.Auth/Authenticate': [{ readonly name: string; readonly password: string }, { readonly token: string }];
}

const TYPES: Readonly<Record<keyof Calls, readonly [request: string, response: string]>> = {
  '/etcdserverpb.KV/Range': ['RangeRequest', 'RangeResponse'],
  '/etcdserverpb.KV/Txn': ['TxnRequest', 'TxnResponse'],
  '/etcdserverpb.Watch/Watch': ['WatchRequest', 'WatchResponse'],
  '/etcdserverpb.Lease/LeaseGrant': ['LeaseGrantRequest', 'LeaseGrantResponse'],
  '/etcdserverpb.Lease/LeaseKeepAlive': ['LeaseKeepAliveRequest', 'LeaseKeepAliveResponse'],
  '/etcdserverpb.Auth/Authenticate': ['AuthenticateRequest', 'AuthenticateResponse'],
};

/** How the messages of one call are written and read. */
export interface Codec<Path extends keyof Calls> {
  readonly path: Path;
  encode(request: Calls[Path][0]): Buffer;
  decode(bytes: Uint8Array): Calls[Path][1];
}

type Codecs = <Path extends keyof Calls>(path: Path) => Codec<Path>;
let codecs: Promise<Codecs> | undefined;

/** Loads protobufjs, once. Revisions are numbers: they count changes, and stay below 2^53; the identifiers of leases are chosen so. */
export async function openCodecs(): Promise<Codecs> {
  return await (codecs ??= loadCodecs());
}

async function loadCodecs(): Promise<Codecs> {
  const { default: protobuf } = await import('protobufjs/light.js');
  const root = protobuf.Root.fromJSON({ nested: Object.fromEntries(Object.entries(MESSAGES).map(([name, fields]) => [name, {
    fields: Object.fromEntries(Object.entries(fields).map(([field, [type, id, rule]]) => [field, { type, id, ...(rule === undefined ? {} : { rule }) }])),
  }])) });
  return <Path extends keyof Calls>(path: Path): Codec<Path> => {
    const [request, response] = TYPES[path].map((name) => root.lookupType(name));
    if (request === undefined || response === undefined) throw new Error(`no types for ${path}`);
    return {
      path,
      encode: (message) => Buffer.from(request.encode(message as Record<string, unknown>).finish()),
      decode: (bytes) => response.toObject(response.decode(bytes), { longs: Number, arrays: true, defaults: true }) as Calls[Path][1],
    };
  };
}
