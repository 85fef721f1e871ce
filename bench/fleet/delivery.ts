import { join } from 'node:path';
import pLimit from 'p-limit';
import { groupRecipient } from '../../src/items/group.ts';
import { sealItem } from '../../src/items/seal.ts';
import { createItem } from '../../src/operations/items/createItem.ts';
import type { Session } from '../../src/operations/items/changeItem.ts';
import { openSession } from '../../src/operations/items/session.ts';
import { trustRoster } from '../../src/operations/workspace.ts';
import { openStateDirectory } from '../../src/state/stateDirectory.ts';
import { rosterDigest } from '../../src/trust/roster.ts';
import { startEtcd } from '../../test/scripts/etcdCluster.ts';
import { median, percentile } from '../processes.ts';
import { SECRET, type Scene } from '../scene.ts';
import { ms, type Row } from '../table.ts';
import { startSimulatedAgent, type SimulatedAgent } from '../../test/scripts/simulatedAgent.ts';
import { measureFloor } from './floor.ts';
import { addNodes, makeFleetRepository, makeNode, type FleetRepository } from './repository.ts';

const VAULT = 'fleet';
/** About what a change of an item in the group form is. */
const DOCUMENTS_BYTES = 3000;
/** A change costs each agent more than a millisecond of the one processor that they share here. */
const changesFor = (count: number): number => Math.max(8, Math.floor(20_000 / count));
/** Agents that begin at once. */
const STARTS = 32;

/** How long a change of one item takes to be delivered by the last of so many agents, each with a connection and a watch of its own, on one member. */
export async function benchDelivery(scene: Scene, count: number): Promise<Row[]> {
  const cluster = await startEtcd();
  const repository = await makeFleetRepository(scene, cluster, `delivery${String(count)}`);
  try {
    const nodes = Array.from({ length: count }, (_, i) => makeNode(`node${String(i).padStart(5, '0')}`));
    await addNodes(repository, nodes, 'fleet');
    const session = await openFleetSession(repository, join(scene.folder, `delivery${String(count)}-state`));
    const write = await makeItem(session, 'shared');
    global.gc?.();
    const before = process.memoryUsage().rss;
    const arrivals = new Map<number, number[]>();
    const limit = pLimit(STARTS);
    const began = performance.now();
    const agents: SimulatedAgent[] = await Promise.all(nodes.map((node) => limit(() => startSimulatedAgent(node, {
      endpoints: cluster.endpoints, prefix: repository.prefix, roster: rosterDigest(session.trust.roster), refs: [{ vault: VAULT, item: 'shared' }],
      told: (_, __, generation) => { arrivals.get(generation)?.push(performance.now()); },
    }))));
    const started = performance.now() - began;
    const perAgent = (process.memoryUsage().rss - before) / count;
    const [last, middle, spent]: [number[], number[], number[]] = [[], [], []];
    const changes = changesFor(count);
    for (let change = 0; change < changes; change++) {
      const generation = change + 2;
      const times: number[] = [];
      arrivals.set(generation, times);
      const cpu = process.cpuUsage();
      const start = performance.now();
      await write(generation);
      while (times.length < count && performance.now() - start < 60_000) await new Promise((resolve) => setTimeout(resolve, 5));
      if (times.length < count) throw new Error(`only ${String(times.length)} of ${String(count)} agents delivered generation ${String(generation)}`);
      const used = process.cpuUsage(cpu);
      last.push(Math.max(...times) - start);
      middle.push(median(times) - start);
      spent.push((used.user + used.system) / 1000 / count);
    }
    await Promise.all(agents.map((agent) => agent.stop()));
    const floor = await measureFloor(cluster, count, changes, DOCUMENTS_BYTES);
    return [{
      group: 'fleet', what: `change of one item to delivery by the last of ${count.toLocaleString('en')} agents`, ours: `${ms(median(last))}, p99 ${ms(percentile(last, 99))}`,
      peer: `as many watches of plain etcd clients, nothing verified: ${ms(median(floor))}, p99 ${ms(percentile(floor, 99))}; half of the agents: ${ms(median(middle))}; one computes ${median(spent).toFixed(2)} ms, all of them here share a processor`, goal: '', met: undefined, runs: changes,
    }, {
      group: 'fleet', what: `a simulated agent, of ${count.toLocaleString('en')}`, ours: `${(perAgent / 1024).toFixed(0)} KiB`, peer: `all of them began in ${ms(started)}`, goal: '', met: undefined, runs: 1,
    }];
  } finally {
    repository.close();
    await cluster.close();
  }
}

export async function openFleetSession({ store, admin }: FleetRepository, state: string): Promise<Session> {
  const workspace = { store, state: openStateDirectory(state), now: () => new Date(), notice: () => undefined, warn: () => undefined };
  await trustRoster(workspace);
  return await openSession(workspace, admin, { acceptKeys: [], skipUnsealable: false, allowEmpty: false, cleanUnknown: true });
}

/** Makes an item for every node of the fleet, in the group form. @returns writes another generation of it, whose value is its number */
export async function makeItem(session: Session, item: string): Promise<(generation: number) => Promise<void>> {
  const audience = { searchQuery: 'role:fleet', namedAdmins: null, namedClients: [] };
  await createItem(session, { vault: VAULT, item, fields: { data: SECRET }, ...audience, recreate: false, form: 'group' });
  const group = await session.groups.find(VAULT, audience);
  if (group === undefined) throw new Error('no audience was made');
  const { workspace: { store }, trust: { repository }, signer } = session;
  return async (generation) => {
    const documents = sealItem({ vault: VAULT, item, repository, fields: { data: { ...SECRET, generation } }, ...audience, recipients: [groupRecipient(group)], generation, signer, time: new Date() });
    await store.writeItem({ vault: VAULT, item }, documents, generation - 1);
  };
}
