import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a port of this machine that can be cut. */
export interface CuttableProxy {
  /** `http://HOST:PORT`. */
  readonly url: string;
  /** Connections that are open now. */
  readonly open: number;
  /** Ends all connections, and accepts none that works. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** @param endpoint where it leads */
export async function startCuttableProxy(endpoint: string): Promise<CuttableProxy> {
  const { hostname, port } = new URL(endpoint);
  const pairs = new Map<Socket, Socket>();
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) { socket.destroy(); return; }
    const other = connect(Number(port), hostname);
    pairs.set(socket, other);
    const end = (): void => {
      socket.destroy();
      other.destroy();
      pairs.delete(socket);
    };
    for (const each of [socket, other]) each.on('error', end).on('close', end);
    socket.pipe(other);
    other.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const destroyAll = (): void => { for (const [socket, other] of pairs) { socket.destroy(); other.destroy(); } };
  return {
    url: `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`,
    get open() { return pairs.size; },
    cut() {
      isCut = true;
      destroyAll();
    },
    mend() { isCut = false; },
    async close() {
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}
