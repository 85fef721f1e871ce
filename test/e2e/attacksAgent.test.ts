// What somebody tries who is a user of a machine on which an agent runs.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAgentScene } from '../scripts/agentScene.ts';

const STORE_UNREACHABLE = 7;

test('directories that others can change are not the agent\'s: not to remove what they point to, not to believe, not to ask for credentials', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  const theirs = scene.at('files', 'theirs');
  const precious = scene.at('files', 'precious');
  for (const each of [theirs, precious]) await mkdir(each);
  await writeFile(join(precious, 'file'), '');
  await symlink(precious, join(theirs, 'tokens'));
  await chmod(theirs, 0o777);

  const config = await scene.configure({ runtime_directory: theirs, items: ['vault/db'] });
  assert.equal((await scene.agent(config).finished).exitCode, STORE_UNREACHABLE);
  assert.deepEqual(await readdir(precious), ['file']);
  const elsewhere = await scene.configure({ state_directory: join(theirs, 'state') }, 'elsewhere.json');
  assert.equal((await scene.agent(elsewhere).finished).exitCode, STORE_UNREACHABLE);
  assert.deepEqual(await readdir(theirs), ['tokens']);

  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.end(JSON.stringify({ Version: 1, AccessKeyId: 'AKIATHEIRS', SecretAccessKey: 'theirs', Expiration: '2100-01-01T00:00:00Z' }));
  }).listen(join(theirs, 'agent.sock'));
  t.after(() => server.close());
  const { exitCode, stdout } = await scene.vault('agent', 'credential-process', '--config', config, 'vault', 'db');
  assert.deepEqual([exitCode, stdout, asked], [STORE_UNREACHABLE, '', 0]);
});
