import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { invite } from '../../src/operations/joining/invite.ts';
import { admitInventoryNode, readInventoryNode } from '../../src/operations/joining/admissions.ts';
import { encodeRequest, requestId, signRequest } from '../../src/joining/request.ts';
import { parseToken, tokenIdentity } from '../../src/joining/token.ts';
import { createItem } from '../../src/operations/items/createItem.ts';
import { startEtcd } from '../../test/scripts/etcdCluster.ts';
import type { Scene } from '../scene.ts';
import { SECRET } from '../scene.ts';
import { ms, type Row } from '../table.ts';
import { openFleetSession } from './delivery.ts';
import { addNodes, makeFleetRepository, makeNode } from './repository.ts';

const NODES = 10_000;
const REQUESTS = 1000;
const MOST_MS = 300_000;

/** `vault refresh --watch` with ten thousand nodes of one audience, when a thousand more ask to join at once. */
export async function benchRefresher(scene: Scene): Promise<Row[]> {
  const cluster = await startEtcd();
  const repository = await makeFleetRepository(scene, cluster, 'refresher');
  const { store, vault } = repository;
  const { joining } = store;
  try {
    const nodes = Array.from({ length: NODES }, (_, i) => makeNode(`node${String(i).padStart(5, '0')}`));
    await addNodes(repository, nodes, 'fleet');
    const session = await openFleetSession(repository, join(scene.folder, 'refresher-state'));
    const { workspace, trust, signer } = session;
    const limit = pLimit(16);
    await Promise.all(nodes.map(({ name }) => limit(async () => { await admitInventoryNode(workspace, trust, signer, await readInventoryNode(store, name)); })));
    await createItem(session, { vault: 'fleet', item: 'shared', fields: { data: SECRET }, searchQuery: 'role:fleet', namedAdmins: null, namedClients: [], recreate: false, form: 'group' });
    const audience = (await store.listItems('fleet')).find(({ item }) => item.startsWith('audience-'));
    if (audience === undefined) throw new Error('no audience was made');

    const { argv: [program, ...args], env } = vault('refresh', '--watch');
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => { log += text; });
    const until = async (what: string, done: () => Promise<boolean> | boolean): Promise<number> => {
      const start = performance.now();
      while (!await done()) {
        if (performance.now() - start > MOST_MS || child.exitCode !== null) throw new Error(`${what} did not happen: ${log.slice(-2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return performance.now() - start;
    };
    try {
      const loaded = await until('a look at everything', () => log.includes('"type":"checked"'));
      const idle = resident(child.pid ?? 0);
      const { token: line } = await invite(workspace, trust, signer, { attributes: { chef_environment: '_default', run_list: ['role[fleet]'], normal: {} }, approval: false, uses: REQUESTS, validFor: 3_600_000 });
      const token = parseToken(line);
      const proof = tokenIdentity(token);
      const newcomers = Array.from({ length: REQUESTS }, (_, i) => makeNode(`new${String(i).padStart(4, '0')}`));
      const filed = newcomers.map(({ name, identity }) => {
        const signed = signRequest({ repository: trust.repository, invitation: token.invitation, name, time: new Date() }, identity, proof);
        return { name, id: requestId(signed.request), bytes: encodeRequest(signed) };
      });
      const start = performance.now();
      await Promise.all(filed.map(({ name, id, bytes }) => limit(() => joining.fileRequest(name, id, bytes))));
      await until('that all joined', async () => (await store.listInventoryNames('clients')).length >= NODES + REQUESTS);
      const admitted = performance.now() - start;
      await until('that all can read', async () => {
        const documents = await store.readItem(audience);
        const text = new TextDecoder().decode(documents?.keys);
        return newcomers.every(({ identity }) => text.includes(`"fingerprint":"${identity.publicKey.fingerprint}"`));
      });
      const readable = performance.now() - start;
      return [{
        group: 'fleet', what: `refresher: ${REQUESTS.toLocaleString('en')} requests to join at once, beside ${NODES.toLocaleString('en')} nodes`, ours: `${((REQUESTS * 1000) / admitted).toFixed(0)} a second`,
        peer: `all of them can read after ${ms(readable)}`, goal: '', met: undefined, runs: 1,
      }, {
        group: 'fleet', what: `refresher: memory with ${NODES.toLocaleString('en')} nodes`, ours: `${idle.toFixed(0)} MiB`, peer: `${resident(child.pid ?? 0).toFixed(0)} MiB after the joins; it has looked at everything ${ms(loaded)} after its start`, goal: '', met: undefined, runs: 1,
      }];
    } finally {
      child.kill('SIGTERM');
    }
  } finally {
    repository.close();
    await cluster.close();
  }
}

/** Resident memory of a process of this machine, in MiB. */
function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
