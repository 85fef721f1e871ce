import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ItemDocuments } from '../src/items/model.ts';
import type { Recipient } from '../src/items/recipients.ts';
import { parsePublicKey } from '../src/sealing/publicKey.ts';
import { fileHolds, startAgent, writeConfiguration } from './agentProcess.ts';
import { bareServer } from './bareServer.ts';
import { has, inTurn, median, percentile, timeProcess, type Command } from './processes.ts';
import { makeItem, SECRET, storeItem, type Scene } from './scene.ts';
import { mib, ms, type Row } from './table.ts';

const CHANGES = 200;
const RUNS = 25;
const STARTS = 9;
const ITEMS = 100;
const IDLE_MINUTES = 5;
const REQUESTS = 100_000;

/** The node's side: from a changed file to a delivered one, credentials for many, and what an agent costs that has nothing to do. */
export async function benchAgent(scene: Scene): Promise<Row[]> {
  return [...await latency(scene), ...await endpoint(scene), ...await credentialProcess(scene), ...await starting(scene), ...await idle(scene)];
}

const row = (what: string, ours: string, peer: string, goal = '', met?: boolean, runs = 1): Row => ({ group: 'agent', what, ours, peer, goal, met, runs });

function nodes(scene: Scene): Recipient[] {
  return [{ role: 'client', name: 'reader', publicKey: parsePublicKey(scene.reader.line) }];
}

/** Both sources, one after the other, over the same changes. */
async function latency(scene: Scene): Promise<Row[]> {
  await storeItem(scene, 'followed', nodes(scene));
  const rows: Row[] = [];
  const polls = '1s';
  const server = await serveFolder(join(scene.folder, 'repository'));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
  let generation = 1;
  try {
    for (const [what, source, count] of [
      ['a watched folder', { type: 'folder', path: join(scene.folder, 'repository') }, CHANGES],
      [`HTTP, polled every ${polls}`, { type: 'https', url, poll: polls }, CHANGES],
    ] as const) {
      const name = `latency-${source.type}`;
      const delivered = join(scene.folder, name, 'out', 'secret.json');
      mkdirSync(join(scene.folder, name, 'out'), { recursive: true });
      const agent = await startAgent(scene, writeConfiguration(scene, name, { source, deliveries: [{ type: 'file', path: delivered, item: 'bench/followed', field: 'data', format: 'json' }] }));
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        generation++;
        const mark = `change-${String(generation)}-end`;
        const documents = await makeItem(scene, 'followed', nodes(scene), generation, { ...SECRET, mark });
        const seen = fileHolds(delivered, mark);
        // At no fixed place in the poll's period.
        await delay(Math.random() * (source.type === 'https' ? 1000 : 20));
        replaceBoth(scene, 'followed', documents);
        const changed = performance.now();
        times.push(await seen.at - changed);
      }
      await agent.stop();
      rows.push(row(`change in the store to delivered file: ${what}`, `${exact(median(times))}, p99 ${exact(percentile(times, 99))}`, source.type === 'https' ? `half a poll: ${ms(500)}` : '', '', undefined, count));
    }
  } finally {
    server.close();
  }
  return rows;
}

/** As a checkout does it: one file after the other, each in one step. */
function replaceBoth(scene: Scene, item: string, documents: ItemDocuments): void {
  const folder = join(scene.folder, 'repository', 'data_bags', 'bench');
  for (const [name, bytes] of [[`${item}.json`, documents.item], [`${item}_keys.json`, documents.keys]] as const) {
    const neighbour = join(folder, `.${name}.part`);
    writeFileSync(neighbour, bytes);
    renameSync(neighbour, join(folder, name));
  }
}

/** A static web server with ETags. */
async function serveFolder(root: string): Promise<Server> {
  const server = createServer((request, response) => {
    let bytes: Buffer;
    try {
      bytes = readFileSync(join(root, decodeURIComponent(request.url ?? '/')));
    } catch {
      response.writeHead(404).end();
      return;
    }
    const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { etag, 'content-length': bytes.length }).end(bytes);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return server;
}

async function endpoint(scene: Scene): Promise<Row[]> {
  if (!has('wrk') && spawnSync('wrk', ['-v']).error !== undefined) {
    process.stderr.write('wrk is missing: install it with apt-get install wrk\n');
    return [];
  }
  await storeItem(scene, 'served', nodes(scene));
  const port = 19_911;
  const token = join(scene.folder, 'endpoint-token');
  const agent = await startAgent(scene, writeConfiguration(scene, 'endpoint', { endpoint: { port, consumers: [{ name: 'bench', items: ['bench/served'], token_file: token }] } }));
  const before = agent.usage().rss;
  const url = `http://127.0.0.1:${String(port)}/v1/credentials/bench/served`;
  const header = `Authorization: ${readFileSync(token, 'utf8').trim()}`;
  const bare = await bareServer(scene.node, scene.folder);
  const peer = wrk(bare.url, header, 5);
  bare.stop();
  const ours = wrk(url, header, 5);
  for (let done = ours.requests; done < REQUESTS;) done += wrk(url, header, 5).requests;
  const after = agent.usage().rss;
  await agent.stop();
  rmSync(token, { force: true });
  return [
    row('credential endpoint, 50 connections', `${ours.rate.toFixed(0)} requests/s, p99 ${ours.p99}`, `a bare server of Node: ${peer.rate.toFixed(0)} requests/s, p99 ${peer.p99}`, '', undefined, 1),
    row(`memory of the agent after ${REQUESTS.toLocaleString('en')} requests`, `${after.toFixed(0)} MiB`, `before: ${before.toFixed(0)} MiB`),
  ];
}

interface Load { readonly requests: number; readonly rate: number; readonly p99: string }

function wrk(url: string, header: string, seconds: number): Load {
  const { stdout, status } = spawnSync('wrk', ['-t1', '-c50', `-d${String(seconds)}s`, '--latency', '-H', header, url], { encoding: 'utf8' });
  const rate = Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(stdout)?.[1]);
  const requests = Number(/^\s+(\d+) requests in /m.exec(stdout)?.[1]);
  const p99 = /^\s+99%\s+(\S+)$/m.exec(stdout)?.[1];
  if (status !== 0 || p99 === undefined || /Non-2xx/.test(stdout)) throw new Error(`wrk: ${stdout}`);
  return { requests, rate, p99 };
}

