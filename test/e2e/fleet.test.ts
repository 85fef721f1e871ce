/** What nodes report of their deliveries, and what an admin sees and waits for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { encodeReport, type Report } from '../../src/inventory/report.ts';
import { schemas } from '../../src/reporting/schemas.ts';
import { generateSeed, identityFromSeed } from '../../src/sealing/identity.ts';
import { openEtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { openAgentScene } from '../scripts/agentScene.ts';
import { startEtcd } from '../scripts/etcdCluster.ts';
import { openRepositoryScene, succeed } from '../scripts/repositoryScene.ts';
import { runOnTerminal } from '../scripts/terminal.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';

const PREFIX = '/iam-vault/fleet/';
const WRONG_CLOCK = new URL('../scripts/wrongClock.mjs', import.meta.url).href;

interface Counted {
  readonly generation: number; readonly recipients: number; readonly up_to_date: number; readonly lagging: number; readonly silent: number; readonly unverified: number;
  readonly nodes: { readonly lagging: readonly { node: string; generation: number | null; delivered: boolean }[]; readonly silent: readonly string[]; readonly unverified: readonly { node: string; problem: string }[] };
}

test('status and wait count what nodes report, and nothing that anybody else does', { timeout: 180_000 }, async (t) => {
  const etcd = await startEtcd();
  t.after(() => etcd.close());
  const scene = await openAgentScene({ endpoints: etcd.endpoints, prefix: PREFIX });
  t.after(() => scene.close());
  await scene.addNode('n2', 'web');
  await scene.addNode('n3', 'web');
  const addSigningKey = async (node: string): Promise<void> => {
    const { public_key, signing_key } = JSON.parse((await succeed(scene.vault('key', 'show', '-i', scene.at('config', node), '--json'))).stdout) as Record<string, string>;
    await succeed(scene.vault('node', 'add', node, '--force', '--key', public_key ?? '', '--signing-key', signing_key ?? '', '--json'));
  };
  for (const node of ['n1', 'n2']) await addSigningKey(node);
  await scene.put('db', { password: 'one' });

  const place = scene.at('files', 'two');
  await mkdir(place);
  const agentOf = async (node: string, path: string, report: object, item = 'vault/db', options: Parameters<typeof scene.agent>[1] = {}): Promise<ReturnType<typeof scene.agent>> => {
    const own = { identity: scene.at('config', node), state_directory: scene.at('state', node), runtime_directory: scene.at('files', `run-${node}`) };
    return scene.agent(await scene.configure({ ...own, report, deliveries: [{ type: 'file', path, item, format: 'json' }] }, `${node}.json`), options);
  };
  const one = await agentOf('n1', scene.at('files', 'one.json'), { node: 'n1', ttl: '2s' });
  const two = await agentOf('n2', `${place}/db.json`, { ttl: '2s' }); // Its name is that of its entry.

  const wait = async (...flags: string[]): Promise<{ exitCode: number | null; result: Record<string, unknown> }> => {
    const end = await scene.vault('wait', 'vault', 'db', ...flags, '--json');
    const result = JSON.parse(end.stdout) as Record<string, unknown>;
    assert.ok((end.exitCode === 0 ? schemas.wait : schemas.error).safeParse(result).success, describeEnd(end));
    return { exitCode: end.exitCode, result };
  };
  const status = async (): Promise<Counted> => {
    const end = await succeed(scene.vault('status', 'vault', 'db', '--json'));
    const value = JSON.parse(end.stdout) as { items: [Counted] };
    assert.ok(schemas.status.safeParse(value).success, end.stdout);
    return value.items[0];
  };
  const reached = await wait('--for', '2', '--timeout', '60s');
  assert.deepEqual([reached.exitCode, reached.result['generation'], reached.result['up_to_date'], reached.result['recipients'], reached.result['needed']], [0, 1, 2, 3, 2]);
  const first = await status();
  assert.deepEqual([first.up_to_date, first.silent, first.nodes.silent], [2, 1, ['n3']]);

  // Live: a line a change.
  const watching = scene.start(['status', 'vault', 'db', '--watch', '--json']);
  const seen: Counted[] = [];
  assert.ok(watching.child.stdout !== null);
  const lines = createInterface({ input: watching.child.stdout });
  lines.on('line', (line) => {
    const value = JSON.parse(line) as { items: [Counted] };
    assert.ok(schemas.status.safeParse(value).success, line);
    seen.push(value.items[0]);
  });
  const sees = async (fits: (counted: Counted) => boolean): Promise<void> => { while (!seen.some(fits)) await once(lines, 'line'); };
  await sees(({ up_to_date: good, silent }) => good === 2 && silent === 1);

  // One that cannot deliver lags, with the generation that it has; and catches up.
  await rename(place, `${place}-elsewhere`);
  await writeFile(place, '');
  await scene.put('db', { password: 'two' });
  await two.logged('delivery-failed');
  const late = await wait('--for', '60%', '--timeout', '2s');
  assert.deepEqual([late.exitCode, (late.result['error'] as Record<string, unknown>)['code'], (late.result['error'] as Record<string, unknown>)['up_to_date']], [8, 'wait-timed-out', 1]);
  const lagging = await status();
  assert.deepEqual([lagging.generation, lagging.up_to_date, lagging.nodes.lagging], [2, 1, [{ node: 'n2', generation: 2, delivered: false }]]);
  await sees(({ generation, up_to_date: good, lagging: behind }) => generation === 2 && good === 1 && behind === 1);
  const waiting = wait('--for', '60%', '--timeout', '60s');
  await rename(place, `${place}.file`);
  await rename(`${place}-elsewhere`, place);
  assert.equal((await waiting).exitCode, 0);
  assert.equal((await wait('--generation', '3', '--for', '1', '--timeout', '500ms')).exitCode, 8);
  assert.equal((await wait('--generation', '1', '--for', '2')).exitCode, 0, 'a newer one counts');

  // One that is killed is silent when its lease ends; what others write in its place does not count.
  one.signal('SIGKILL');
  await sees(({ silent }) => silent === 2);
  const store = openEtcdStore('/here', { endpoints: etcd.endpoints, prefix: PREFIX });
  t.after(() => { store.close(); });
  const [genuine] = [...await store.reports.list()].filter(([node]) => node === 'n2').map(([, bytes]) => bytes);
  assert.ok(genuine !== undefined);
  const { signature: _, format: _format, type: _type, ...facts } = JSON.parse(new TextDecoder().decode(genuine)) as Report & { signature: string };
  const stranger = identityFromSeed(generateSeed());
  for (const node of ['n1', 'n3']) await store.reports.writer(node, { ttlSeconds: 100 }).write(encodeReport({ ...facts, node }, stranger));
  await sees(({ unverified }) => unverified === 2);
  const forged = await status();
  assert.deepEqual([forged.up_to_date, forged.nodes.unverified], [1, [{ node: 'n1', problem: 'signature-invalid' }, { node: 'n3', problem: 'no-signing-key' }]]);
  assert.equal((await wait('--for', '2', '--timeout', '500ms')).exitCode, 8);

  // An older report of its own, put back under the eyes of who looks.
  await two.stop();
  await store.reports.writer('n2', { ttlSeconds: 100 }).write(genuine);
  await scene.put('db', { password: 'three' });
  const again = await agentOf('n2', `${place}/db.json`, { ttl: '2s' });
  await sees(({ generation, up_to_date: good }) => generation === 3 && good === 1);
  await again.stop();
  await store.reports.writer('n2', { ttlSeconds: 100 }).write(genuine);
  await sees(({ nodes }) => nodes.unverified.some(({ node, problem }) => node === 'n2' && problem === 'replayed'));
  watching.child.kill('SIGINT');
  assert.equal((await watching.finished).exitCode, 0);
  const { screen } = await runOnTerminal(['status', '--watch'], { cwd: scene.repository, variables: scene.variables, answers: [{ prompt: 'vault/db', type: '\u0003' }] });
  assert.ok(screen.includes('\u001B[H\u001B[JITEM') && screen.includes('vault/db  3'), screen);

  // All that it follows is sealed to an audience: its name is in the entry there.
  await addSigningKey('n3');
  await succeed(scene.vault('create', 'item', 'vault', 'grouped', '--from', scene.at('config', 'values.json'), '--search', 'role:web', '--audience', 'group', '--json'));
  const three = await agentOf('n3', scene.at('files', 'three.json'), {}, 'vault/grouped');
  assert.equal((await three.logged('reported'))['node'], 'n3');
  await succeed(scene.vault('wait', 'vault', 'grouped', '--for', '1', '--timeout', '60s', '--json'));
  // A clock that is a day off: what the node has, it has, and what it says of it does not count, until the clock is right.
  await three.stop();
  const early = await agentOf('n3', scene.at('files', 'three.json'), {}, 'vault/grouped', { nodeOptions: ['--import', WRONG_CLOCK], variables: { CLOCK_OFFSET_MS: '86400000' } });
  await early.logged('reported');
  assert.deepEqual((await status()).nodes.unverified.filter(({ node }) => node === 'n3'), [{ node: 'n3', problem: 'time' }]);
  await early.stop();
  await agentOf('n3', scene.at('files', 'three.json'), {}, 'vault/grouped');
  await succeed(scene.vault('wait', 'vault', 'grouped', '--for', '1', '--timeout', '60s', '--json'));
  const text = await succeed(scene.vault('status'));
  assert.match(text.stdout, /^ITEM +GEN +NODES +UP TO DATE +LAGGING +SILENT/);
});

test('a repository in files has no place for reports', async (t) => {
  const scene = await openRepositoryScene();
  t.after(() => scene.close());
  for (const args of [['status'], ['wait', 'vault', 'db']]) {
    const end = await scene.vault(...args, '--json');
    assert.deepEqual([end.exitCode, (JSON.parse(end.stdout) as { error: { code: string } }).error.code], [7, 'store-unsupported']);
  }
  assert.equal((await scene.vault('wait', 'vault', 'db', '--for', 'most', '--json')).exitCode, 2);
});
