import { createServer, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { VaultError } from '../../errors.ts';
import { pathKind, systemCode } from '../../files/read.ts';
import { placeSocket, removeFile, type WriteOptions } from '../../files/write.ts';
import { trustedDirectory } from '../../files/trusted.ts';
import type { SocketDelivery } from '../configuration/schema.ts';
import type { ItemVersion, ReportEvent } from '../events.ts';
import { accessOf, removeDelivered } from './fileTarget.ts';
import type { Target } from './target.ts';

/** A reader takes what it connected for at once; one that does not is cut off. */
const READ_MS = 10_000;
/** One more costs the oldest its connection: it has what the kernel holds for it. A newcomer that is turned away would take that for an empty content. */
const MOST_READERS = 128;

/**
 * A UNIX socket that gives its content, and the end, to whoever connects: what `LoadCredential=NAME:PATH` of systemd reads. It is there from the first
 * content on and never gives an empty one instead: systemd would start its unit with that. All readers share the one copy of the content.
 */
export function socketTarget(delivery: SocketDelivery, report: ReportEvent): Target {
  let content: { readonly bytes: Uint8Array; readonly items: readonly ItemVersion[] } | undefined;
  const readers = new Set<Socket>();
  let listening: { readonly server: Server; readonly path: string; readonly options: WriteOptions } | undefined;

  const close = async (): Promise<void> => {
    const before = listening;
    listening = undefined;
    if (before === undefined) return;
    await removeFile(before.path).catch(() => undefined); // Another process's, or gone.
    before.server.close();
    for (const reader of readers) reader.destroy();
  };

  const listen = async (path: string, options: WriteOptions): Promise<void> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined); // It went away.
      readers.add(socket);
      socket.on('close', () => { readers.delete(socket); });
      const [oldest] = readers;
      if (readers.size > MOST_READERS) oldest?.destroy();
      socket.setTimeout(READ_MS, () => { socket.destroy(); });
      socket.resume(); // Unread, what it sends would make it lose what it is sent.
      if (content === undefined) { socket.destroy(); return; }
      socket.end(content.bytes);
      report({ type: 'delivered', kind: 'socket', target: delivery.path, items: content.items });
    });
    await placeSocket(path, options, (neighbour) => new Promise((resolve, reject) => {
      server.once('error', (cause) => { reject(unable(delivery.path, cause)); });
      server.listen(neighbour, () => { resolve(); });
    }));
    listening = { server, path, options };
  };

  return {
    async prepare(render, items) {
      const bytes = await render(delivery);
      const options = await accessOf(delivery);
      const path = join(await trustedDirectory(dirname(delivery.path)), basename(delivery.path));
      const isListening = async (): Promise<boolean> => listening?.path === path && JSON.stringify(listening.options) === JSON.stringify(options) && await pathKind(path) === 'other';
      return {
        isInPlace: async () => content !== undefined && Buffer.compare(content.bytes, bytes) === 0 && await isListening(),
        async put() {
          content = { bytes, items };
          if (await isListening()) return;
          await close();
          await listen(path, options);
        },
      };
    },
    async remove() {
      await close();
      await removeDelivered(delivery);
    },
    close,
  };
}

function unable(path: string, cause: unknown): VaultError {
  return new VaultError('store-unreachable', `${path} cannot be listened on: ${systemCode(cause) ?? 'unknown reason'}.`, {
    cause, hint: 'A path of a socket has at most 107 bytes, of which the agent needs five.', details: { path },
  });
}
