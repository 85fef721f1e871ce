// What somebody writes below etcd's prefix where their role lets them, to be in the way of others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient } from '../../src/stores/etcd/client.ts';
import { openEtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { MOST_REQUEST_BYTES, openKeyValues } from '../../src/stores/etcd/keyValues.ts';
import { startCuttableProxy } from '../scripts/cuttableProxy.ts';
import { startEtcd } from '../scripts/etcdCluster.ts';

const PREFIX = '/iam-vault/hostile/';
/** Together more than one response can hold. */
const KEYS = 50;

test('what one node fills its own place with keeps nobody from the reports of others, nor from what comes after a cut', { timeout: 90_000 }, async (t) => {
  const etcd = await startEtcd();
  t.after(() => etcd.close());
  const [endpoint = ''] = etcd.endpoints;
  const proxy = await startCuttableProxy(endpoint);
  t.after(() => proxy.close());
  const store = openEtcdStore('/here', { endpoints: [endpoint], prefix: PREFIX });
  const behind = openEtcdStore('/there', { endpoints: [proxy.url], prefix: PREFIX });
  const client = openClient({ endpoints: [endpoint], prefix: PREFIX });
  t.after(() => { for (const each of [store, behind, client]) each.close(); });
  const { commit } = openKeyValues(client);
  const flood = async (): Promise<void> => {
    for (let i = 0; i < KEYS; i++) await commit({ put: [[`reports/n1/${String(i)}/status`, new Uint8Array(MOST_REQUEST_BYTES)]] });
  };
  const report = (node: string): Promise<void> => store.reports.writer(node, { ttlSeconds: 600 }).write(new TextEncoder().encode(node));

  await flood();
  await report('n2');
  assert.deepEqual([...(await store.reports.list()).keys()], ['n2']);

  const told = new Set<string>();
  let wake = (): void => undefined;
  t.after(behind.reports.follow({
    changed(reports) {
      for (const node of reports.keys()) told.add(node);
      wake();
    },
    problem: () => undefined,
  }));
  const until = async (node: string): Promise<void> => { while (!told.has(node)) await new Promise<void>((resolve) => { wake = resolve; }); };
  await until('n2');
  proxy.cut();
  await flood();
  await report('n3');
  proxy.mend();
  await until('n3');
  assert.deepEqual([...told], ['n2', 'n3']);
});
