/** The agent, as a process: what the store has becomes what programs find. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { openAgentScene } from '../scripts/agentScene.ts';

test('a changed item is delivered, a second agent is refused, and a start needs no source', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  await scene.put('db', { data: { password: 'first' } });
  const path = scene.at('files', 'db.json');
  const deliveries = [{ type: 'file', path, item: 'vault/db', field: 'data', format: 'json' }];
  const config = await scene.configure({ deliveries });
  const agent = scene.agent(config);
  await agent.logged('delivered');
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { password: 'first' });

  await scene.put('db', { data: { password: 'second' } });
  await agent.logged('delivered', (line) => JSON.stringify(line['items']) === '[{"vault":"vault","item":"db","generation":2}]');
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { password: 'second' });
  const { ready, items } = await agent.status();
  assert.equal(ready, true);
  assert.deepEqual(items.map(({ item, generation, from }) => ({ item, generation, from })), [{ item: 'db', generation: 2, from: 'source' }]);

  const second = await scene.start(['agent', 'run', '--config', config, '--json']).finished;
  assert.equal((JSON.parse(second.stdout) as { error: { code: string } }).error.code, 'agent-running');
  await agent.stop();
  await rm(path);

  const nowhere = await scene.configure({ deliveries, source: { type: 'folder', path: scene.at('files', 'nowhere') } });
  const offline = scene.agent(nowhere);
  await offline.logged('delivered');
  assert.equal((await offline.status()).items[0]?.from, 'cache');
  await offline.stop();
});
