/** `vault agent exec`: a command whose environment is what items hold now. */
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openAgentScene, type AgentScene } from '../scripts/agentScene.ts';
import { succeed } from '../scripts/repositoryScene.ts';

describe('vault agent exec', () => {
  let scene: AgentScene;
  before(async () => {
    scene = await openAgentScene();
    await scene.put('db', { password: 'first' });
    // It ends with its supervisor, however that ends.
    await writeFile(scene.at('files', 'serve.sh'), `
      trap 'exit 6' TERM; trap 'echo usr1 >> "$1"' USR1
      echo "$DB_PASSWORD" >> "$1"
      while kill -0 $PPID 2>/dev/null; do sleep 0.02; done`);
  });
  after(() => scene.close());

  const serve = (said: string, ...flags: string[]): string[] => [...flags, '--', 'sh', scene.at('files', 'serve.sh'), scene.at('files', said)];
  const said = async (name: string): Promise<string[]> => (await readFile(scene.at('files', name), 'utf8')).trimEnd().split('\n');
  const refusal = async (args: readonly string[]): Promise<unknown> => (JSON.parse((await scene.start(['agent', 'exec', '--json', ...args]).finished).stdout) as { error: { code: string } }).error.code;

  test('starts its command anew when values change, beside an agent that has the same memory', async () => {
    const config = await scene.configure({ items: ['vault/db'] });
    const [agent, supervisor] = [scene.agent(config), scene.agent(config, { exec: serve('said', 'vault', 'db', 'password', '--prefix', 'DB_') })];
    await supervisor.logged('delivered', ({ kind }) => kind === 'process');
    await agent.logged('item-verified');

    await succeed(scene.vault('rotate', 'keys', 'vault', 'db', '--yes', '--json'));
    await supervisor.logged('item-verified', ({ generation }) => generation === 2);
    await scene.put('db', { password: 'second' });
    await supervisor.logged('delivered', ({ items }) => JSON.stringify(items) === '[{"vault":"vault","item":"db","generation":3}]');
    await agent.logged('item-verified', ({ generation }) => generation === 3);

    while (!(await said('said')).includes('second')) await delay(5);
    supervisor.signal('SIGUSR1');
    while (!(await said('said')).includes('usr1')) await delay(5);
    supervisor.signal('SIGTERM');
    const { exitCode } = await supervisor.finished;
    assert.equal(exitCode, 6);
    assert.deepEqual(await said('said'), ['first', 'second', 'usr1']);
    assert.deepEqual(supervisor.log.filter(({ type }) => type === 'process-ended').map(({ because, exitCode: code, signal }) => [because, code, signal]), [['changed', 6, null], ['stopping', 6, null]]);
    await agent.stop();
    for (const { log } of [agent, supervisor]) assert.deepEqual(log.filter(({ type }) => /failed|warned/.test(type)), []);
    assert.doesNotMatch(JSON.stringify(supervisor.log), /first|second/);
  });

  test('waits for the first good content, starts without a source from what was kept, and ends as the command does', async () => {
    const moved = scene.at('files', 'moved');
    const config = await scene.configure({ source: { type: 'folder', path: moved, poll: '100ms' }, state_directory: scene.at('state', 'fresh'), runtime_directory: scene.at('files', 'fresh') });
    assert.equal(await refusal(['--config', config, '--timeout', '300ms', 'vault', 'db', '--', 'true']), 'store-unreachable');
    const waiting = scene.agent(config, { exec: ['vault', 'db', '--', 'sh', '-c', 'exit 5'] });
    await waiting.logged('process-waiting');
    await rename(scene.repository, moved);
    assert.equal((await waiting.finished).exitCode, 5);

    await rename(moved, scene.repository);
    const offline = scene.agent(config, { exec: serve('offline', 'vault', 'db', 'password', '--prefix', 'DB_') });
    while (!(await said('offline').catch((): string[] => [])).includes('second')) await delay(5);
    offline.signal('SIGTERM');
    assert.equal((await offline.finished).exitCode, 6);
    assert.deepEqual(await said('offline'), ['second']);

    const signalled = scene.agent(config, { exec: ['vault', 'nothing', '--', 'true'] });
    await signalled.logged('process-waiting');
    signalled.signal('SIGTERM');
    assert.equal((await signalled.finished).signal, 'SIGTERM');
  });

  test('tries a command that crashes again, more slowly each time', async () => {
    const crashing = scene.agent(await scene.configure(), { exec: ['vault', 'db', '--restart', 'on-failure', '--', 'false'] });
    await crashing.logged('process-ended');
    await crashing.logged('process-ended', () => true, crashing.log.length);
    crashing.signal('SIGTERM');
    assert.equal((await crashing.finished).signal, 'SIGTERM');
    const [first = 0, second = 0] = crashing.log.filter(({ type }) => type === 'process-ended').map(({ retryMs }) => Number(retryMs));
    assert.ok(first >= 500 && first <= 1000 && second >= 1000 && second <= 2000, `${String(first)}, ${String(second)}`);
  });

  test('refuses what must not leave the agent, and what it cannot do', async () => {
    const config = await scene.configure({ credentials: [{ item: 'vault/db', mode: 'session' }] });
    assert.equal(await refusal(['--config', config, 'vault', 'db', '--', 'true']), 'usage');
    const plain = await scene.configure({}, 'plain.json');
    for (const flags of [['--signal', 'SIGNOTHING'], ['--grace', 'soon'], ['--user', 'no-such-user'], ['--group', 'no-such-group']]) {
      assert.equal(await refusal(['--config', plain, 'vault', 'db', ...flags, '--', 'true']), 'usage');
    }
  });

  test('runs it as another user', { skip: process.getuid?.() !== 0 && 'only root can' }, async () => {
    const config = await scene.configure();
    const { stdout } = await succeed(scene.agent(config, { exec: ['vault', 'db', '--user', 'nobody', '--', 'sh', '-c', 'id -u; id -G; echo $USER'] }).finished);
    const [uid, groups, name] = stdout.trim().split('\n');
    assert.equal(name, 'nobody');
    assert.ok(uid !== '0' && groups !== undefined && !groups.split(' ').includes('0'), stdout);
  });
});
