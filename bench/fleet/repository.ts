import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { newNodeDocuments } from '../../src/operations/nodes.ts';
import { parseIdentity, generateSeed, identityFromSeed, type Identity } from '../../src/sealing/identity.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import type { EtcdCluster } from '../../test/scripts/etcdCluster.ts';
import type { FleetNode } from '../../test/scripts/simulatedAgent.ts';
import { output, type Command } from '../processes.ts';
import type { Scene } from '../scene.ts';

/** A repository below a prefix of its own in an etcd. */
export interface FleetRepository {
  readonly root: string;
  readonly prefix: string;
  readonly store: EtcdStore;
  readonly admin: Identity;
  vault(...args: readonly string[]): Command;
  /** What etcd was sent so far, in bytes, and how many keys were written. */
  written(): Promise<{ readonly bytes: number; readonly puts: number }>;
  close(): void;
}

export async function makeFleetRepository(scene: Scene, cluster: EtcdCluster, name: string): Promise<FleetRepository> {
  const root = join(scene.folder, name);
  const prefix = `/${name}/`;
  const { argv: [program], env = {} } = scene.vault(scene.node);
  const variables = { ...env, VAULT_REPOSITORY: root };
  const vault = (...args: readonly string[]): Command => ({ argv: [program, 'bin/run.js', ...args], env: variables });
  output(vault('init', root, '--admin', 'admin', '--quiet', ...cluster.endpoints.flatMap((endpoint) => ['--etcd', endpoint]), '--etcd-prefix', prefix));
  const store = openEtcdStore(root, { endpoints: cluster.endpoints, prefix, user: undefined, tls: { ca: undefined, certificate: undefined, key: undefined } });
  const identity = join(scene.folder, 'config/iam-vault/identity');
  return {
    root, prefix, store, vault, admin: await parseIdentity(readFileSync(identity, 'utf8'), identity),
    async written() {
      const found = { bytes: 0, puts: 0 };
      for (const endpoint of cluster.endpoints) {
        const text = await (await fetch(`${endpoint}/metrics`)).text();
        found.bytes += metric(text, 'etcd_network_client_grpc_received_bytes_total');
        found.puts = Math.max(found.puts, metric(text, 'etcd_mvcc_put_total') || metric(text, 'etcd_debugging_mvcc_put_total'));
      }
      return found;
    },
    close: () => { store.close(); },
  };
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? 0);
}

export function makeNode(name: string): FleetNode {
  return { name, identity: identityFromSeed(generateSeed()) };
}

/** Puts nodes with that role into the inventory, as `vault node add` does. */
export async function addNodes({ store }: FleetRepository, nodes: readonly FleetNode[], role: string): Promise<void> {
  const limit = pLimit(32);
  await Promise.all(nodes.map(({ name, identity: { publicKey, signingKey } }) => limit(async () => {
    const { node, client } = newNodeDocuments({ name, publicKey, signingKey }, { chef_environment: '_default', run_list: [`role[${role}]`], normal: {} });
    await store.writeInventory('clients', name, client);
    await store.writeInventory('nodes', name, node);
  })));
}
