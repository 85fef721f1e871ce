import type { ItemRef } from '../../sealing/dataKey.ts';
import type { FollowListener } from '../live.ts';
import type { EtcdClient } from './client.ts';
import { headKey, TRUST } from './layout.ts';
import { GONE } from './messages.ts';
import { watchKeys } from './watchKeys.ts';

/** See `LiveStore.follow`. */
export function followItems(client: EtcdClient, refs: readonly ItemRef[], listener: FollowListener): () => void {
  const items = refs.map((ref) => ({ key: headKey(ref), isPrefix: false }));
  return watchKeys(client, [...items, { key: TRUST, isPrefix: true }], {
    changed(index, events) {
      const last = events[events.length - 1];
      const ref = refs[index];
      if (last === undefined) return;
      const { type, kv: { mod_revision: revision, value } } = last;
      if (ref === undefined) listener.roster(revision);
      else listener.item(ref, revision, type === GONE ? undefined : value);
    },
    anew: (revision) => { listener.anew(revision); },
    problem: (problem) => { listener.problem(problem); },
  });
}
