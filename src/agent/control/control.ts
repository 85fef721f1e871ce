import { removeFile } from '../../files/write.ts';
import { refusal, serveHttp, type HttpHandler, type HttpServer } from '../http/server.ts';

export { CONTROL_SOCKET } from './socket.ts';

/** What is answered, by path. */
export type ControlRoutes = Readonly<Record<string, () => unknown>>;

/** Serves JSON on a UNIX socket that only the agent's user may open, and `others` what is no route. The caller holds the agent's lock, so a socket that is there is a dead one's. */
export async function serveControl(path: string, routes: ControlRoutes, others: HttpHandler = () => refusal(404, 'there is nothing here')): Promise<HttpServer> {
  await removeFile(path);
  const before = process.umask(0o177);
  try {
    return await serveHttp({ socket: path }, (request) => {
      const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined;
      return route === undefined ? others(request) : { status: 200, body: `${JSON.stringify(route())}\n` };
    });
  } finally {
    process.umask(before);
  }
}
