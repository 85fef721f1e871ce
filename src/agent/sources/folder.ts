import type { Store } from '../../stores/store.ts';
import { digestOf } from '../../sealing/encoding.ts';
import type { Source } from '../source.ts';

/** A folder laid out as a repository: a git checkout, or a mount. */
export function folderSource(store: Pick<Store, 'location' | 'readItem' | 'readRoster'>, pollMs: number): Source {
  return {
    location: store.location,
    pollMs,
    async readItem(ref, known) {
      const documents = await store.readItem(ref);
      if (documents === undefined) return { kind: 'absent' };
      const version = digestOf(documents.keys) + digestOf(documents.item);
      return version === known ? { kind: 'unchanged' } : { kind: 'found', documents, version };
    },
    readRoster: (version) => store.readRoster(version),
    follow: () => () => undefined,
  };
}
