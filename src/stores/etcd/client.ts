import type { Client, ServiceError } from '@grpc/grpc-js';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { checkServerIdentity } from 'node:tls';
import { VaultError } from '../../errors.ts';
import { failureOf, isPassing, unreachable, type Failure } from './failure.ts';
import { openCodecs, type Calls, type Codec, type WatchRequest, type WatchResponse } from './messages.ts';

/** How an etcd is reached. */
export interface EtcdSettings {
  /** `http://HOST:PORT` or `https://HOST:PORT`, all with or all without TLS. */
  readonly endpoints: readonly string[];
  /** What all keys begin with; it begins and ends with a slash. */
  readonly prefix: string;
  readonly tls?: { readonly ca?: Uint8Array | undefined; readonly certificate?: Uint8Array | undefined; readonly key?: Uint8Array | undefined } | undefined;
  readonly user?: { readonly name: string; readonly password: string } | undefined;
}

/** A stream of watch responses from one member; ended by `end`. */
export interface WatchStream {
  send(request: WatchRequest): void;
  end(): void;
}

export interface WatchListener {
  response(message: WatchResponse): void;
  /** Once, at the end that was not asked for. */
  failed(failure: Failure): void;
}

/** Calls to whichever member answers. */
export interface EtcdClient {
  readonly prefix: string;
  /**
   * @returns the response, and whether an attempt before failed in a way that may nevertheless have been carried out
   * @throws VaultError store-unreachable with `details.reason`; input-too-large
   */
  call<Path extends Exclude<keyof Calls, '/etcdserverpb.Watch/Watch'>>(path: Path, request: Calls[Path][0]): Promise<{ readonly response: Calls[Path][1]; readonly repeated: boolean }>;
  /** Begins a stream at the next endpoint. @throws VaultError store-unreachable where nobody gives a token */
  watch(listener: WatchListener): Promise<WatchStream>;
  close(): void;
}

/** Of one attempt: long enough for a megabyte on a slow disk, short enough to try the next member. */
const ATTEMPT_MS = 5000;
/** Of a call: an election takes a second or two. */
const CALL_MS = 15_000;
const PAUSE_MS = 250;

const CHANNEL = {
  'grpc.enable_http_proxy': 0, // Not by variables of the environment: vault.json says where etcd is.
  'grpc.keepalive_time_ms': 10_000, // A connection that was cut without a word; etcd allows one in five seconds.
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  'grpc.max_receive_message_length': 64 << 20,
  'grpc.max_send_message_length': -1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0, // What is tried again is decided here.
};

/** Connects at the first call. Loads gRPC then, and not before. */
export function openClient(settings: EtcdSettings): EtcdClient {
  let connecting: Promise<Connections> | undefined;
  let token: Promise<string> | undefined;
  const { prefix, user, endpoints } = settings;
  let preferred = Math.floor(Math.random() * endpoints.length); // Many clients share the members among them.
  const connect = (): Promise<Connections> => connecting ??= openConnections(settings);

  async function attempts<T>(once: (connections: Connections, endpoint: string, deadline: number) => Promise<T>): Promise<{ result: T; repeated: boolean }> {
    const connections = await connect();
    const until = Date.now() + CALL_MS;
    const failures: Failure[] = [];
    for (let attempt = 0; ; attempt++) {
      const endpoint = endpoints[preferred] ?? '';
      const result = await once(connections, endpoint, Math.min(until, Date.now() + ATTEMPT_MS)).catch((error: unknown) => ({ failure: failed(endpoint, error) }));
      if (!(typeof result === 'object' && result !== null && 'failure' in result)) return { result: result as T, repeated: attempt > 0 };
      const { failure } = result;
      failures.push(failure);
      if (failure.reason === 'token' && user !== undefined && failures.filter(({ reason }) => reason === 'token').length < 3) {
        token = undefined;
        continue;
      }
      if (failure.reason === 'too-large') throw tooLarge(prefix, failure);
      if (!isPassing(failure)) throw unreachable(prefix, failures);
      preferred = (preferred + 1) % endpoints.length;
      if ((attempt + 1) % endpoints.length !== 0) continue;
      // All were asked. Where none is there, waiting for an election helps nobody.
      const round = failures.slice(-endpoints.length);
      const hopeless = round.every(({ reason }) => reason === 'refused' || reason === 'certificate')
        || (attempt >= 2 * endpoints.length && round.every(({ reason }) => reason !== 'no-leader' && reason !== 'timed-out'));
      if (hopeless || Date.now() + PAUSE_MS >= until) throw unreachable(prefix, failures);
      await delay(PAUSE_MS * (1 + Math.random()));
    }
  }

  function failed(endpoint: string, error: unknown): Failure {
    if (error instanceof VaultError || !(error instanceof Error)) throw error;
    const failure = failureOf(endpoint, error);
    const isRefused = failure.reason === 'permission-denied' || failure.reason === 'credentials';
    return user !== undefined && isRefused ? { ...failure, said: `${failure.said}, to the user ${user.name}` } : failure;
  }

  async function tokenFrom(): Promise<string | undefined> {
    if (user === undefined) return undefined;
    token ??= attempts((connections, endpoint, deadline) => connections.unary(endpoint, '/etcdserverpb.Auth/Authenticate', user, { deadline }))
      .then(({ result }) => result.token);
    try {
      return await token;
    } catch (error) {
      token = undefined;
      throw error;
    }
  }

  return {
    prefix,
    async call(path, request) {
      const { result, repeated } = await attempts(async (connections, endpoint, deadline) => connections.unary(endpoint, path, request, { deadline, token: await tokenFrom() }));
      return { response: result, repeated };
    },
    async watch(listener) {
      const connections = await connect();
      const granted = await tokenFrom();
      const endpoint = endpoints[preferred] ?? '';
      preferred = (preferred + 1) % endpoints.length;
      return connections.watch(endpoint, granted, {
        response(message) {
          // A token may have ended while the stream before needed none; to have a new one for each stream would cost etcd a password's hash each time.
          if (message.canceled && /permission denied|auth token/.test(message.cancel_reason)) token = undefined;
          listener.response(message);
        },
        failed(failure) {
          if (failure.reason === 'token') token = undefined;
          listener.failed(failure);
        },
      });
    },
    close() {
      void connecting?.then((connections) => { connections.close(); });
      connecting = undefined;
    },
  };
}

