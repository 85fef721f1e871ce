import { join } from 'node:path';
import pLimit from 'p-limit';
import { invite } from '../../src/operations/joining/invite.ts';
import { admitInventoryNode, readInventoryNode } from '../../src/operations/joining/admissions.ts';
import { createItem } from '../../src/operations/items/createItem.ts';
import { startEtcd } from '../../test/scripts/etcdCluster.ts';
import type { Scene } from '../scene.ts';
import { SECRET } from '../scene.ts';
import { ms, type Row } from '../table.ts';
import { openFleetSession } from './delivery.ts';
import { makeRequests, startRefresher } from './refresherProcess.ts';
import { addNodes, makeFleetRepository, makeNode } from './repository.ts';

const NODES = 10_000;
const REQUESTS = 1000;

/** `vault refresh --watch` with ten thousand nodes of one audience, when a thousand more ask to join at once. */
export async function benchRefresher(scene: Scene): Promise<Row[]> {
  const cluster = await startEtcd();
  const repository = await makeFleetRepository(scene, cluster, 'refresher');
  const { store } = repository;
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

    const refresher = startRefresher(repository);
    try {
      const loaded = await refresher.until('a look at everything', () => refresher.logged('checked'));
      const idle = refresher.memory();
      const { token: line } = await invite(workspace, trust, signer, { attributes: { chef_environment: '_default', run_list: ['role[fleet]'], normal: {} }, approval: false, uses: REQUESTS, validFor: 3_600_000 });
      const newcomers = Array.from({ length: REQUESTS }, (_, i) => makeNode(`new${String(i).padStart(4, '0')}`));
      const requests = makeRequests(store, trust.repository, line, newcomers);
      const start = performance.now();
      await Promise.all(requests.map((file) => limit(file)));
      await refresher.until('that all joined', async () => (await store.listInventoryNames('clients')).length >= NODES + REQUESTS);
      const admitted = performance.now() - start;
      await refresher.until('that all can read', async () => {
        const documents = await store.readItem(audience);
        const text = new TextDecoder().decode(documents?.keys);
        return newcomers.every(({ identity }) => text.includes(`"fingerprint":"${identity.publicKey.fingerprint}"`));
      });
      const readable = performance.now() - start;
      return [{
        group: 'fleet', what: `refresher: ${REQUESTS.toLocaleString('en')} requests to join at once, beside ${NODES.toLocaleString('en')} nodes`, ours: `${((REQUESTS * 1000) / admitted).toFixed(0)} a second`,
        peer: `all of them can read after ${ms(readable)}`, goal: '', met: undefined, runs: 1,
      }, {
        group: 'fleet', what: `refresher: memory with ${NODES.toLocaleString('en')} nodes`, ours: `${idle.toFixed(0)} MiB`, peer: `${refresher.memory().toFixed(0)} MiB after the joins; it has looked at everything ${ms(loaded)} after its start`, goal: '', met: undefined, runs: 1,
      }];
    } finally {
      refresher.stop();
    }
  } finally {
    repository.close();
    await cluster.close();
  }
}
