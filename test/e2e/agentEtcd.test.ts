/** An agent that follows a repository in etcd: changes come at once, and no fault of etcd loses one. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { identityFromSeed } from '../../src/sealing/identity.ts';
import { openEtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { openAgentScene, type AgentScene, type RunningAgent } from '../scripts/agentScene.ts';
import { startCuttableProxy } from '../scripts/cuttableProxy.ts';
import { startEtcd, untilHealthy, type EtcdCluster, type Member } from '../scripts/etcdCluster.ts';

const PREFIX = '/iam-vault/agents/';

async function begin(t: TestContext, members: number): Promise<{ etcd: EtcdCluster; scene: AgentScene; path: string; deliveries: object[] }> {
  const etcd = await startEtcd({ members });
  t.after(() => etcd.close());
  const scene = await openAgentScene({ endpoints: etcd.endpoints, prefix: PREFIX });
  t.after(() => scene.close());
  await scene.put('db', { password: 'generation-1' });
  const path = scene.at('files', 'db.json');
  return { etcd, scene, path, deliveries: [{ type: 'file', path, item: 'vault/db', format: 'json' }] };
}

const delivered = (agent: RunningAgent, generation: number): Promise<unknown> => agent.logged('delivered', (line) => JSON.stringify(line['items']).includes(`"generation":${String(generation)}}`));

test('a change is delivered without a round, whatever happens to the connection', { timeout: 120_000 }, async (t) => {
  const { etcd, scene, path, deliveries } = await begin(t, 1);
  const [endpoint = ''] = etcd.endpoints;
  const proxy = await startCuttableProxy(endpoint);
  t.after(() => proxy.close());
  const source = { type: 'etcd', endpoints: [proxy.url], prefix: PREFIX };
  const config = await scene.configure({ source, deliveries });
  const agent = scene.agent(config);
  await agent.logged('ready');
  assert.equal((await agent.status()).source.location, `${proxy.url}${PREFIX}`);
  let generation = 1;
  const change = async (): Promise<void> => { await scene.put('db', { password: `generation-${String(++generation)}` }); };
  const arrives = async (): Promise<void> => {
    await delivered(agent, generation);
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { password: `generation-${String(generation)}` });
  };
  await change();
  await arrives();

  // Killed, and started again: told once, and what was changed meanwhile is found.
  const failed = agent.log.length;
  await etcd.members[0]?.kill();
  await agent.logged('source-failed', undefined, failed);
  assert.equal((await agent.status()).source.error?.code, 'store-unreachable');
  await etcd.members[0]?.start();
  await untilHealthy(etcd);
  await change();
  await arrives();
  await agent.logged('source-recovered', undefined, failed);

  // Cut off while all is forgotten that could be told.
  const cut = agent.log.length;
  proxy.cut();
  await agent.logged('source-failed', undefined, cut);
  await change();
  await change();
  const [{ Status: { header: { revision } } }] = JSON.parse(await etcd.etcdctl('endpoint', 'status', '-w', 'json')) as [{ Status: { header: { revision: number } } }];
  await etcd.etcdctl('compact', String(revision));
  proxy.mend();
  await arrives();

  // Sealed to a crowd, an item comes with one entry; and that is kept, and enough for a start without etcd.
  const store = openEtcdStore('/here', { endpoints: etcd.endpoints, prefix: PREFIX });
  for (let i = 0; i < 60; i++) {
    const name = `crowd${String(i)}`;
    const json = (document: object): Uint8Array => new TextEncoder().encode(JSON.stringify(document));
    await store.writeInventory('clients', name, json({ name, public_key: identityFromSeed(new Uint8Array(32).fill(i + 1)).publicKey.line }));
    await store.writeInventory('nodes', name, json({ name, run_list: ['role[web]'] }));
  }
  store.close();
  assert.equal((await scene.vault('refresh', '--yes', '--json')).exitCode, 0);
  generation++;
  await agent.logged('item-verified', (line) => line['generation'] === generation);

  // Read again and again, it leaves no connection behind.
  for (let i = 0; i < 5; i++) {
    const from = agent.log.length;
    agent.signal('SIGHUP');
    await agent.logged('reloaded', undefined, from);
  }
  await change();
  await arrives();
  assert.ok(proxy.open <= 2, String(proxy.open)); // The one before may be closing.
  await agent.stop();

  proxy.cut();
  const again = scene.agent(config);
  const kept = await again.logged('item-verified');
  assert.deepEqual([kept['generation'], kept['from']], [generation, 'cache']);
  await again.logged('source-failed');
  proxy.mend();
  await again.logged('source-recovered');
  await again.stop();
});

test('what is wrong with the way to etcd is told by the log and by the check', { timeout: 120_000 }, async (t) => {
  const { etcd, scene, deliveries } = await begin(t, 1);
  const [endpoint = ''] = etcd.endpoints;
  const source = { type: 'etcd', endpoints: [endpoint], prefix: PREFIX };
  const credentials = async (user: string): Promise<string> => {
    const path = scene.at('config', `${user}.json`);
    await writeFile(path, JSON.stringify({ endpoints: [endpoint], user, password: `password-of-${user}` }), { mode: 0o600 });
    return path;
  };
  const findings = async (more: object): Promise<string[]> => {
    const end = await scene.vault('agent', 'check', '--config', await scene.configure({ source: { ...source, ...more }, deliveries }, 'checked.json'), '--json');
    return (JSON.parse(end.stdout) as { findings: { path: string; code: string; message: string }[] }).findings.filter(({ path }) => path === 'source').map(({ code }) => code);
  };
  const logged = async (more: object): Promise<unknown> => {
    const agent = scene.agent(await scene.configure({ source: { ...source, ...more }, deliveries }));
    const { code } = await agent.logged('source-failed');
    await agent.stop();
    return code;
  };
  assert.deepEqual(await findings({}), []);
  assert.deepEqual([await findings({ prefix: '/iam-vault/other/' }), await logged({ prefix: '/iam-vault/other/' })], [['roster-missing'], 'roster-missing']);
  assert.deepEqual([await findings({ endpoints: [endpoint.replace('http:', 'https:')] }), await logged({ endpoints: [endpoint.replace('http:', 'https:')] })], [['store-unreachable'], 'store-unreachable']);
  assert.deepEqual(await findings({ credentials_file: await credentials('root').then((path) => `${path}.missing`) }), ['input-unreadable']);

  for (const [user, role] of [['root', 'root'], ['web01', 'vault-node'], ['stranger', 'nothing']] as const) {
    await etcd.etcdctl('user', 'add', `${user}:password-of-${user}`);
    await etcd.etcdctl('role', 'add', role).catch(() => undefined);
    await etcd.etcdctl('user', 'grant-role', user, role);
  }
  await etcd.etcdctl('role', 'grant-permission', 'vault-node', '--prefix=true', 'read', `${PREFIX}sealed/`);
  await etcd.etcdctl('auth', 'enable');
  assert.deepEqual([await findings({}), await findings({ credentials_file: await credentials('stranger') })], [['store-unreachable'], ['store-unreachable']]);
  assert.equal(await logged({ credentials_file: await credentials('stranger') }), 'store-unreachable');
  const mine = { credentials_file: await credentials('web01') };
  assert.deepEqual(await findings(mine), []);
  const agent = scene.agent(await scene.configure({ source: { ...source, ...mine }, deliveries }));
  await agent.logged('ready');
  await agent.stop();
});

test('three members, killed one after the other under a steady load: the last generation arrives, and none went backwards', { timeout: 180_000 }, async (t) => {
  const { etcd, scene, deliveries } = await begin(t, 3);
  const agent = scene.agent(await scene.configure({ deliveries }));
  await agent.logged('ready');
  let generation = 1;
  const load = { isOver: false };
  const steady = (async () => { while (!load.isOver) await scene.put('db', { password: `generation-${String(++generation)}` }); })();
  steady.catch(() => undefined); // It is told below.
  for (let i = 0; i < 3; i++) {
    // The leader first; then whoever is that by then.
    const member = await leaderOf(etcd);
    await member.kill();
    await delivered(agent, generation + 1);
    await member.start();
    await untilHealthy(etcd);
  }
  load.isOver = true;
  await steady;
  await delivered(agent, generation);
  const generations = agent.log.filter(({ type }) => type === 'item-verified').map((line) => Number(line['generation']));
  assert.deepEqual(generations, [...new Set(generations)].sort((a, b) => a - b));
  assert.equal(generations.at(-1), generation);
  await agent.stop();
});

async function leaderOf(etcd: EtcdCluster): Promise<Member> {
  for (;;) {
    const statuses = JSON.parse(await etcd.etcdctl('endpoint', 'status', '-w', 'json')) as { Endpoint: string; Status: { header: { member_id: number }; leader: number } }[];
    const leader = statuses.find(({ Status: { header, leader: id } }) => header.member_id === id)?.Endpoint;
    const member = etcd.members.find(({ endpoint }) => endpoint === leader);
    if (member !== undefined) return member;
  }
}
