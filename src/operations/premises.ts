import { isVaultError, VaultError } from '../errors.ts';
import { parseClient } from '../inventory/documents.ts';
import type { Recipient } from '../items/recipients.ts';
import type { Store } from '../stores/store.ts';
import type { Trust, Workspace } from './workspace.ts';

/**
 * What a new generation of an item goes by, besides the one before: that no newer roster is there, and that those who are sealed to for
 * the first time are in the inventory with these keys. Otherwise whoever was evicted, or removed from the roster, while somebody else
 * looked at a plan would be sealed to again.
 * @returns what {@link Store.writeItem} asks before it writes; it throws store-conflict
 */
export function premisesOf({ store }: Pick<Workspace, 'store'>, { roster }: Trust, newcomers: readonly Recipient[]): () => Promise<void> {
  return async () => {
    if (await store.readRoster(roster.version + 1) !== undefined) {
      throw changed(`The roster was changed by somebody else: there is a version ${String(roster.version + 1)} now.`, { roster: roster.version });
    }
    for (const { role, name, publicKey } of newcomers) {
      if (role === 'client' && await fingerprintOf(store, name) !== publicKey.fingerprint) {
        throw changed(`Somebody else removed ${name}, or changed its key, meanwhile.`, { name });
      }
    }
  };
}

async function fingerprintOf(store: Store, name: string): Promise<string | undefined> {
  const document = await store.readInventory('clients', name);
  try {
    return document === undefined ? undefined : parseClient(document.bytes, document.source, name).fingerprint;
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return undefined;
  }
}

function changed(message: string, details: Readonly<Record<string, unknown>>): VaultError {
  return new VaultError('store-conflict', `${message} Nothing was written.`, { hint: 'Run the command again: it then goes by what is there now.', details });
}
