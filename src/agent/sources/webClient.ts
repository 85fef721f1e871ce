import { Agent as PlainAgent, request as plainRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { VaultError } from '../../errors.ts';
import { systemCode } from '../../files/read.ts';

/** What a server says of a file, to be asked later whether it changed. */
export interface Validators {
  readonly etag: string | undefined;
  readonly modified: string | undefined;
}

export type WebReply =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' }
  | ({ readonly kind: 'found'; readonly bytes: Uint8Array } & Validators);

export interface GetOptions {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** What it said before: where it is still so, the reply is `unchanged`. */
  readonly validators?: Validators | undefined;
  /** Take the status 403 for 404. */
  readonly forbiddenIsAbsent?: boolean;
}

export interface WebClient {
  /**
   * Gets a file. Follows no redirect; nothing of what the server sends is in an error but the status.
   * @param path its steps below the client's URL
   * @throws VaultError store-unreachable, input-too-large
   */
  get(path: readonly string[], options: GetOptions): Promise<WebReply>;
  /** Ends connections that are not in use. */
  close(): void;
}

export interface WebClientOptions {
  /** The longest silence, from the attempt to connect to the last byte. */
  readonly timeoutMs: number;
  /** Certificates, in PEM, that are trusted in place of the system's. */
  readonly authorities: Uint8Array | undefined;
}

/** The longest that a whole request may take, in silences: a server that sends a byte now and then is not waited for. */
const WHOLE = 6;
const CONNECTIONS = 4;
const MAX_HEADER_BYTES = 16_384;
const MAX_VALIDATOR = 1024;

/** A client for the files below `base`, an http or https URL without a query, that keeps its connections. */
export function openWebClient(base: string, { timeoutMs, authorities }: WebClientOptions): WebClient {
  const root = new URL(base.endsWith('/') ? base : `${base}/`);
  const isTls = root.protocol === 'https:';
  const kept = { keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS, scheduling: 'lifo' } as const;
  const agent = isTls ? new TlsAgent({ ...kept, ...(authorities === undefined ? {} : { ca: Buffer.from(authorities) }) }) : new PlainAgent(kept);

  /** @throws NodeJS.ErrnoException, VaultError */
  const ask = (target: URL, { maxBytes, signal, validators, forbiddenIsAbsent = false }: GetOptions): Promise<WebReply> => new Promise((resolve, reject) => {
    const options: RequestOptions = {
      agent, signal, timeout: timeoutMs, maxHeaderSize: MAX_HEADER_BYTES,
      headers: {
        'accept': 'application/json', 'accept-encoding': 'identity', 'user-agent': 'iam-vault',
        ...(validators?.etag !== undefined ? { 'if-none-match': validators.etag } : validators?.modified !== undefined ? { 'if-modified-since': validators.modified } : {}),
      },
    };
    const request: ClientRequest = (isTls ? tlsRequest : plainRequest)(target, options);
    const whole = setTimeout(() => { end(unanswered(target, `it did not end within ${seconds(timeoutMs * WHOLE)}`)); }, timeoutMs * WHOLE);
    /** What comes afterwards is not looked at. */
    const end = (failure: Error): void => {
      clearTimeout(whole);
      reject(failure);
      request.destroy();
    };
    const done = (reply: WebReply): void => {
      clearTimeout(whole);
      resolve(reply);
    };
    request.on('timeout', () => { end(unanswered(target, `nothing came for ${seconds(timeoutMs)}`)); });
    request.on('error', end);
    request.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      response.on('error', end);
      if (status === 200) {
        if ((headers['content-encoding'] ?? 'identity') !== 'identity') { end(unanswered(target, 'it answered in an encoding that it was not asked for')); return; }
        collect(response, maxBytes, target).then((bytes) => { done({ kind: 'found', bytes, etag: validator(headers.etag), modified: validator(headers['last-modified']) }); }, end);
        return;
      }
      const isAbsent = status === 404 || status === 410 || (status === 403 && forbiddenIsAbsent);
      if (!isAbsent && (status !== 304 || validators === undefined)) { end(statusError(target, status)); return; }
      // The page that says so is read to its end, so that the connection can be used again; a long one is not.
      collect(response, MAX_HEADER_BYTES, target).then(() => undefined, () => { request.destroy(); }).finally(() => { done({ kind: isAbsent ? 'absent' : 'unchanged' }); });
    });
    request.end();
  });

  return {
    async get(path, options) {
      const target = new URL(path.map(encodeURIComponent).join('/'), root);
      for (let attempt = 1; ; attempt++) {
        try {
          return await ask(target, options);
        } catch (error) {
          if (error instanceof VaultError) throw error;
          // A server may close a connection that was kept, in the moment in which it is used again.
          if (attempt === 1 && !options.signal.aborted && (systemCode(error) === 'ECONNRESET' || systemCode(error) === 'EPIPE')) continue;
          throw unanswered(target, systemCode(error) ?? 'the connection failed', error);
        }
      }
    },
    close() { agent.destroy(); },
  };
}

/** The body, if it is no longer than it may be. @throws VaultError store-unreachable, input-too-large */
async function collect(response: IncomingMessage, maxBytes: number, target: URL): Promise<Uint8Array> {
  const tooLarge = (): VaultError => new VaultError('input-too-large', `${target.href} is larger than ${String(maxBytes)} bytes, which is the most that is read.`, { details: { source: target.href, maxBytes } });
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  if (!response.complete) throw unanswered(target, 'it ended too early');
  return Buffer.concat(chunks, size);
}

/** As it is given back to the server; what is not fit for a header is forgotten. */
function validator(value: string | undefined): string | undefined {
  return value !== undefined && value.length <= MAX_VALIDATOR && /^[\t\x20-\x7e\x80-\xff]+$/.test(value) ? value : undefined;
}

function statusError(target: URL, status: number): VaultError {
  const isRedirect = status >= 300 && status < 400;
  return new VaultError('store-unreachable', `${target.href} answered with status ${String(status)}.`, {
    hint: isRedirect ? 'Redirects are not followed: put the URL of the files themselves into the configuration.'
      : status === 401 || status === 403 ? 'The files must be readable without a password: they are sealed, and every node needs them.' : 'See the log of the web server.',
    details: { source: target.href, status },
  });
}

function unanswered(target: URL, why: string, cause?: unknown): VaultError {
  const isTrust = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(why);
  return new VaultError('store-unreachable', `${target.href} cannot be got: ${why}.`, {
    cause, hint: isTrust ? 'The server is not one that the authorities of this machine, or those in "ca_file", vouch for.' : 'Check that the web server runs and can be reached from here.', details: { source: target.href },
  });
}

function seconds(ms: number): string {
  return `${String(ms / 1000)} s`;
}
