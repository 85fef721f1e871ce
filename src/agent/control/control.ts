import { removeFile } from '../../files/write.ts';
import { refusal, serveHttp, type HttpServer } from '../http/server.ts';

/** Name of the socket in the runtime directory, over which commands of the agent's own user ask it. */
export const CONTROL_SOCKET = 'agent.sock';

/** What is answered, by path. */
export type ControlRoutes = Readonly<Record<string, () => unknown>>;

/** Serves JSON on a UNIX socket that only the agent's user may open. The caller holds the agent's lock, so a socket that is there is a dead one's. */
export async function serveControl(path: string, routes: ControlRoutes): Promise<HttpServer> {
  await removeFile(path);
  const before = process.umask(0o177);
  try {
    return await serveHttp({ socket: path }, ({ path: asked }) => {
      const route = Object.hasOwn(routes, asked) ? routes[asked] : undefined;
      return route === undefined ? refusal(404, 'there is nothing here') : { status: 200, body: `${JSON.stringify(route())}\n` };
    });
  } finally {
    process.umask(before);
  }
}
