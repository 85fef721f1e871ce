import { join } from 'node:path';
import pLimit from 'p-limit';
import { groupRecipient } from '../../src/items/group.ts';
import { sealItem } from '../../src/items/seal.ts';
import { createItem } from '../../src/operations/items/createItem.ts';
import { openSession } from '../../src/operations/items/session.ts';
import { trustRoster } from '../../src/operations/workspace.ts';
import { openStateDirectory } from '../../src/state/stateDirectory.ts';
import { parseRoster, rosterDigest } from '../../src/trust/roster.ts';
import { startEtcd, type EtcdCluster } from '../../test/scripts/etcdCluster.ts';
import { peakMemory, timeProcess } from '../processes.ts';
import { SECRET, type Scene } from '../scene.ts';
import { mib, ms, type Row } from '../table.ts';
import { startSimulatedAgent, type FleetNode } from '../../test/scripts/simulatedAgent.ts';
import { addNodes, makeFleetRepository, makeNode, type FleetRepository } from './repository.ts';

const VAULT = 'fleet';
const ROLE = 'fleet';
const MEMBERS = 10_000;
const ITEMS = 300;
/** With ten thousand entries in each, three hundred would take an hour to make. */
const INLINE_ITEMS = 10;

/** What a node that joins, and one that leaves, costs where 10,000 nodes share 300 items; and the same with all recipients in each item. */
export async function benchAudience(scene: Scene): Promise<Row[]> {
  const cluster = await startEtcd({ flags: ['--quota-backend-bytes', String(4 << 30)] });
  try {
    return [...await measure(scene, cluster, 'group', ITEMS), ...await measure(scene, cluster, 'inline', INLINE_ITEMS)];
  } finally {
    await cluster.close();
  }
}

async function measure(scene: Scene, cluster: EtcdCluster, form: 'group' | 'inline', items: number): Promise<Row[]> {
  const repository = await makeFleetRepository(scene, cluster, `${form}-form`);
  try {
    const nodes = Array.from({ length: MEMBERS }, (_, i) => makeNode(`node${String(i).padStart(5, '0')}`));
    await addNodes(repository, nodes, ROLE);
    await makeItems(repository, form, items, join(scene.folder, 'maker-state'));
    const newcomer = makeNode('newcomer');
    const joined = await cost(repository, async () => {
      await addNodes(repository, [newcomer], ROLE);
      return await timeProcess(repository.vault('refresh', VAULT, '--quiet', '--json'));
    });
    const read = await readAll(repository, cluster, newcomer, items);
    const what = `${form === 'group' ? 'audience' : 'inline'} of ${MEMBERS.toLocaleString('en')}, ${String(items)} items`;
    await repository.store.removeInventory('nodes', nodes[0]?.name ?? '');
    await repository.store.removeInventory('clients', nodes[0]?.name ?? '');
    const refresh = repository.vault('refresh', VAULT, '--clean-unknown', '--yes', '--quiet', '--json');
    const left = await cost(repository, () => timeProcess(refresh));
    const seals = form === 'group' ? MEMBERS + 1 + items : (MEMBERS + 1) * items;
    return [
      row(`a node joins: ${what}`, `${ms(joined.took)}, ${kilobytes(joined.bytes)}, ${String(joined.puts)} keys written`, `then its agent reads them all in ${ms(read)}`),
      row(`a node leaves: ${what}`, `${ms(left.took)}, ${kilobytes(left.bytes)}, ${seals.toLocaleString('en')} seals${mib(peakMemory(repository.vault('refresh', VAULT, '--quiet', '--json')))}`, ''),
    ];
  } finally {
    repository.close();
  }
}

async function makeItems({ store, admin }: FleetRepository, form: 'group' | 'inline', items: number, state: string): Promise<void> {
  const workspace = { store, state: openStateDirectory(state), now: () => new Date(), notice: () => undefined, warn: () => undefined, pin: undefined };
  await trustRoster(workspace);
  const session = await openSession(workspace, admin, { acceptKeys: [], skipUnsealable: false, allowEmpty: false, cleanUnknown: false });
  const audience = { searchQuery: `role:${ROLE}`, namedAdmins: null, namedClients: [] };
  const create = (item: string): ReturnType<typeof createItem> => createItem(session, { vault: VAULT, item, fields: { data: SECRET }, ...audience, recreate: false, form });
  await create('item0');
  const group = await session.groups.find(VAULT, audience);
  const { repository } = session.trust;
  const limit = pLimit(group === undefined ? 1 : 16);
  await Promise.all(Array.from({ length: items - 1 }, (_, i) => limit(async () => {
    const item = `item${String(i + 1)}`;
    if (group === undefined) await create(item);
    // To plan ten thousand members for each would take minutes, and is measured nowhere.
    else await store.writeItem({ vault: VAULT, item }, sealItem({ vault: VAULT, item, repository, fields: { data: SECRET }, ...audience, recipients: [groupRecipient(group)], generation: 1, signer: session.signer, time: new Date() }), 0);
  })));
}

async function cost({ written }: FleetRepository, work: () => Promise<number>): Promise<{ readonly took: number; readonly bytes: number; readonly puts: number }> {
  const before = await written();
  const took = await work();
  const after = await written();
  return { took, bytes: after.bytes - before.bytes, puts: after.puts - before.puts };
}

/** As its agent does that starts with nothing. */
async function readAll({ prefix, store }: FleetRepository, cluster: EtcdCluster, node: FleetNode, items: number): Promise<number> {
  const roster = rosterDigest(parseRoster(await store.readRoster(1) ?? new Uint8Array(), 'the roster').roster);
  const refs = Array.from({ length: items }, (_, i) => ({ vault: VAULT, item: `item${String(i)}` }));
  const start = performance.now();
  const agent = await startSimulatedAgent(node, { endpoints: cluster.endpoints, prefix, roster, refs, told: () => undefined });
  const took = performance.now() - start;
  await agent.stop();
  if (agent.delivered.size < items) throw new Error(`the node opened ${String(agent.delivered.size)} of ${String(items)} items: ${String(agent.follower.states.find(({ problem }) => problem !== undefined)?.problem)}`);
  return took;
}

function kilobytes(bytes: number): string {
  return bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB sent` : `${(bytes / 1e3).toFixed(0)} KB sent`;
}

function row(what: string, ours: string, peer: string): Row {
  return { group: 'fleet', what, ours, peer, goal: '', met: undefined, runs: 1 };
}
