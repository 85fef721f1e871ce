import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { VaultError } from '../errors.ts';
import type { RecipientEntry } from '../items/model.ts';
import { sealEntry, type Recipient, type SealEntries } from '../items/recipients.ts';
import type { SealReply, SealTask } from './sealTask.ts';

/** Fewer recipients than this are sealed to faster than a thread starts. */
const THREADS_FROM = 1500;

/** Recipients for each thread, at least. */
const SHARE_MIN = 500;

/**
 * Seals on as many threads as there are processors, where that is worth it. Each gets a copy of the data key, within this
 * process, and wipes it.
 * @param worker the bundled sealWorker.ts; without it everything is sealed on this thread
 */
export function sealerOn(worker: URL | undefined): SealEntries {
  return async (dataKey, ref, recipients) => {
    if (worker === undefined || recipients.length < THREADS_FROM) return recipients.map((recipient) => sealEntry(dataKey, ref, recipient));
    const threads = Math.min(availableParallelism(), Math.floor(recipients.length / SHARE_MIN));
    const share = Math.ceil(recipients.length / threads);
    const shares = Array.from({ length: threads }, (_, i) => recipients.slice(i * share, (i + 1) * share));
    const sealed = await Promise.all(shares.map((each) => sealOnThread(worker, { dataKey, ref, recipients: each.map(target) })));
    return sealed.flat();
  };
}

/** The bundle has the thread's file beside it. From source there is none: Node's threads do not take over a loader of TypeScript. */
export const sealOnThreads: SealEntries = sealerOn(import.meta.url.endsWith('.ts') ? undefined : new URL('./sealWorker.js', import.meta.url));

/** A recipient without what cannot be copied to a thread. */
function target({ role, name, publicKey: { x25519 } }: Recipient): SealTask['recipients'][number] {
  return { role, name, x25519 };
}

function sealOnThread(file: URL, task: SealTask): Promise<readonly RecipientEntry[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file);
    worker.once('message', (reply: SealReply) => {
      if ('entries' in reply) resolve(reply.entries);
      else reject(reply.code === undefined ? new Error(reply.message) : new VaultError(reply.code, reply.message));
    });
    worker.once('error', reject);
    worker.once('exit', () => { reject(new Error('A thread that was sealing ended early.')); });
    worker.postMessage(task);
  });
}
