// An agent that is killed with SIGKILL wherever it changes a file of a delivery, and started again.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openAgentScene, type AgentScene, type RunningAgent } from '../scripts/agentScene.ts';
import { expectKilled, readFilePoints, watched, type FilePoint } from '../scripts/killPoints.ts';

/** Where the deliveries are, and what the agent remembers of them. */
const PARTS = ['files/out', 'files/run/deliveries'];
const OLD = 'old '.repeat(1000);
const NEW = 'new '.repeat(2000);

/** What a reader or the next start can see changes with a name alone, and half a write must be none. */
const isDistinct = ({ moment, name }: FilePoint): boolean => moment === 'torn' || (moment === 'after' && /: (?:rename|symlink|mkdir|unlink|rmdir) /.test(name) && !/: unlink .*\.new$|: mkdir files\/run/.test(name));

test('killed anywhere while a file and a set are delivered', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  await mkdir(scene.at('files', 'out'));
  const item = { item: 'vault/db', field: 'value' };
  const config = await scene.configure({
    deliveries: [
      { type: 'file', path: scene.at('files', 'out', 'file'), ...item },
      {
        type: 'directory', path: scene.at('files', 'out', 'set'), files: [{ name: 'a', ...item }, { name: 'b', ...item, mode: '0440' }],
        on_change: { command: ['sh', '-c', 'echo . >> "$0"', scene.at('files', 'ran')] },
      },
    ],
  });
  await scene.put('db', { value: OLD });
  await untilDelivered(scene.agent(config), 1);
  assert.equal(await runs(scene), 1);
  await scene.put('db', { value: NEW });
  await scene.save();

  const log = scene.at('operations');
  await untilDelivered(scene.agent(config, watched(scene, { KILL_LOG: log }, PARTS)), 2);
  const points = await readFilePoints(scene, log);
  assert.ok(points.some(({ name }) => name.includes('rename files/out/file')) && points.some(({ name }) => name.includes('rename files/out/set/..data')) && points.some(({ name }) => /rmdir files\/out\/set/.test(name)), points.map(({ name }) => name).join('\n'));

  for (const point of points.filter(isDistinct)) {
    await t.test(point.name, async () => {
      await scene.reset();
      expectKilled(await scene.agent(config, watched(scene, { KILL_AT: String(point.number), KILL_MOMENT: point.moment }, PARTS)).finished);
      await readWhole(scene);

      await untilDelivered(scene.agent(config), 2);
      assert.deepEqual(await readWhole(scene), { file: NEW, set: NEW });
      assert.deepEqual((await readdir(scene.at('files', 'out'))).sort(), ['file', 'set']);
      const names = await readdir(scene.at('files', 'out', 'set'));
      assert.deepEqual([names.length, names.filter((name) => !name.startsWith('..')).sort()], [4, ['a', 'b']]);
      const records = await readdir(scene.at('files', 'run', 'deliveries'));
      assert.deepEqual([records.length, records.filter((name) => name.startsWith('.'))], [2, []]);
      for (const name of records) assert.equal((JSON.parse(await readFile(scene.at('files', 'run', 'deliveries', name), 'utf8')) as { owed: boolean }).owed, false);
      assert.ok(await runs(scene) >= 2);
    });
  }
});

async function untilDelivered(agent: RunningAgent, generation: number): Promise<void> {
  await agent.logged('item-verified', (line) => line['generation'] === generation);
  await agent.logged('started');
  await agent.stop(); // It ends what is under way.
}

/** Every file is whole, and those of the set are of one generation. */
async function readWhole(scene: AgentScene): Promise<{ file: string; set: string }> {
  const [file, a, b] = await Promise.all([['file'], ['set', 'a'], ['set', 'b']].map((names) => readFile(scene.at('files', 'out', ...names), 'utf8')));
  assert.ok(file !== undefined && a !== undefined && b !== undefined);
  assert.ok(file === OLD || file === NEW);
  assert.ok(a === b && (a === OLD || a === NEW));
  return { file, set: a };
}

async function runs(scene: AgentScene): Promise<number> {
  return (await readFile(scene.at('files', 'ran'), 'utf8')).split('\n').length - 1;
}
