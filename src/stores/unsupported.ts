import { VaultError } from '../errors.ts';
import type { Store } from './store.ts';

/** The error for a store that lacks what a command needs. @param what what only another store can do, as "keeps no reports of nodes" */
export function unsupported({ location }: Pick<Store, 'location'>, what: string): VaultError {
  return new VaultError('store-unsupported', `The store of ${location} ${what}.`, {
    hint: 'That takes a repository in etcd (docs/etcd.md); "vault migrate" moves one there.', details: { location },
  });
}
