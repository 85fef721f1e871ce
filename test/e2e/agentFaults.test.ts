// The agent, as a process, where its source, its clock and its state directory fail: what was good stays, status says what is wrong, and it recovers.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { forge, stranger } from '../../src/items/example.testing.ts';
import { openAgentScene, type AgentScene, type RunningAgent } from '../scripts/agentScene.ts';
import type { LogLine } from '../scripts/processLog.ts';
import { makeAuthority, serveFiles, type Misbehaviour } from '../scripts/webServer.ts';

const JUMPING_CLOCK = fileURLToPath(new URL('../scripts/jumpingClock.mjs', import.meta.url));

/** A scene with two generations of vault/db; the repository as it was at the first lies in files/month. */
async function open(t: TestContext): Promise<AgentScene & { readonly path: string; readonly deliveries: unknown; delivered(): Promise<unknown> }> {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  await scene.put('db', { data: 'first' });
  await cp(scene.repository, scene.at('files', 'month'), { recursive: true });
  await scene.put('db', { data: 'second' });
  const path = scene.at('files', 'db.json');
  return {
    ...scene, path, deliveries: [{ type: 'file', path, item: 'vault/db', field: 'data', format: 'json' }],
    delivered: async () => JSON.parse(await readFile(path, 'utf8')) as unknown,
  };
}

const ofGeneration = (generation: number) => ({ items }: LogLine): boolean => (items as readonly { generation: number }[])[0]?.generation === generation;
const withCode = (code: string) => (line: LogLine): boolean => line['code'] === code;

/** What status says of the item and the source. */
async function statusOf(agent: RunningAgent): Promise<readonly [generation: number | null | undefined, item: string | undefined, source: string | undefined]> {
  const { items: [item], source } = await agent.status();
  return [item?.generation, item?.error?.code, source.error?.code];
}

