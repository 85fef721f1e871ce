/** Deliveries of an agent that runs: sets, templates, sockets, commands, a reload, and a disk that is full. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openAgentScene, type RunningAgent } from '../scripts/agentScene.ts';
import type { LogLine } from '../scripts/processLog.ts';

test('one change reaches a set, a template, a socket and a command; a reload takes away what is not configured any more', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  const at = (...names: string[]): string => scene.at('files', ...names);
  await scene.put('db', { data: { host: 'h', password: 'first secret' } });
  await scene.put('other', { data: { token: 'token' } });
  const template = at('app.conf.liquid');
  await writeFile(template, 'dsn={{ db.data.password | url_encode }}@{{ db.data.host }}/{{ o.data.token }}');
  const set = {
    type: 'directory', path: at('set'), files: [
      { name: 'env', item: 'vault/db', field: 'data', format: 'dotenv' }, { name: 'yaml', item: 'vault/db', field: 'data', format: 'yaml' },
    ],
    on_change: { command: ['sh', '-c', 'cat "$IAM_VAULT_CHANGED/env"; echo . >> "$0"', at('runs')] },
  };
  const file = { type: 'file', path: at('app.conf'), template, items: { db: 'vault/db', o: 'vault/other' }, mode: '0440' };
  const socket = { type: 'socket', path: at('s'), item: 'vault/db', field: 'data', format: 'json' };
  const config = await scene.configure({ deliveries: [socket, set, file] });
  const agent = scene.agent(config);
  const socketText = (): Promise<string> => text(createConnection(at('s')));
  const all = async (): Promise<unknown[]> => [
    await readFile(at('set', 'env'), 'utf8'), await readFile(at('set', 'yaml'), 'utf8'), await readFile(at('app.conf'), 'utf8'), JSON.parse(await socketText()) as unknown,
  ];
  const expected = (password: string): unknown[] => [
    `HOST=h\nPASSWORD="${password}"\n`, `host: h\npassword: ${password}\n`, `dsn=${password.replace(' ', '+')}@h/token`, { host: 'h', password },
  ];
  await agent.logged('started');
  await delivered(agent, at('set'));
  await delivered(agent, at('app.conf'));
  await agent.logged('command-ended');
  assert.deepEqual(await all(), expected('first secret'));

  const before = agent.log.length;
  await scene.put('db', { data: { host: 'h', password: 'second secret' } });
  await delivered(agent, at('set'), before);
  await delivered(agent, at('app.conf'), before);
  await agent.logged('command-ended', () => true, before);
  assert.deepEqual(await all(), expected('second secret'));
  assert.equal(await readFile(at('runs'), 'utf8'), '.\n.\n');
  const second = JSON.stringify([{ vault: 'vault', item: 'db', generation: 2 }]);
  const served = await agent.logged('delivered', ({ kind, items }) => kind === 'socket' && JSON.stringify(items) === second, before);
  assert.equal(served['target'], at('s'));

  await writeFile(template, '{{ db.data.gone }}');
  await scene.configure({ deliveries: [file] });
  agent.signal('SIGHUP');
  await agent.logged('reloaded');
  assert.deepEqual((await readdir(at())).sort(), ['app.conf', 'app.conf.liquid', 'run', 'runs']);
  assert.equal(await readFile(at('app.conf'), 'utf8'), expected('second secret')[2]);
  const { ready, problems } = await agent.status();
  assert.deepEqual([ready, problems.map(({ subject, code }) => [subject, code])], [false, [[at('app.conf'), 'template-invalid']]]);
  await writeFile(template, 'ok={{ o.data.token }}');
  agent.signal('SIGHUP');
  await delivered(agent, at('app.conf'), agent.log.findLastIndex(({ type }) => type === 'reloaded'));
  assert.equal(await readFile(at('app.conf'), 'utf8'), 'ok=token');
  assert.equal((await agent.status()).ready, true);
  const { stderr } = await agent.stop();
  assert.ok(!stderr.includes('secret') && !stderr.includes('"token"'));
  assert.equal((await stat(at('app.conf'))).mode & 0o777, 0o440);
});

test('a full disk leaves the last good content, is told, and is recovered from when there is room', async (t) => {
  const scene = await openAgentScene();
  const directory = scene.at('files', 'disk');
  await mkdir(directory);
  const disk = mountSmall(directory);
  t.after(() => {
    disk.unmount();
    return scene.close();
  });
  await scene.put('db', { value: 'first' });
  const path = scene.at('files', 'disk', 'f');
  const config = await scene.configure({ deliveries: [{ type: 'file', path, item: 'vault/db', field: 'value' }] });
  const agent = scene.agent(config);
  await delivered(agent, path);

  await disk.fill(agent.pid);
  const large = 'x'.repeat(100_000);
  await scene.put('db', { value: large });
  const failed = await agent.logged('delivery-failed', ({ code }) => code === 'delivery-failed');
  assert.ok(Number(failed['retryMs']) > 0);
  assert.deepEqual([await readFile(path, 'utf8'), (await readdir(directory)).filter((name) => name.startsWith('.'))], ['first', []]);
  assert.deepEqual((await agent.status()).problems.map(({ subject, code }) => [subject, code]), [[path, 'delivery-failed']]);

  await disk.free(agent.pid);
  await delivered(agent, path, agent.log.findIndex(({ type }) => type === 'delivery-failed'));
  assert.equal(await readFile(path, 'utf8'), large);
  assert.deepEqual((await agent.status()).problems, []);
  await agent.stop();
});

test('a command whose end a killed agent did not see is run by the next one', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  await scene.put('db', { value: 'v' });
  const [path, begun] = [scene.at('files', 'f'), scene.at('files', 'begun')];
  const config = await scene.configure({ deliveries: [{ type: 'file', path, item: 'vault/db', on_change: { command: ['sh', '-c', 'test -e "$0" && exit; touch "$0"; while test -e "$0"; do sleep 0.1; done', begun] } }] });
  const watching = watch(scene.at('files'));
  const made = new Promise<void>((resolve) => { watching.on('change', (_type, name) => { if (name === 'begun') resolve(); }); });
  const first = scene.agent(config);
  await made;
  watching.close();
  first.signal('SIGKILL');
  await first.finished;
  const second = scene.agent(config);
  await second.logged('command-ended');
  assert.ok(!second.log.some(({ type }) => type === 'delivered'));
  await second.stop();
});

const delivered = (agent: RunningAgent, target: string, from = 0): Promise<LogLine> => agent.logged('delivered', (line) => line['target'] === target, from);

interface SmallDisk {
  fill(pid: number): Promise<void>;
  free(pid: number): Promise<void>;
  unmount(): void;
}

/** A file system of a few pages where this machine lets us mount one; otherwise a limit on the size of what the process writes. */
function mountSmall(directory: string): SmallDisk {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0755', 'tmpfs', directory]).status === 0;
  const limit = (pid: number, bytes: string): Promise<void> => {
    assert.equal(spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]).status, 0);
    return Promise.resolve();
  };
  return mounted
    ? { fill: () => writeFile(`${directory}/ballast`, new Uint8Array(200 << 10)), free: () => rm(`${directory}/ballast`), unmount: () => { spawnSync('umount', ['--lazy', directory]); } }
    : { fill: (pid) => limit(pid, '50000'), free: (pid) => limit(pid, 'unlimited'), unmount: () => undefined };
}
