import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the test's server saw it. */
export interface Seen {
  /** The Query protocol's Action, or `GET /path` for anything else. */
  readonly action: string;
  /** From the Authorization header; undefined where the request is not signed. */
  readonly keyId: string | undefined;
  readonly region: string | undefined;
  readonly parameters: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

/** A reply: XML or JSON text with a status, or what a bad network does. */
export type Reply = { readonly status: number; readonly body: string } | 'reset' | 'silence';

export interface FakeAws {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** Resolves when the next request has arrived. */
  arrival(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A stand-in for IAM, STS and the SSO portal, which cannot be reached where the tests run: a loopback server that
 * answers as the test says. Everything on this side of it, SDK, signing and HTTP, is real.
 */
export async function startFakeAws(answer: (seen: Seen, index: number) => Reply): Promise<FakeAws> {
  const seen: Seen[] = [];
  let arrived: (() => void)[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const entry = describe(request, body);
      seen.push(entry);
      for (const resolve of arrived) resolve();
      arrived = [];
      respond(response, answer(entry, seen.length - 1));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen,
    arrival: () => new Promise((resolve) => arrived.push(resolve)),
    close: () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      server.closeAllConnections();
    }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

function describe(request: IncomingMessage, body: string): Seen {
  const url = new URL(request.url ?? '/', 'http://fake');
  const parameters = new URLSearchParams(request.method === 'POST' ? body : url.search);
  const credential = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '');
  return {
    action: parameters.get('Action') ?? `${request.method ?? ''} ${url.pathname}`,
    keyId: credential?.[1],
    region: credential?.[2],
    parameters,
    headers: request.headers,
  };
}

function respond(response: ServerResponse, reply: Reply): void {
  if (reply === 'silence') return;
  if (reply === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const type = reply.body.startsWith('{') ? 'application/json' : 'text/xml';
  response.writeHead(reply.status, { 'content-type': type, 'x-amzn-requestid': 'request-1' }).end(reply.body);
}

/** A successful reply of the Query protocol. */
export function success(action: string, result = ''): Reply {
  return { status: 200, body: `<${action}Response xmlns="https://aws"><${action}Result>${result}</${action}Result></${action}Response>` };
}

export function failure(code: string, status = 400, message = 'said the server'): Reply {
  return {
    status,
    body: `<ErrorResponse xmlns="https://aws"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`,
  };
}

export function identityReply(): Reply {
  return success('GetCallerIdentity', '<Arn>arn:aws:iam::123456789012:user/ops</Arn><UserId>AIDA</UserId><Account>123456789012</Account>');
}

/** Of AssumeRole and its relatives. */
export function roleReply(action: string, keyId: string): Reply {
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  return success(action, `<Credentials><AccessKeyId>${keyId}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${expires}</Expiration></Credentials>`
    + '<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/x</Arn></AssumedRoleUser>');
}
