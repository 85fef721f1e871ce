/** How the agent is seen from outside: status, health, metrics, log. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { access, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isAudit, EVENT_TYPES } from '../../src/agent/observing/levels.ts';
import { openAgentScene, type AgentScene, type RunningAgent } from '../scripts/agentScene.ts';
import { schemas } from '../../src/reporting/schemas.ts';
import { assertPrometheusText, type Sample } from '../scripts/prometheusText.ts';
import type { AgentStatus } from '../../src/agent/status.ts';

interface Reply { readonly status: number; readonly type: string | undefined; readonly body: string }

async function ask(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  return await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      text(response).then((body) => { resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], body }); }, reject);
    }).on('error', reject).end();
  });
}

async function statusOf(scene: AgentScene, config: string, exitCode: number): Promise<AgentStatus> {
  const end = await scene.vault('agent', 'status', '--config', config, '--json');
  assert.equal(end.exitCode, exitCode, end.stdout + end.stderr);
  const { success, data, error } = schemas['agent status'].safeParse(JSON.parse(end.stdout));
  assert.ok(success, String(error));
  assert.deepEqual(data, JSON.parse(end.stdout), 'nothing beside the published schema');
  return data;
}

/** Waits until there is something at a path, whose directory is there. */
async function appears(path: string): Promise<void> {
  const watcher = watch(dirname(path));
  for (let next = once(watcher, 'change'); !await access(path).then(() => true, () => false); next = once(watcher, 'change')) await next;
  watcher.close();
}

const portOf = async (agent: RunningAgent, from = 0): Promise<number> => Number((await agent.logged('monitor-listening', undefined, from))['port']);
const SECRET = 'correct-horse-battery-staple';

test('what is wrong is in status, health, metrics and log, and no secret is', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  for (const item of ['db', 'web']) await scene.put(item, { data: { password: SECRET } });
  await writeFile(scene.at('files', 'file'), '');
  const path = scene.at('files', 'file', 'db.json');
  const config = await scene.configure({
    items: ['vault/web', 'vault/none'], monitor: { port: 0 },
    deliveries: [{ type: 'file', path, item: 'vault/db', format: 'json' }, { type: 'file', path: scene.at('files', 'web.json'), item: 'vault/web', format: 'json' }],
  });
  const refused = await scene.vault('agent', 'status', '--config', config, '--json');
  assert.equal((JSON.parse(refused.stdout) as { error: { code: string } }).error.code, 'agent-unreachable');
  assert.equal(refused.exitCode, 7);

  const agent = scene.agent(config);
  const port = await portOf(agent);
  await agent.logged('item-failed');
  const code = String((await agent.logged('delivery-failed'))['code']);
  const not = await statusOf(scene, config, 1);
  assert.deepEqual([not.ready, not.items.map(({ item, generation, error }) => [item, generation, error?.code])],
    [false, [['web', 1, undefined], ['none', null, 'item-not-found'], ['db', 1, undefined]]]);
  assert.deepEqual(not.problems.map(({ subject, code }) => [subject, code]), [[path, code]]);
  const shown = await scene.vault('agent', 'status', '--config', config);
  for (const part of ['not ready', 'vault/none', 'item-not-found', path]) assert.ok(shown.stdout.includes(part), part);

  const [health, ready, foreign, elsewhere] = await Promise.all([ask(port, '/healthz'), ask(port, '/readyz'), ask(port, '/metrics', { host: 'evil.example' }), ask(port, '/v1/status')]);
  assert.deepEqual([health.status, ready.status, foreign.status, elsewhere.status], [200, 503, 403, 404]);
  assert.deepEqual(JSON.parse(ready.body), { ready: false, reasons: [{ code: 'item-not-found', count: 1 }, { code, count: 1 }] });

  const { type, body } = await ask(port, '/metrics');
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  const samples = assertPrometheusText(body);
  const value = (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
    samples.find((each: Sample) => each.name === `iam_vault_agent_${name}` && Object.entries(labels).every(([label, text_]) => each.labels[label] === text_))?.value;
  assert.deepEqual([value('ready'), value('items', { state: 'good' }), value('items', { state: 'missing' }), value('item_generation', { vault: 'vault', item: 'db' })], [0, 2, 1, 1]);
  assert.deepEqual([value('item_failures_total', { code: 'item-not-found' }), value('deliveries_total', { kind: 'file' }), value('problems', { code })], [1, 1, 1]);
  assert.ok((value('resident_memory_bytes') ?? 0) > 1e7);

  // Every line that tells of a secret that left is marked, and none has one.
  for (const line of agent.log) {
    assert.equal(line['audit'], line.type === 'delivered' ? true : undefined);
    assert.ok(EVENT_TYPES.some((each) => each === line.type) && typeof line['level'] === 'string');
  }
  const end = await agent.stop();
  for (const output of [end.stderr, body, shown.stdout, JSON.stringify(not)]) assert.ok(!output.includes(SECRET));
  assert.ok(isAudit({ type: 'delivered', kind: 'file', target: '', items: [] }));

  // As text, at the level where audit lines alone are left.
  const web = scene.at('files', 'web.json');
  await rm(web);
  const quiet = scene.agent(await scene.configure({ deliveries: [{ type: 'file', path: web, item: 'vault/web', format: 'json' }], log: { level: 'error', format: 'text' } }));
  await appears(web);
  const { stderr } = await quiet.stop();
  assert.match(stderr, /^\S+Z info +delivered audit=true kind=file target=\S+web\.json items=vault\/web@1\n$/);
});

test('nobody reads the log, and the agent goes on and ends', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  await scene.put('db', { data: { password: SECRET } });
  const config = await scene.configure({ deliveries: [{ type: 'file', path: scene.at('files', 'db.json'), item: 'vault/db', format: 'json' }] });
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../bin/run.js', import.meta.url)), 'agent', 'run', '--config', config], {
    env: { PATH: process.env['PATH'], ...scene.variables }, stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  child.stderr.destroy();
  await appears(scene.at('files', 'db.json'));
  await appears(scene.at('files', 'run', 'agent.sock'));
  const { ready, log, pid } = await statusOf(scene, config, 0);
  assert.deepEqual([ready, pid], [true, child.pid]);
  assert.ok(log.lost_audit_lines >= 1, 'it says what was lost');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
