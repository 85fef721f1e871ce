import { parentPort } from 'node:worker_threads';
import { isVaultError } from '../errors.ts';
import { sealEntry } from '../items/recipients.ts';
import { wipe } from '../sealing/encoding.ts';
import { sealingFingerprint } from '../sealing/publicKey.ts';
import type { SealReply, SealTask } from './sealTask.ts';

// The entry of a thread: a reply for each task, in their order.
parentPort?.on('message', (task: SealTask) => { parentPort?.postMessage(seal(task)); });

function seal({ dataKey, ref, recipients }: SealTask): SealReply {
  try {
    return {
      entries: recipients.map(({ role, name, x25519 }) =>
        sealEntry(dataKey, ref, { role, name, publicKey: { x25519, fingerprint: sealingFingerprint(x25519) } })),
    };
  } catch (error) {
    return { code: isVaultError(error) ? error.code : undefined, message: error instanceof Error ? error.message : String(error) };
  } finally {
    wipe(dataKey);
  }
}
