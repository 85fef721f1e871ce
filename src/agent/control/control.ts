import { join } from 'node:path';
import { removeFile } from '../../files/write.ts';
import type { Component } from '../component.ts';
import type { ReportEvent } from '../events.ts';
import { refusal, serveHttp, type HttpHandler, type HttpServer } from '../http/server.ts';
import { knownError } from '../unexpected.ts';
import { CONTROL_SOCKET } from './socket.ts';

/** What is answered, by path; undefined while there is nothing to tell yet. */
export type ControlRoutes = Readonly<Record<string, () => unknown>>;

/** The agent's socket, in the runtime directory, which stays the same while it runs. */
export function openControl(routes: ControlRoutes, report: ReportEvent, others?: HttpHandler): Component {
  let server: HttpServer | undefined;
  return {
    async apply({ runtime_directory: directory }) {
      server ??= await serveControl(join(directory, CONTROL_SOCKET), routes, report, others);
    },
    changed: () => undefined,
    problems: () => [],
    stop: async () => { await server?.close(); },
  };
}

/** Serves JSON on a UNIX socket that only the agent's user may open, and `others` what is no route. The caller holds the agent's lock, so a socket that is there is a dead one's. */
async function serveControl(path: string, routes: ControlRoutes, report: ReportEvent, others: HttpHandler = () => refusal(404, 'there is nothing here')): Promise<HttpServer> {
  await removeFile(path);
  const before = process.umask(0o177);
  try {
    return await serveHttp({ socket: path }, (request) => {
      const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined;
      if (route === undefined) return others(request);
      const value = route();
      return value === undefined ? refusal(503, 'the agent is starting') : { status: 200, body: `${JSON.stringify(value)}\n` };
    }, (error, request) => { report({ type: 'request-failed', request, error: knownError(error) }); });
  } finally {
    process.umask(before);
  }
}
