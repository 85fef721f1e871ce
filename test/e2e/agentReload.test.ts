/** SIGHUP, SIGTERM and faults: what was delivered stays. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { test } from 'node:test';
import { openAgentScene } from '../scripts/agentScene.ts';
import type { LogLine } from '../scripts/processLog.ts';

const SECRET = 'correct-horse-battery-staple';

test('a configuration that is read again leaves no gap, and one that cannot be is refused as a whole', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  for (const item of ['db', 'web']) await scene.put(item, { data: { password: SECRET } });
  await scene.addIdentity('other');
  const [db, web] = [scene.at('files', 'db.json'), scene.at('files', 'web.json')];
  const delivery = (item: string, path: string): object => ({ type: 'file', path, item: `vault/${item}`, format: 'json' });
  const config = await scene.configure({ deliveries: [delivery('db', db)] });
  const agent = scene.agent(config);
  await agent.logged('ready');
  const hangup = async (type: 'reloaded' | 'reload-failed', signals = 1): Promise<LogLine> => {
    const from = agent.log.length;
    for (let i = 0; i < signals; i++) agent.signal('SIGHUP');
    return await agent.logged(type, undefined, from);
  };
  const before = await stat(db);

  // All that is wrong is told, in the log and in the status, and nothing was touched.
  await scene.configure({ deliveries: [delivery('web', 'relative')], monitor: { prot: 1 } });
  const refused = await hangup('reload-failed');
  assert.equal(refused['code'], 'input-invalid');
  for (const part of ['deliveries[0].path', 'monitor.prot', '"port"']) assert.ok(String(refused['message']).includes(part), part);
  await writeFile(config, '{');
  assert.equal((await hangup('reload-failed'))['code'], 'input-not-json');
  await scene.configure({ deliveries: [delivery('db', db)], runtime_directory: scene.at('files', 'elsewhere') });
  assert.equal((await hangup('reload-failed'))['code'], 'usage');
  await scene.configure({ deliveries: [delivery('db', db)], identity: scene.at('config', 'nobody') });
  assert.equal((await hangup('reload-failed'))['code'], 'identity-missing');
  const kept = await agent.status();
  assert.deepEqual([kept.ready, kept.configuration.error?.code, kept.items.length], [true, 'identity-missing', 1]);
  const { ino, mtimeMs } = await stat(db);
  assert.deepEqual([ino, mtimeMs], [before.ino, before.mtimeMs]);

  // What is new is delivered; several signals are one or two readings.
  await scene.configure({ deliveries: [delivery('db', db), delivery('web', web)] });
  await hangup('reloaded', 5);
  await agent.logged('delivered', (line) => line['target'] === web);
  assert.equal((await agent.status()).configuration.error, undefined);
  assert.ok(agent.log.filter(({ type }) => type === 'reloaded').length <= 2);

  // Another identity, which opens nothing: what was delivered stays, and the status says why it is no newer.
  await scene.configure({ deliveries: [delivery('db', db)], identity: scene.at('config', 'other') });
  const from = agent.log.length;
  await hangup('reloaded');
  await agent.logged('item-failed', (line) => line['code'] === 'not-a-recipient', from);
  const { items: [item, ...others], ready } = await agent.status();
  assert.deepEqual([item?.item, item?.generation, item?.error?.code, ready, others], ['db', 1, 'not-a-recipient', true, []]);
  assert.deepEqual(JSON.parse(await readFile(db, 'utf8')), { data: { password: SECRET } });

  // A source that is not there; then all as it was, and a change is followed.
  await scene.configure({ deliveries: [delivery('db', db)], source: { type: 'folder', path: scene.at('files', 'nowhere') } });
  await hangup('reloaded');
  assert.equal((await agent.status()).items[0]?.generation, 1);
  await scene.configure({ deliveries: [delivery('db', db)] });
  await hangup('reloaded');
  await scene.put('db', { data: { password: 'another' } });
  await agent.logged('delivered', (line) => JSON.stringify(line['items']).includes('"generation":2'));
  assert.deepEqual(JSON.parse(await readFile(db, 'utf8')), { data: { password: 'another' } });
  assert.deepEqual(agent.log.filter(({ type, ...line }) => type === 'delivered' && line['target'] === web).length, 1);

  // A request that never ends, a signal to read again and one to end at once.
  const socket = connect(scene.at('files', 'run', 'agent.sock'));
  await once(socket, 'connect');
  socket.write('GET /v1/sta');
  socket.on('error', () => undefined);
  agent.signal('SIGHUP');
  await agent.stop();
});

test('SIGHUP while it starts is taken when it has, and a fault ends it without a word that nobody knows', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  await scene.put('db', { data: { password: SECRET } });
  const config = await scene.configure({ items: ['vault/db'] });
  const first = scene.agent(config);
  await first.logged('ready');
  await first.stop();

  const fault = scene.at('config', 'fault.mjs');
  await writeFile(fault, `process.on('SIGUSR2', () => { throw new TypeError('${SECRET}'); });\n`);
  const agent = scene.agent(config, { nodeOptions: ['--import', fault] });
  await agent.logged('roster-changed'); // From what was kept: before it has started.
  agent.signal('SIGHUP');
  await agent.logged('reloaded');
  const types = agent.log.map(({ type }) => type);
  assert.ok(types.indexOf('started') < types.indexOf('reloaded'), types.join());
  agent.signal('SIGUSR2');
  const crashed = await agent.logged('crashed');
  assert.equal(crashed['code'], 'internal');
  const end = await agent.finished;
  assert.equal(end.exitCode, 1);
  assert.ok(!end.stderr.includes(SECRET));
});
