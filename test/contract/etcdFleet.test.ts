// Three members of etcd under a steady load of changes, and agents that follow them: whatever happens to the members, what was acknowledged is there, every
// agent ends on the last generation, and none goes backwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isVaultError } from '../../src/errors.ts';
import { alice, asRecipient, example, repository, roster, signedRoster } from '../../src/items/example.testing.ts';
import { parseKeys } from '../../src/items/model.ts';
import { generateSeed, identityFromSeed } from '../../src/sealing/identity.ts';
import { openEtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { startEtcd, untilHealthy, type EtcdCluster, type Member } from '../scripts/etcdCluster.ts';
import { whyNoNetwork } from '../scripts/memberNetwork.ts';
import { startSimulatedAgent, type FleetNode, type SimulatedAgent } from '../scripts/simulatedAgent.ts';

const PREFIX = '/fleet/';
const AGENTS = 20;
const ITEMS = ['one', 'two'];
const VAULT = 'vault';

async function leader({ members, etcdctl }: EtcdCluster): Promise<Member> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const text = await etcdctl('endpoint', 'status', '--write-out', 'json').catch(() => '[]');
    const all = JSON.parse(text) as { Endpoint: string; Status: { leader: number; header: { member_id: number } } }[];
    const found = members.find(({ endpoint }) => all.some(({ Endpoint, Status }) => Endpoint === endpoint && Status.leader === Status.header.member_id));
    if (found !== undefined) return found;
    await delay(100);
  }
  return assert.fail('no leader');
}

test('members that are killed, cut off and started again cost no update, and nobody goes backwards', async (t) => {
  const skip = whyNoNetwork();
  const cluster = await startEtcd({ members: 3, namespaces: skip === undefined });
  const settings = { endpoints: cluster.endpoints, prefix: PREFIX, user: undefined, tls: { ca: undefined, certificate: undefined, key: undefined } };
  const store = openEtcdStore('writer', settings);
  const agents: SimulatedAgent[] = [];
  let isLoaded = true;
  t.after(async () => {
    isLoaded = false;
    await Promise.all(agents.map((agent) => agent.stop()));
    store.close();
    await cluster.close();
  });
  const nodes: FleetNode[] = Array.from({ length: AGENTS }, (_, i) => ({ name: `node${String(i)}`, identity: identityFromSeed(generateSeed()) }));
  const recipients = [asRecipient('admin', alice), ...nodes.map(({ name, identity }) => ({ role: 'client' as const, name, publicKey: identity.publicKey }))];
  await store.writeRoster(1, signedRoster(roster, [alice]));
  /** The last generation of each item that the writer was told is stored. */
  const acknowledged = new Map<string, number>();
  const write = async (item: string, generation: number): Promise<void> => {
    await store.writeItem({ vault: VAULT, item }, example({ item, generation, recipients, fields: { generation } }), generation - 1);
    acknowledged.set(item, generation);
  };
  for (const item of ITEMS) await write(item, 1);
  const failures: string[] = [];
  for (const node of nodes) {
    agents.push(await startSimulatedAgent(node, {
      endpoints: cluster.endpoints, prefix: PREFIX, roster: repository, refs: ITEMS.map((item) => ({ vault: VAULT, item })), told: () => undefined,
      report: (event) => { if (event.type === 'item-failed') failures.push(`${node.name}: ${event.error.code}`); },
    }));
  }

  const load = Promise.all(ITEMS.map(async (item) => {
    while (isLoaded) {
      try {
        await write(item, (acknowledged.get(item) ?? 0) + 1);
      } catch (error) {
        if (isVaultError(error, 'store-conflict')) acknowledged.set(item, Number(error.details['found'])); // The answer to an earlier attempt was lost.
        else if (!isVaultError(error, 'store-unreachable')) throw error;
      }
      await delay(20);
    }
  }));
  /** Something new is written, and everybody has it. */
  const goesOn = async (): Promise<void> => {
    const before = new Map(acknowledged);
    for (let waited = 0; waited < 600; waited++) {
      if (ITEMS.every((item) => (acknowledged.get(item) ?? 0) > (before.get(item) ?? 0) && agents.every((agent) => (agent.delivered.get(`${VAULT}/${item}`)?.at(-1) ?? 0) > (before.get(item) ?? 0)))) return;
      await delay(50);
    }
    const behind = agents.filter((agent) => ITEMS.some((item) => (agent.delivered.get(`${VAULT}/${item}`)?.at(-1) ?? 0) <= (before.get(item) ?? 0)));
    assert.fail(`${String(behind.length)} agents are behind ${JSON.stringify([...before])}; written: ${JSON.stringify([...acknowledged])}`);
  };

  await t.test('a follower that nothing reaches', { skip }, async () => {
    await goesOn();
    const leading = await leader(cluster);
    const cut = cluster.members.find((member) => member !== leading);
    await cut?.cutOff('all');
    await goesOn();
    await cut?.joinAgain();
    await untilHealthy(cluster);
  });

  await t.test('killed, and the leader too', async () => {
    const [first] = cluster.members;
    assert.ok(first !== undefined);
    await goesOn();
    await first.kill();
    await goesOn();
    await first.start();
    await untilHealthy(cluster);
    const killed = await leader(cluster);
    await killed.kill();
    await goesOn();
    await killed.start();
    await untilHealthy(cluster);
  });

  await t.test('a leader without the others, whom clients still reach', { skip }, async () => {
    const cut = await leader(cluster);
    const alone = openEtcdStore('alone', { ...settings, endpoints: [cut.endpoint] });
    t.after(() => { alone.close(); });
    const unreachable = (error: unknown): boolean => isVaultError(error, 'store-unreachable');
    await cut.cutOff('peers');
    await Promise.all([
      assert.rejects(alone.readItem({ vault: VAULT, item: 'one' }), unreachable, 'it may be old'),
      assert.rejects(alone.joining.fileRequest('stranger', 'A'.repeat(43), Buffer.from('x')), unreachable, 'nobody else has it'),
      goesOn(),
    ]);
    await cut.joinAgain();
    await untilHealthy(cluster);
    await goesOn();
    assert.equal(await store.joining.readRequest('stranger', 'A'.repeat(43)), undefined);
  });

  await t.test('all of them stopped, and started again', async () => {
    await Promise.all(cluster.members.map((member) => member.kill()));
    await Promise.all(cluster.members.map((member) => member.start()));
    await untilHealthy(cluster);
    await goesOn();
  });
  isLoaded = false;
  await load;

  for (const item of ITEMS) {
    const last = acknowledged.get(item) ?? 0;
    const stored = await store.readItem({ vault: VAULT, item });
    assert.ok(stored !== undefined && parseKeys(stored.keys, item).header.generation >= last, `generation ${String(last)} of ${item} was acknowledged, and is gone`);
    const generation = parseKeys(stored.keys, item).header.generation;
    for (const { node, delivered } of agents) {
      const list = delivered.get(`${VAULT}/${item}`) ?? [];
      for (let waited = 0; waited < 600 && list.at(-1) !== generation; waited++) await delay(50);
      assert.equal(list.at(-1), generation, `${node.name} stays behind`);
      assert.ok(list.every((each, i) => i === 0 || each > (list[i - 1] ?? 0)), `${node.name} went backwards: ${list.join(' ')}`);
    }
  }
  assert.deepEqual(failures, []);
});