async function credentialProcess(scene: Scene): Promise<Row[]> {
  await storeItem(scene, 'asked', nodes(scene));
  const config = writeConfiguration(scene, 'asked', { items: ['bench/asked'] });
  const absent = writeConfiguration(scene, 'absent', { items: ['bench/asked'] });
  const agent = await startAgent(scene, config);
  const ask = (node: string, file: string): Command => scene.vault(node, 'agent', 'credential-process', 'bench', 'asked', '--config', file);
  const { node, node20 } = scene;
  const found = await inTurn({
    bare: { argv: [node, '-e', '0'] }, through: ask(node, config), alone: ask(node, absent),
    ...(node20 === undefined ? {} : { bare20: { argv: [node20, '-e', '0'] }, through20: ask(node20, config), alone20: ask(node20, absent) }),
  } as Record<'bare' | 'through' | 'alone' | 'bare20' | 'through20' | 'alone20', Command>, RUNS);
  await agent.stop();
  const older = (ours: number): string | undefined => (node20 === undefined ? undefined : `${ms(ours)}, node -e 0 ${ms(found.bare20)}`);
  const peer = `node -e 0: ${ms(found.bare)}`;
  return [
    { ...row('credential-process, cold, through the agent', ms(found.through), peer, '', undefined, RUNS), older: older(found.through20) },
    { ...row('credential-process, cold, without an agent', ms(found.alone), peer, '', undefined, RUNS), older: older(found.alone20) },
  ];
}

/** From the start of the process to the first delivered file: from the source alone, and from what was kept. */
async function starting(scene: Scene): Promise<Row[]> {
  await storeItem(scene, 'first', nodes(scene));
  const found: Record<'source' | 'kept', number[]> = { source: [], kept: [] };
  const bare: number[] = [];
  for (let run = 0; run < STARTS; run++) {
    const name = `starting-${String(run)}`;
    const delivered = join(scene.folder, name, 'out', 'secret.json');
    mkdirSync(join(scene.folder, name, 'out'), { recursive: true });
    const config = writeConfiguration(scene, name, { deliveries: [{ type: 'file', path: delivered, item: 'bench/first', field: 'data', format: 'json' }] });
    for (const kind of ['source', 'kept'] as const) {
      rmSync(delivered, { force: true });
      const seen = fileHolds(delivered, SECRET.aws_access_key_id);
      const start = performance.now();
      const agent = await startAgent(scene, config);
      found[kind].push(await seen.at - start);
      await agent.stop();
    }
    bare.push(await timeProcess({ argv: [scene.node, '-e', '0'] }));
  }
  const peer = `node -e 0: ${ms(median(bare))}`;
  return [
    row('start of the agent to first delivery, from the source', ms(median(found.source)), peer, '', undefined, STARTS),
    row('start of the agent to first delivery, from its cache', ms(median(found.kept)), peer, '', undefined, STARTS),
  ];
}

async function idle(scene: Scene): Promise<Row[]> {
  const names = Array.from({ length: ITEMS }, (_, i) => `idle${String(i).padStart(3, '0')}`);
  for (const name of names) await storeItem(scene, name, nodes(scene));
  const agent = await startAgent(scene, writeConfiguration(scene, 'idle', { items: names.map((name) => `bench/${name}`) }));
  await delay(10_000); // Start and first look are over.
  const before = agent.usage();
  await delay(IDLE_MINUTES * 60_000);
  const after = agent.usage();
  await agent.stop();
  const share = ((after.cpu - before.cpu) / (IDLE_MINUTES * 60)) * 100;
  return [
    row(`resident memory of an idle agent with ${String(ITEMS)} items`, mib(after.rss).slice(2), '', '60 MB', after.rss * 1.048_576 < 60),
    row(`processor time of an idle agent with ${String(ITEMS)} items, ${String(IDLE_MINUTES)} minutes`, `${share.toFixed(3)} % of a core`, '', '0.1 %', share < 0.1),
  ];
}

function exact(value: number): string {
  return value >= 100 ? ms(value) : `${value.toFixed(1)} ms`;
}