function tooLarge(prefix: string, { endpoint, said }: Failure): VaultError {
  return new VaultError('input-too-large', `etcd does not take so much at once (${prefix}): ${endpoint}: ${said}.`, {
    hint: 'Raise etcd\'s --max-request-bytes and --max-txn-ops to their defaults (1572864, 128) or more.', details: { reason: 'too-large', endpoint, prefix },
  });
}

interface Connections {
  unary<Path extends keyof Calls>(endpoint: string, path: Path, request: Calls[Path][0], options: { readonly deadline: number; readonly token?: string | undefined }): Promise<Calls[Path][1]>;
  watch(endpoint: string, token: string | undefined, listener: WatchListener): WatchStream;
  close(): void;
}

async function openConnections({ tls }: EtcdSettings): Promise<Connections> {
  const { Client, Metadata, credentials } = await import('@grpc/grpc-js');
  const codecOf = await openCodecs();
  const buffer = (bytes: Uint8Array | undefined): Buffer | null => (bytes === undefined ? null : Buffer.from(bytes));
  const clients = new Map<string, Client>();
  const clientOf = (endpoint: string): Client => {
    const present = clients.get(endpoint);
    if (present !== undefined) return present;
    const { protocol, hostname, port } = new URL(endpoint);
    const secure = protocol === 'https:';
    const address = hostname.replace(/^\[|\]$/g, '');
    // TLS asks for hosts by name alone, and Node warns of an address; the certificate is still held against it.
    const byAddress = secure && isIP(address) > 0;
    const verify = byAddress ? { checkServerIdentity: (_host: string, certificate: Parameters<typeof checkServerIdentity>[1]) => checkServerIdentity(address, certificate) } : undefined;
    const client = new Client(`${hostname}:${port === '' ? (secure ? '443' : '80') : port}`,
      secure ? credentials.createSsl(buffer(tls?.ca), buffer(tls?.key), buffer(tls?.certificate), verify) : credentials.createInsecure(),
      { ...CHANNEL, ...(byAddress ? { 'grpc.ssl_target_name_override': 'etcd' } : {}) });
    clients.set(endpoint, client);
    return client;
  };
  const metadataOf = (token: string | undefined): InstanceType<typeof Metadata> => {
    const metadata = new Metadata();
    metadata.set('hasleader', 'true'); // A member that was cut off says so, in place of waiting.
    if (token !== undefined) metadata.set('token', token);
    return metadata;
  };
  return {
    unary(endpoint, path, request, { deadline, token }) {
      const codec: Codec<typeof path> = codecOf(path);
      return new Promise((resolve, reject) => {
        clientOf(endpoint).makeUnaryRequest(path, codec.encode, codec.decode, request, metadataOf(token), { deadline }, (error, response) => {
          if (error !== null) reject(error);
          else if (response === undefined) reject(new Error('no response'));
          else resolve(response);
        });
      });
    },
    watch(endpoint, token, listener) {
      const codec = codecOf('/etcdserverpb.Watch/Watch');
      const stream = clientOf(endpoint).makeBidiStreamRequest(codec.path, codec.encode, codec.decode, metadataOf(token));
      let over = false;
      const end = (failure?: Failure): void => {
        if (over) return;
        over = true;
        stream.cancel();
        if (failure !== undefined) listener.failed(failure);
      };
      stream.on('data', (message: WatchResponse) => { if (!over) listener.response(message); });
      stream.on('error', (error: ServiceError) => { end(failureOf(endpoint, error)); });
      stream.on('end', () => { end({ endpoint, reason: 'unreachable', said: 'the stream ended' }); });
      return { send: (request) => { if (!over) stream.write(request); }, end: () => { end(); } };
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}
