import { joinStoreOf } from '../operations/joining/joinStore.ts';
import type { Store } from '../stores/store.ts';

/** Nodes that are not in the inventory, of which an admission may be left: whoever writes the inventory could put back what was admitted once. */
export interface GoneNodes {
  add(names: Iterable<string>): void;
  /**
   * Takes their admissions away, but of those that are held: they may have been taken out of the inventory by mistake, or worse, and with the admission it is
   * enough to put their documents back.
   * @throws VaultError store-unreachable, store-conflict
   */
  forget(isKnown: (name: string) => boolean, held: ReadonlySet<string>): Promise<void>;
}

export function openGoneNodes(store: Store): GoneNodes {
  const gone = new Set<string>();
  return {
    add(names) { for (const name of names) gone.add(name); },
    async forget(isKnown, held) {
      for (const name of gone) {
        if (!isKnown(name)) {
          if (held.has(name)) continue;
          await dropAdmission(store, name);
        }
        gone.delete(name);
      }
    },
  };
}

async function dropAdmission(store: Store, name: string): Promise<void> {
  const joining = joinStoreOf(store);
  const admission = await joining.readAdmission(name);
  if (admission === undefined) return;
  const documents = await Promise.all([store.readInventory('nodes', name), store.readInventory('clients', name)]);
  // A node that joins meanwhile has another.
  if (documents.every((document) => document === undefined)) await joining.removeAdmission(name, admission.revision);
}
