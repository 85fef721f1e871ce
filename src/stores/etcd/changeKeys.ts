import { nameProblem } from '../../names.ts';
import type { ChangeListener, ChangeStore } from '../changes.ts';
import type { EtcdClient } from './client.ts';
import { ADMISSIONS, HEADS, inventoryKeys, refOf, TRUST } from './layout.ts';
import { watchKeys } from './watchKeys.ts';

const NODES = [inventoryKeys('nodes'), inventoryKeys('clients'), ADMISSIONS] as const;
const WATCHED: readonly string[] = [...NODES, HEADS, inventoryKeys('roles'), TRUST];

/** See {@link ChangeStore}. */
export function openChangeKeys(client: EtcdClient): ChangeStore {
  return { follow: (listener) => follow(client, listener) };
}

function follow(client: EtcdClient, listener: ChangeListener): () => void {
  return watchKeys(client, WATCHED.map((key) => ({ key, isPrefix: true })), {
    changed(index, events) {
      const below = WATCHED[index] ?? '';
      const names = events.map(({ kv: { key } }) => Buffer.from(key).toString('latin1').slice(client.prefix.length + below.length));
      for (const name of new Set(names)) tell(below, name);
    },
    anew: () => { listener.anew(); },
    problem: (problem) => { listener.problem(problem); },
  });

  function tell(below: string, name: string): void {
    if (below === TRUST) listener.roster();
    else if (below === HEADS) {
      const ref = refOf(name);
      if (ref !== undefined) listener.item(ref);
    } else if (nameProblem('node', name) !== undefined) return; // Not ours, whoever put it there.
    else if (NODES.some((each) => each === below)) listener.node(name);
    else listener.roles();
  }
}
