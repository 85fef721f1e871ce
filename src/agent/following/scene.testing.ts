import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { alice, example, ref, repository, roster as first, signedRoster, web, type Person } from '../../items/example.testing.ts';
import { openStateDirectory, type StateDirectory } from '../../state/stateDirectory.ts';
import { openFileStore } from '../../stores/file/fileStore.ts';
import { layoutOf } from '../../stores/file/layout.ts';
import type { Store } from '../../stores/store.ts';
import type { AgentEvent } from '../events.ts';
import { folderSource } from '../sources/folder.ts';
import type { Source } from '../source.ts';
import { openFollower, type Follower } from './follower.ts';
import type { ItemContent } from './itemFollower.ts';
import { openMemory } from './memory.ts';

/** Like a process of the agent that was started: what it reported and handed on. */
export interface Followed {
  readonly follower: Follower;
  readonly events: AgentEvent[];
  /** Generations that were handed on, in order. */
  readonly generations: number[];
  /** What is wrong with {@link ref} now. */
  readonly problem: () => string | undefined;
  readonly generation: () => number | undefined;
  readonly stateProblem: () => string | undefined;
}

export interface FollowScene {
  readonly root: string;
  /** The source's folder: has the example's roster. */
  readonly store: Store;
  readonly state: string;
  readonly runtime: string;
  /** Writes over whatever is there, as whoever writes the store can. */
  replace(documents: ItemDocuments, named?: ItemRef): Promise<void>;
  /** Recalls, and looks once where `source` is not null; the folder is looked at where it is left out. */
  begin(options?: { readonly source?: Source | null; readonly refs?: readonly ItemRef[]; readonly pinned?: string; readonly reader?: Person; readonly previous?: Follower; readonly openState?: (path: string) => StateDirectory }): Promise<Followed>;
}

export async function followScene(t: TestContext): Promise<FollowScene> {
  const root = await mkdtemp(join(tmpdir(), 'vault-follow-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'repository');
  const store = openFileStore(folder);
  await store.writeRoster(1, signedRoster(first, [alice]));
  const [state, runtime] = [join(root, 'state'), join(root, 'run')];
  return {
    root, store, state, runtime,
    async replace(documents, named = ref) {
      await rm(join(folder, 'data_bags', named.vault, `${named.item}_keys.json`), { force: true });
      await rm(join(folder, 'data_bags', named.vault, `${named.item}.json`), { force: true });
      await store.writeItem(named, documents, 0);
    },
    async begin({ source, refs = [ref], pinned = repository, reader = web, previous, openState = openStateDirectory } = {}) {
      const events: AgentEvent[] = [];
      const generations: number[] = [];
      const report = (event: AgentEvent): void => { events.push(event); };
      const memory = openMemory({ roster: pinned, state: openState(state), witness: openState(join(runtime, 'witness')), report });
      const used = source ?? folderSource({ store, layout: layoutOf(folder), pollMs: 3_600_000, report });
      const follower = openFollower({ roster: pinned, source: used, identity: reader.identity, memory, refs, report, now: () => new Date(), previous }, (contents: readonly ItemContent[]) => {
        generations.push(...contents.map((each) => each.generation));
      });
      t.after(() => follower.stop());
      await follower.recall();
      if (source !== null) await follower.refresh();
      const stateOf = (): ReturnType<Follower['state']> => follower.state(refs[0] ?? ref);
      return {
        follower, events, generations,
        problem: () => stateOf()?.problem?.code,
        generation: () => stateOf()?.content?.generation,
        stateProblem: () => memory.problem?.code,
      };
    },
  };
}

export { alice, example, ref, repository, first };

/** How often something of that type was reported. */
export function count({ events }: Followed, type: AgentEvent['type']): number {
  return events.filter((event) => event.type === type).length;
}

/** Asserts what is followed of the item, and what is wrong with it. */
export function assertFollowed(followed: Followed, generation: number | undefined, problem: string | undefined): void {
  assert.deepEqual([followed.generation(), followed.problem()], [generation, problem]);
}
