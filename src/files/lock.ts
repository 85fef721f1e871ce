import { open } from 'node:fs/promises';
import { VaultError } from '../errors.ts';
import { systemCode } from './read.ts';

/**
 * Runs `work` while this process alone holds the lock on `path`, a file that is made where it is missing and never removed.
 * The kernel holds the lock (fcntl OFD locks on Linux, flock on macOS), so it ends with the process, however that ends.
 * @throws VaultError store-unreachable
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const { default: native } = await import('fs-native-extensions');
  let handle;
  try {
    handle = await open(path, 'a', 0o666);
  } catch (cause) {
    throw new VaultError('store-unreachable', `The lock ${path} cannot be opened: ${systemCode(cause) ?? 'unknown reason'}.`, {
      cause, hint: 'Check that you may write to the repository.', details: { path },
    });
  }
  try {
    await native.waitForLock(handle.fd);
    return await work();
  } finally {
    // Closing the only descriptor of this open file releases the lock.
    await handle.close();
  }
}
