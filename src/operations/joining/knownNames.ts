import { isVaultError } from '../../errors.ts';
import { parseClient } from '../../inventory/documents.ts';
import type { Store } from '../../stores/store.ts';

/** Names of the nodes in the inventory by the fingerprint of their key. Reads every client document. */
export async function namesByKey(store: Store): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>();
  for await (const { bytes, source, name } of store.listInventory('clients')) {
    try {
      const { fingerprint } = parseClient(bytes, source, name);
      names.set(fingerprint, [...names.get(fingerprint) ?? [], name]);
    } catch (error) {
      if (!isVaultError(error)) throw error; // A client without a key that can be sealed to.
    }
  }
  return names;
}

export async function namesWithKey(store: Store, fingerprint: string): Promise<readonly string[]> {
  return (await namesByKey(store)).get(fingerprint) ?? [];
}
