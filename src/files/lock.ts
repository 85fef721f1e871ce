import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { VaultError } from '../errors.ts';
import { systemCode } from './read.ts';

/**
 * Runs `work` while this process alone holds the lock on `path`, a file that is made where it is missing and never removed.
 * The kernel holds the lock (fcntl OFD locks on Linux, flock on macOS), so it ends with the process, however that ends.
 * @throws VaultError store-unreachable
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const release = await acquireLock(path);
  try {
    return await work();
  } finally {
    await release();
  }
}

const LOOK_AGAIN_MS = 100;
/** A link could point anywhere; a named pipe would make open wait. */
const LOCK_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Takes the lock on `path`; resolves to what releases it. `signal` ends the waiting.
 * @throws VaultError store-unreachable, interrupted
 */
export async function acquireLock(path: string, signal?: AbortSignal): Promise<() => Promise<void>> {
  const { default: native } = await import('fs-native-extensions');
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, LOCK_FLAGS, 0o660); // Whoever can open it can hold it: not everybody on the machine.
    if (signal === undefined) await native.waitForLock(handle.fd);
    else while (!native.tryLock(handle.fd)) await delay(LOOK_AGAIN_MS, undefined, { signal }); // The kernel's wait could not be ended.
  } catch (cause) {
    await handle?.close();
    if (signal?.aborted === true) throw new VaultError('interrupted', `Interrupted while another process holds the lock ${path}.`, { cause, details: { path } });
    throw unlockable(path, cause);
  }
  const held = handle;
  // Closing the only descriptor of this open file releases the lock.
  return () => held.close();
}

/**
 * Takes the lock on `path` if nobody holds it; undefined where somebody does.
 * @throws VaultError store-unreachable
 */
export async function tryLock(path: string): Promise<(() => Promise<void>) | undefined> {
  const { default: native } = await import('fs-native-extensions');
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, LOCK_FLAGS, 0o660);
    if (native.tryLock(handle.fd)) {
      const held = handle;
      return () => held.close();
    }
  } catch (cause) {
    await handle?.close();
    throw unlockable(path, cause);
  }
  await handle.close();
  return undefined;
}

function unlockable(path: string, cause: unknown): VaultError {
  return new VaultError('store-unreachable', `The lock ${path} cannot be taken: ${systemCode(cause) ?? 'unknown reason'}.`, {
    cause, hint: 'Check that you may write there, and that it is a plain file.', details: { path },
  });
}
