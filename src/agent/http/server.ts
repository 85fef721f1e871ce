import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { isIP, type AddressInfo, type ListenOptions, type Socket } from 'node:net';
import { VaultError } from '../../errors.ts';

/** Sent by whoever is there: nothing in it is to be believed. */
export interface HttpRequest {
  readonly method: string;
  /** Path of the URL, as it was sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Made here, for the log and the reply. */
  readonly id: string;
}

export interface HttpReply {
  readonly status: number;
  readonly type?: 'application/json' | 'text/plain; charset=utf-8' | 'text/plain; version=0.0.4; charset=utf-8';
  /** Bytes are not copied: many may be sent the same. */
  readonly body: string | Uint8Array;
}

/** What it throws becomes status 500, without a word of why. */
export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

export interface HttpServer {
  /** Of a server on a port. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** Connections at once; more wait in the kernel's queue or are refused, so that memory is bounded. */
const MOST_CONNECTIONS = 512;
/** Connections that ask nothing. One more, and the one that has been silent the longest is closed: who opens many keeps nobody else out. */
const MOST_SILENT = 256;
const MOST_REQUESTS_A_SOCKET = 10_000;
/** Whoever takes nothing of a reply for so long loses it, in milliseconds; longer than anything that is answered takes. */
const MOST_STILL_MS = 60_000;

/**
 * Serves small replies on 127.0.0.1 or on a UNIX socket. Only GET, without bodies. On a port the Host header must name this machine itself, so that
 * a page in a browser cannot reach it under a name of its own (DNS rebinding); there are no CORS headers, ever.
 * @param failed told of what a handler threw
 * @throws VaultError usage where the port is in use; store-unreachable for other reasons
 */
export async function serveHttp(
  listen: { readonly port: number } | { readonly socket: string }, handle: HttpHandler, failed: (error: unknown, request: string) => void = () => undefined,
): Promise<HttpServer> {
  /** In the order in which they last asked something. */
  const silent = new Set<Socket>();
  const server = createServer({
    maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000, connectionsCheckingInterval: 2000, noDelay: true,
  }, (incoming, outgoing) => {
    const id = randomUUID();
    const { socket } = incoming;
    silent.delete(socket);
    const reply = ({ status, type = 'application/json', body }: HttpReply): void => {
      outgoing.writeHead(status, {
        'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-request-id': id,
      }).end(incoming.method === 'HEAD' ? undefined : body);
      if (!socket.destroyed) silent.add(socket);
    };
    incoming.resume(); // A body, which nothing here takes.
    if ('port' in listen && !isThisMachine(incoming.headers.host)) { reply(refusal(403, 'the Host header must name this machine')); return; }
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') { reply(refusal(405, 'only GET is served')); return; }
    const [path = '/'] = (incoming.url ?? '/').split('?');
    Promise.resolve().then(() => handle({ method: 'GET', path, headers: incoming.headers, id })).then(reply, (error: unknown) => {
      failed(error, id);
      reply(refusal(500, `an error of the agent; its log names the request ${id}`));
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.maxRequestsPerSocket = MOST_REQUESTS_A_SOCKET;
  server.timeout = MOST_STILL_MS;
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => { silent.delete(socket); });
    const [oldest] = silent;
    if (silent.size > MOST_SILENT) oldest?.destroy();
  });
  server.on('clientError', (_error, socket) => { socket.destroy(); });
  await new Promise<void>((resolve, reject) => {
    const options: ListenOptions = 'port' in listen ? { port: listen.port, host: '127.0.0.1' } : { path: listen.socket };
    server.once('error', (cause: NodeJS.ErrnoException) => { reject(unable(listen, cause)); });
    server.listen(options, () => { resolve(); });
  });
  const address = server.address();
  return {
    port: 'port' in listen ? (address as AddressInfo).port : undefined,
    close: () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      server.closeIdleConnections();
      setTimeout(() => { server.closeAllConnections(); }, 1000).unref();
    }),
  };
}

/** A reply that says why, in the form of every error of ours. */
export function refusal(status: number, message: string): HttpReply {
  return { status, body: `${JSON.stringify({ error: { message } })}\n` };
}

function isThisMachine(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'));
}

function unable(listen: { readonly port: number } | { readonly socket: string }, cause: NodeJS.ErrnoException): VaultError {
  const place = 'port' in listen ? `Port ${String(listen.port)} of 127.0.0.1` : listen.socket;
  return cause.code === 'EADDRINUSE'
    ? new VaultError('usage', `${place} is in use.`, { cause, hint: 'Another agent may be running. Name another one in the configuration.', details: { place } })
    : new VaultError('store-unreachable', `${place} cannot be listened on: ${cause.code ?? 'unknown reason'}.`, { cause, details: { place } });
}
