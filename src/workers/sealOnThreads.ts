import { availableParallelism } from 'node:os';
import { sealEntry, type AudienceRecipient, type Recipient, type SealEntries } from '../items/recipients.ts';
import { SealThread } from './sealThread.ts';
import type { SealTask } from './sealTask.ts';

/** As many recipients are sealed to, in one item or in many, before threads are worth their start. */
const THREADS_FROM = 1500;

/** Recipients for each thread, at least. */
const SHARE_MIN = 250;

/**
 * Seals on as many threads as there are processors, where that is worth it. Each gets a copy of the data key, within this
 * process, and wipes it. The threads stay for the next item, and do not keep the process alive.
 * @param worker the bundled sealWorker.ts; without it everything is sealed on this thread
 */
export function sealerOn(worker: URL | undefined): SealEntries {
  const threads: SealThread[] = [];
  let total = 0;
  return async (dataKey, ref, recipients) => {
    total += recipients.length;
    if (worker === undefined || total < THREADS_FROM || recipients.length < SHARE_MIN) return recipients.map((recipient) => sealEntry(dataKey, ref, recipient));
    const shares = Math.min(availableParallelism(), Math.floor(recipients.length / SHARE_MIN));
    const size = Math.ceil(recipients.length / shares);
    const sealed = await Promise.all(Array.from({ length: shares }, (_, i) =>
      freest(worker).seal({ dataKey, ref, recipients: recipients.slice(i * size, (i + 1) * size).map(target) })));
    return sealed.flat();
  };

  /** The thread with the fewest tasks; a new one while there may be more. */
  function freest(file: URL): SealThread {
    for (let i = threads.length - 1; i >= 0; i--) if (threads[i]?.ended === true) threads.splice(i, 1);
    const [least] = [...threads].sort((a, b) => a.pending - b.pending);
    if (least !== undefined && (least.pending === 0 || threads.length >= availableParallelism())) return least;
    const thread = new SealThread(file);
    threads.push(thread);
    return thread;
  }
}

/** The bundle has the thread's file beside it. From source there is none: Node's threads do not take over a loader of TypeScript. */
export const sealOnThreads: SealEntries = sealerOn(import.meta.url.endsWith('.ts') ? undefined : new URL('./sealWorker.js', import.meta.url));

/** A recipient without what cannot be copied to a thread. */
function target({ role, name, publicKey: { x25519 } }: Recipient | AudienceRecipient): SealTask['recipients'][number] {
  return { role, name, x25519 };
}

