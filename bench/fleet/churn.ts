import { writeFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { isVaultError } from '../../src/errors.ts';
import { parseKeys } from '../../src/items/model.ts';
import { invite } from '../../src/operations/joining/invite.ts';
import { admitInventoryNode, readInventoryNode } from '../../src/operations/joining/admissions.ts';
import { changeItem, planChange } from '../../src/operations/items/changeItem.ts';
import { createItem } from '../../src/operations/items/createItem.ts';
import { updateIntent } from '../../src/operations/items/updateIntent.ts';
import { removeNode } from '../../src/operations/nodes.ts';
import { rosterDigest } from '../../src/trust/roster.ts';
import { startEtcd, untilHealthy } from '../../test/scripts/etcdCluster.ts';
import { startSimulatedAgent, type FleetNode, type SimulatedAgent } from '../../test/scripts/simulatedAgent.ts';
import { median, percentile } from '../processes.ts';
import { SECRET, type Scene } from '../scene.ts';
import { ms, type Row } from '../table.ts';
import { openFleetSession } from './delivery.ts';
import { makeRequests, startRefresher } from './refresherProcess.ts';
import { addNodes, makeFleetRepository, makeNode } from './repository.ts';

const VAULT = 'fleet';
const ITEMS = ['one', 'two', 'three'];
const NODES = 100;
const LASTS_MS = 60_000;
/** How often each thing happens, in milliseconds. */
const EVERY = { change: 1000, join: 3000, leave: 6000, kill: 12_000 };
/** How long a member that was killed is away. */
const AWAY_MS = 3000;
const SETTLES_MS = 60_000;

/** A generation, and when it was delivered; or when somebody began to change to it. */
interface Delivery { readonly item: string; readonly generation: number; readonly at: number }

/** A node of the fleet, and what came to it. */
interface Watched { readonly agent: SimulatedAgent; readonly deliveries: Delivery[] }

/**
 * A fleet in motion: values change, nodes join by a token and leave, and members of etcd are killed, all at the same time, while a refresher keeps it true.
 * @throws Error where anything acknowledged is lost, an agent goes backwards, or one does not end where it should
 */
export async function benchChurn(scene: Scene): Promise<Row[]> {
  const cluster = await startEtcd({ members: 3 });
  const repository = await makeFleetRepository(scene, cluster, 'churn');
  const { store, prefix } = repository;
  const open = (): ReturnType<typeof openFleetSession> => openFleetSession(repository, path(scene.folder, 'churn-state'));
  const policy = path(scene.folder, 'churn-policy.json');
  writeFileSync(policy, JSON.stringify({ most_retired_at_once: '100%', lease: '3s' }));
  const agents = new Map<string, Watched>();
  let refresher: ReturnType<typeof startRefresher> | undefined;
  try {
    const session = await open();
    const { workspace, trust, signer } = session;
    const start = async (node: FleetNode): Promise<void> => {
      const deliveries: Delivery[] = [];
      const agent = await startSimulatedAgent(node, {
        endpoints: cluster.endpoints, prefix, roster: rosterDigest(trust.roster), refs: ITEMS.map((item) => ({ vault: VAULT, item })),
        told: (_, { item }, generation) => { deliveries.push({ item, generation, at: performance.now() }); },
      });
      agents.set(node.name, { agent, deliveries });
    };
    const first = Array.from({ length: NODES }, (_, i) => makeNode(`node${String(i).padStart(4, '0')}`));
    await addNodes(repository, first, 'fleet');
    const limit = pLimit(16);
    await Promise.all(first.map(({ name }) => limit(async () => { await admitInventoryNode(workspace, trust, signer, await readInventoryNode(store, name)); })));
    for (const item of ITEMS) {
      await createItem(session, { vault: VAULT, item, fields: { data: SECRET }, searchQuery: 'role:fleet', namedAdmins: null, namedClients: [], recreate: false, form: 'group' });
    }
    refresher = startRefresher(repository, '--policy', policy);
    const { until, logged } = refresher;
    await until('a look at everything', () => logged('checked'));
    await Promise.all(first.map((node) => limit(() => start(node))));

    const end = performance.now() + LASTS_MS;
    /** Does it again and again until the time is over; what etcd does not answer is done again. */
    const steadily = async (every: number, what: (turn: number) => Promise<void>): Promise<number> => {
      let turn = 0;
      for (let next = performance.now(); performance.now() < end; next += every) {
        await delay(Math.max(0, next - performance.now()));
        for (let done = false; !done;) {
          try {
            await what(turn);
            done = true;
          } catch (error) {
            if (!isVaultError(error, 'store-unreachable') && !isVaultError(error, 'store-conflict')) throw error;
          }
        }
        turn++;
      }
      return turn;
    };
    const acknowledged: Delivery[] = [];
    const change = async (turn: number): Promise<void> => {
      const item = ITEMS[turn % ITEMS.length] ?? '';
      const began = performance.now();
      const now = await open();
      const intent = updateIntent(now, { vault: VAULT, item }, { values: { data: { ...SECRET, turn } }, replace: false, searchQuery: undefined, admins: [], clients: [] });
      const { generation } = await changeItem(now, { vault: VAULT, item }, intent, await planChange(now, { vault: VAULT, item }, intent));
      acknowledged.push({ item, generation, at: began });
    };
    const { token } = await invite(workspace, trust, signer, { attributes: { chef_environment: '_default', run_list: ['role[fleet]'], normal: {} }, approval: false, uses: 1000, validFor: 3_600_000 });
    const newcomers = Array.from({ length: Math.ceil(LASTS_MS / EVERY.join) + 1 }, (_, i) => makeNode(`new${String(i).padStart(4, '0')}`));
    const requests = makeRequests(store, trust.repository, token, newcomers);
    const joined = new Map<string, number>();
    const starts: Promise<void>[] = [];
    const join = async (turn: number): Promise<void> => {
      const [node, file] = [newcomers[turn], requests[turn]];
      if (node === undefined || file === undefined) return;
      if (!joined.has(node.name)) joined.set(node.name, performance.now());
      await file();
      starts.push(start(node));
    };
    const left = new Map<string, number>();
    const leave = async (turn: number): Promise<void> => {
      const { name } = first[turn] ?? { name: '' };
      const at = left.get(name) ?? performance.now();
      left.set(name, at);
      await removeNode(store, name).catch((error: unknown) => { if (!isVaultError(error, 'party-not-found')) throw error; }); // The answer to the first attempt was lost.
    };
    const kill = async (turn: number): Promise<void> => {
      const member = cluster.members[turn % cluster.members.length];
      await delay(EVERY.kill / 2);
      await member?.kill();
      await delay(AWAY_MS);
      await member?.start();
    };
    const [changes, , , kills] = await Promise.all([steadily(EVERY.change, change), steadily(EVERY.join, join), steadily(EVERY.leave, leave), steadily(EVERY.kill, kill)]);
    await untilHealthy(cluster);
    await Promise.all(starts);
    const stay = [...agents.values()].filter(({ agent: { node } }) => !left.has(node.name));
    const last = async (item: string): Promise<number> => parseKeys((await store.readItem({ vault: VAULT, item }))?.keys ?? new Uint8Array(), item).header.generation;
    const settled = performance.now();
    await until('that everybody has the last generation', async () => {
      if (performance.now() - settled > SETTLES_MS) throw new Error(`after ${ms(SETTLES_MS)} ${describeBehind(stay)}`);
      for (const item of ITEMS) {
        const generation = await last(item);
        if (!stay.every(({ deliveries }) => deliveries.findLast((each) => each.item === item)?.generation === generation)) return false;
      }
      return true;
    });
    for (const { item, generation } of acknowledged) if (generation > await last(item)) throw new Error(`generation ${String(generation)} of ${item} was acknowledged, and is gone`);
    for (const { agent: { node, delivered } } of agents.values()) {
      for (const [item, list] of delivered) if (list.some((each, i) => i > 0 && each <= (list[i - 1] ?? 0))) throw new Error(`${node.name} went backwards: ${item} ${list.join(' ')}`);
    }

    const always = stay.filter(({ agent: { node } }) => !joined.has(node.name));
    const arrival = ({ deliveries }: Watched, item: string, generation: number): number => deliveries.find((each) => each.item === item && each.generation >= generation)?.at ?? NaN;
    const delivery = acknowledged.map(({ item, generation, at }) => Math.max(...always.map((each) => arrival(each, item, generation))) - at);
    const reading = [...joined].map(([name, at]) => Math.max(...ITEMS.map((item) => agents.get(name)?.deliveries.find((each) => each.item === item)?.at ?? NaN)) - at);
    const what = `${String(NODES)} agents, three members: ${String(changes)} changes, ${String(joined.size)} joins, ${String(left.size)} leaves, ${String(kills)} members killed in ${ms(LASTS_MS)}`;
    const row = (name: string, ours: string, peer: string): Row => ({ group: 'fleet', what: name, ours, peer, goal: '', met: undefined, runs: 1 });
    const times = (values: readonly number[]): string => `${ms(median(values))}, p99 ${ms(percentile(values, 99))}`;
    return [
      row(what, 'nothing lost, nobody backwards', `everybody has the last generation ${ms(performance.now() - settled)} after it`),
      row('… somebody begins to change a value, to delivery by the last agent', times(delivery), ''),
      row('… a node asks to join, to delivery of its items', times(reading), ''),
    ];
  } finally {
    refresher?.stop();
    await Promise.all([...agents.values()].map(({ agent }) => agent.stop()));
    repository.close();
    await cluster.close();
  }
}

function describeBehind(agents: readonly Watched[]): string {
  return agents.slice(0, 5).map(({ agent: { node }, deliveries }) => `${node.name}: ${ITEMS.map((item) => String(deliveries.findLast((each) => each.item === item)?.generation)).join(' ')}`).join('; ');
}
