import type { JoinStore } from '../../stores/joining.ts';
import type { Store } from '../../stores/store.ts';
import { unsupported } from '../../stores/unsupported.ts';

/** @throws VaultError store-unsupported */
export function joinStoreOf(store: Store): JoinStore {
  if (store.joining === undefined) throw unsupported(store, 'lets no node join by itself');
  return store.joining;
}