// Most of the time is spent waiting for what is tried again.
describe('an agent', { concurrency: 2 }, () => {
  test('whose folder fails in every way, whose clock jumps, and that is killed and starts without any source', async (t) => {
    const scene = await open(t);
    const { at, repository, deliveries } = scene;
    const config = await scene.configure({ deliveries });
    const agent = scene.agent(config, { nodeOptions: ['--import', JUMPING_CLOCK] });
    await agent.logged('delivered', ofGeneration(2));
    await cp(repository, at('files', 'good'), { recursive: true });
    const bag = (root: string, ...names: string[]): string => join(root, 'data_bags', 'vault', ...names);
    const [keys, item] = [bag(repository, 'db_keys.json'), bag(repository, 'db.json')];

    const faults: readonly (readonly ['item-failed' | 'source-failed', string, () => Promise<unknown>])[] = [
      ['source-failed', 'store-unreachable', () => rm(repository, { recursive: true })],
      ['source-failed', 'roster-missing', async () => { await rename(repository, at('files', 'away')); await mkdir(repository); }],
      ['item-failed', 'item-missing', () => rm(bag(repository), { recursive: true })],
      ['item-failed', 'document-invalid', () => truncate(keys, 100)],
      ['item-failed', 'generation-rollback', () => cp(bag(at('files', 'month')), bag(repository), { recursive: true })],
      ['item-failed', 'signature-invalid', async () => {
        const forged = forge({ keys: await readFile(keys), item: await readFile(item) }, { header: { generation: 3 }, signer: stranger });
        await writeFile(keys, forged.keys);
      }],
    ];
    for (const [type, code, strike] of faults) {
      const from = agent.log.length;
      await strike();
      await agent.logged(type, withCode(code), from);
      assert.deepEqual(await statusOf(agent), type === 'item-failed' ? [2, code, undefined] : [2, undefined, code], code);
      assert.equal(await scene.delivered(), 'second');
      await cp(at('files', 'good'), repository, { recursive: true });
      await agent.logged(type === 'item-failed' ? 'item-recovered' : 'source-recovered', undefined, from);
    }
    for (const generation of [3, 4, 5]) {
      agent.signal('SIGUSR2');
      await scene.put('db', { data: `value ${String(generation)}` });
      await agent.logged('delivered', ofGeneration(generation));
      assert.deepEqual(await statusOf(agent), [generation, undefined, undefined]);
    }
    const times = agent.log.map(({ time }) => Date.parse(time));
    assert.ok(Math.max(...times) - Math.min(...times) > 86_400_000, 'the clock did jump');

    agent.signal('SIGKILL');
    await agent.finished;
    await rm(at('files', 'run'), { recursive: true }); // As where the machine was started.
    await rm(scene.path);
    const cold = scene.agent(await scene.configure({ deliveries, source: { type: 'folder', path: at('files', 'nowhere') } }));
    await cold.logged('delivered', ofGeneration(5));
    await cold.logged('source-failed', withCode('store-unreachable'));
    assert.deepEqual(await statusOf(cold), [5, undefined, 'store-unreachable']);
    assert.equal(await scene.delivered(), 'value 5');
    await cold.stop();

    // A state directory that nothing can be written to: also root cannot write below a file.
    await writeFile(at('files', 'file'), '');
    const unkept = await scene.configure({ deliveries, state_directory: at('files', 'file', 'state') });
    await rm(scene.path); // What is there already would not be delivered.
    const poor = scene.agent(unkept);
    await poor.logged('delivered', ofGeneration(5));
    assert.equal((await poor.status()).state.error?.code, 'state-unwritable');
    const second = await scene.start(['agent', 'run', '--config', unkept, '--json']).finished;
    assert.equal((JSON.parse(second.stdout) as { error: { code: string } }).error.code, 'agent-running');
    await scene.put('db', { data: 'last' });
    await poor.logged('delivered', ofGeneration(6));
    assert.equal(poor.log.filter(({ type }) => type === 'state-failed').length, 1);
    await poor.stop();
  });

  test('whose web server fails in every way', async (t) => {
    const scene = await open(t);
    const { at, repository, deliveries } = scene;
    const [right, wrong] = [await makeAuthority(at('config'), 'right'), await makeAuthority(at('config'), 'wrong')];
    const server = await serveFiles(repository, right);
    t.after(() => server.close());
    const source = { type: 'https', url: server.url, poll: '100ms', timeout: '200ms', ca_file: right.ca };
    const agent = scene.agent(await scene.configure({ deliveries, source }));
    await agent.logged('delivered', ofGeneration(2));

    const nothing = Buffer.alloc(10_000_000, ' ');
    const page = (status: number, headers: Readonly<Record<string, string>> = {}): Misbehaviour => (_request, response) => { response.writeHead(status, headers).end('<html>'); };
    const faults: readonly (readonly [string, Misbehaviour])[] = [
      ['store-unreachable', () => undefined],
      ['store-unreachable', (_request, response) => {
        const timer = setInterval(() => { response.write(' '); }, 20);
        response.on('close', () => { clearInterval(timer); });
      }],
      ['store-unreachable', page(500)],
      ['store-unreachable', page(302, { location: 'http://127.0.0.1:1/' })],
      ['roster-missing', page(404)],
      ['document-invalid', page(200)],
      ['input-too-large', (_request, response) => { response.end(nothing); }],
    ];
    for (const [code, misbehaviour] of faults) {
      const from = agent.log.length;
      server.misbehave = misbehaviour;
      await agent.logged('source-failed', withCode(code), from);
      assert.deepEqual(await statusOf(agent), [2, undefined, code]);
      assert.equal(await scene.delivered(), 'second');
      server.misbehave = undefined;
      await agent.logged('source-recovered', undefined, from);
    }
    // Last month's files.
    server.root = at('files', 'month');
    await agent.logged('item-failed', withCode('generation-rollback'));
    assert.deepEqual(await statusOf(agent), [2, 'generation-rollback', undefined]);
    server.root = repository;
    await agent.logged('item-recovered');
    await scene.put('db', { data: 'third' });
    await agent.logged('delivered', ofGeneration(3));
    await agent.stop();

    const suspicious = scene.agent(await scene.configure({ deliveries, source: { ...source, ca_file: wrong.ca } }));
    await suspicious.logged('source-failed', withCode('store-unreachable'));
    assert.deepEqual(await statusOf(suspicious), [3, undefined, 'store-unreachable']);
    assert.equal(await scene.delivered(), 'third');
    await suspicious.stop();
  });
});
