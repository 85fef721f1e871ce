import pLimit from 'p-limit';
import { openClient, type WatchStream } from '../../src/stores/etcd/client.ts';
import type { EtcdCluster } from '../../test/scripts/etcdCluster.ts';

const KEY = Buffer.from('/floor/key');
const MOST_MS = 60_000;
/** Connections that begin at once. */
const STARTS = 32;

/**
 * What a change costs where nobody verifies or opens anything: so many connections, each with a watch of one key, which is put again and again.
 * @param size of the value, in bytes
 * @returns how long the last took to be told, of each change, in milliseconds
 */
export async function measureFloor({ endpoints }: EtcdCluster, count: number, changes: number, size: number): Promise<number[]> {
  const clients = Array.from({ length: count + 1 }, () => openClient({ endpoints, prefix: '/floor/' }));
  const [writer, ...watchers] = clients;
  const streams: WatchStream[] = [];
  let told = 0;
  try {
    const limit = pLimit(STARTS);
    await Promise.all(watchers.map((client) => limit(() => new Promise<void>((resolve, reject) => {
      client.watch({
        response(message) {
          if (message.created) resolve();
          if (message.events.length > 0) told++;
        },
        failed: ({ said }) => { reject(new Error(said)); },
      }).then((stream) => {
        streams.push(stream);
        stream.send({ create_request: { key: KEY, start_revision: 0, progress_notify: false, fragment: false } });
      }, reject);
    }))));
    const last: number[] = [];
    for (let change = 0; change < changes; change++) {
      told = 0;
      const start = performance.now();
      await writer?.call('/etcdserverpb.KV/Txn', { compare: [], success: [{ request_put: { key: KEY, value: Buffer.alloc(size, change) } }], failure: [] });
      while (told < count) {
        if (performance.now() - start > MOST_MS) throw new Error(`only ${String(told)} of ${String(count)} watches were told`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      last.push(performance.now() - start);
    }
    return last;
  } finally {
    for (const stream of streams) stream.end();
    for (const client of clients) client.close();
  }
}
