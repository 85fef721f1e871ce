import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** moto's server, an implementation of AWS that is not ours, as a process of its own. */
export interface MotoServer {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startMoto(): Promise<MotoServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const moto = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const exited = once(moto, 'exit');
  await Promise.race([answering(url), exited.then(() => Promise.reject(new Error('moto_server ended before it answered')))]);
  return {
    url,
    async stop() {
      moto.kill('SIGKILL');
      await exited;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Returns once the endpoint answers a request; the time limit is the test's. */
async function answering(url: string): Promise<void> {
  for (;;) {
    const answered = await fetch(`${url}/moto-api/`).then(() => true, () => false);
    if (answered) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
