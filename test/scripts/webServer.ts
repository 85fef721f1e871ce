import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createHash } from 'node:crypto';

/** What a server does instead of serving files. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface Authority {
  /** Path of its certificate, which vouches for 127.0.0.1. */
  readonly ca: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface WebServer {
  readonly url: string;
  /** Paths of the requests, with the status of those that were served a file, in order. */
  readonly requests: string[];
  /** Connections that were made. */
  readonly connections: () => number;
  /** The directory whose files are served. */
  root: string;
  /** In place of serving files; undefined serves them. */
  misbehave: Misbehaviour | undefined;
  close(): Promise<void>;
}

/** A static web server on loopback: GET, ETag, 404. Over TLS where it has an authority. */
export async function serveFiles(root: string, authority?: Authority): Promise<WebServer> {
  let connections = 0;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (server.misbehave !== undefined) {
      server.requests.push(request.url ?? '');
      server.misbehave(request, response);
      return;
    }
    readFile(join(server.root, ...(request.url ?? '/').split('/').map(decodeURIComponent))).then((bytes) => {
      const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
      const isSame = request.headers['if-none-match'] === etag;
      server.requests.push(`${request.url ?? ''} ${isSame ? '304' : '200'}`);
      response.writeHead(isSame ? 304 : 200, { etag }).end(isSame ? undefined : bytes);
    }, () => {
      server.requests.push(`${request.url ?? ''} 404`);
      response.writeHead(404).end('not here');
    });
  };
  const listener: Server = authority === undefined ? createPlain(answer) : createTls({ cert: authority.cert, key: authority.key }, answer);
  listener.on('connection', () => { connections++; });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const server: WebServer = {
    url: `${authority === undefined ? 'http' : 'https'}://127.0.0.1:${String(port)}/`, root, requests: [], misbehave: undefined,
    connections: () => connections,
    async close() {
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
  return server;
}

/** Makes a self-signed certificate for 127.0.0.1 in `directory`, which is its own authority. */
export async function makeAuthority(directory: string, name: string): Promise<Authority> {
  const [ca, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', ca]);
  return { ca, cert: await readFile(ca), key: await readFile(key) };
}
