import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError } from './apiError.ts';
import type { SandboxAccount } from './accounts.ts';
import { control, CONTROL_PATH } from './control.ts';
import type { FaultsChange } from './faults.ts';
import { encodeError } from './protocol.ts';
import { createSandbox, type Clock, type Sandbox, type SandboxReply } from './sandbox.ts';
import { SandboxSetupError } from './setupError.ts';
import type { State } from './state.ts';
import { createSaver, encodeState, readStateFile } from './stateFile.ts';

export { awsConfigSnippet, seedAccounts, OPERATOR, type SandboxAccount } from './accounts.ts';
export type { Faults, FaultsChange } from './faults.ts';
export type { HeldCall, Release } from './holds.ts';
export type { Call, Clock, Sandbox } from './sandbox.ts';
export { SandboxSetupError, type SandboxSetupErrorCode } from './setupError.ts';
export type { StateSummary } from './summary.ts';

export interface ServeOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** 127.0.0.1 (the default), ::1 or localhost; the sandbox listens on nothing else. */
  readonly host?: string;
  readonly accounts: readonly SandboxAccount[];
  readonly faults?: FaultsChange;
  /** Keeps the state in this file, which holds secrets; without it the state ends with the sandbox. */
  readonly stateFile?: string;
  readonly clock?: Clock;
}

export interface RunningSandbox {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** With the access keys that work, from the state file where it has them. */
  readonly accounts: readonly SandboxAccount[];
  /** Switches, calls and state, without HTTP. */
  readonly sandbox: Sandbox;
  /** Ends every connection, those of held calls too. */
  close(): Promise<void>;
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** More than the largest policy document that IAM takes, every character of it escaped. */
const MAX_BODY_BYTES = 1 << 20;

/**
 * Serves IAM and STS in AWS's Query protocol on loopback.
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/ and https://docs.aws.amazon.com/STS/latest/APIReference/
 * @throws SandboxSetupError; an Error of node:net (EADDRINUSE) where it cannot listen
 */
export async function serveSandbox(options: ServeOptions): Promise<RunningSandbox> {
  const { host = '127.0.0.1', port = 0, stateFile } = options;
  const authority = host.includes(':') ? `[${host}]` : host;
  if (!LOOPBACK.includes(authority)) {
    throw new SandboxSetupError('host-not-loopback', `The sandbox listens on loopback only, not on ${host}.`);
  }
  const read = stateFile === undefined ? undefined : await readStateFile(stateFile);
  const state: State = read ?? { accounts: new Map(), accessKeys: new Map() };
  const save = stateFile === undefined ? undefined : createSaver(stateFile, () => encodeState(state));
  const sandbox = createSandbox({
    accounts: options.accounts,
    state,
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    ...(save === undefined ? {} : { save }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  await save?.();

  const server = createServer((message, response) => {
    respond(sandbox, message, response).catch(() => message.socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: actualPort } = server.address() as AddressInfo;
  return {
    url: `http://${authority}:${String(actualPort)}`,
    accounts: sandbox.accounts,
    sandbox,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function respond(sandbox: Sandbox, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const refusal = refuse(message);
  if (refusal !== undefined) {
    send(response, refusal);
    return;
  }
  const body = await readBody(message);
  if (body === undefined) {
    const error = new ApiError('RequestEntityTooLarge', `A body may have ${String(MAX_BODY_BYTES)} bytes.`);
    send(response, { kind: 'reply', status: error.status, headers: { connection: 'close' }, body: encodeError(error, undefined, '') });
    return;
  }
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  const method = message.method ?? '';
  const path = message.url ?? '/';
  const reply = path.startsWith(CONTROL_PATH)
    ? await control(sandbox, { method, path, contentType: message.headers['content-type'], body }, gone.signal)
    : await sandbox.handle({ method, path, headers: flatten(message), body }, gone.signal);
  if (reply.kind === 'dropped') message.socket.destroy();
  else send(response, reply);
}

/**
 * Refuses whatever a web page could have sent here: a Host that is not loopback (a name that was rebound to it), or an
 * Origin. There are no CORS headers, so no page reads a reply either.
 */
function refuse(message: IncomingMessage): Extract<SandboxReply, { kind: 'reply' }> | undefined {
  const host = (message.headers.host ?? '').replace(/:[0-9]{1,5}$/, '').toLowerCase();
  if (LOOPBACK.includes(host) && message.headers.origin === undefined) return undefined;
  const error = new ApiError('AccessDenied', 'The sandbox answers on loopback only, and no web pages.');
  return { kind: 'reply', status: error.status, headers: { connection: 'close' }, body: encodeError(error, undefined, '') };
}

/** Undefined where it is longer than allowed; the rest is not read then. */
async function readBody(message: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function flatten({ headersDistinct }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, (values ?? []).join(',')]));
}

function send(response: ServerResponse, reply: Extract<SandboxReply, { kind: 'reply' }>): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) });
  response.end(reply.body);
}
