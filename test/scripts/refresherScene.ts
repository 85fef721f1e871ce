import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { openWorld, type World } from './cliWorld.ts';
import { startEtcd, type EtcdCluster } from './etcdCluster.ts';
import { followLog, type ProcessLog } from './processLog.ts';
import { describeEnd, type Finished } from './vaultProcess.ts';

/** A refresher that runs, as a process of its own. */
export interface RunningRefresher extends ProcessLog {
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** Ends it with SIGTERM; it must end well. */
  stop(): Promise<Finished>;
  readonly finished: Promise<Finished>;
}

/** A repository in a real etcd, with the admin alice and a refresher on the roster. */
export interface RefresherScene {
  readonly etcd: EtcdCluster;
  readonly world: World;
  readonly prefix: string;
  /** The refresher's identity. */
  readonly identity: string;
  policy(members: object): Promise<void>;
  refresher(): RunningRefresher;
  /** A node that an admin approved. @returns its identity file */
  approvedNode(name: string, role?: string): Promise<string>;
  close(): Promise<void>;
}

export async function openRefresherScene({ members = 1 }: { readonly members?: number } = {}): Promise<RefresherScene> {
  const etcd = await startEtcd({ members });
  const world = await openWorld({ empty: true });
  const prefix = '/iam-vault/refresher/';
  await world.result('init', ['init', 'repository', '--admin', 'alice', ...etcd.endpoints.flatMap((url) => ['--etcd', url]), '--etcd-prefix', prefix], { cwd: world.directory });
  const { file: identity } = await world.key('refresher');
  const shown = await world.run(['key', 'show', '--identity', identity, '--json']);
  await world.write('refresher-key.json', shown.stdout);
  await world.result('admin add', ['admin', 'add', 'refresher', '--file', world.at('refresher-key.json'), '--refresher', '--yes']);
  const policyFile = world.at('refresher.json');
  await writeFile(policyFile, JSON.stringify({ lease: '2s' }));
  const running: RunningRefresher[] = [];
  return {
    etcd, world, prefix, identity,
    policy: (members) => writeFile(policyFile, JSON.stringify({ lease: '2s', ...members })),
    async approvedNode(name, role = 'web') {
      const file = await world.addNode(name, '--role', role);
      await world.result('node approve', ['node', 'approve', name, '--yes']);
      return file;
    },
    refresher() {
      const { child, finished } = world.start(['refresh', '--watch', '--identity', identity, '--policy', policyFile]);
      const refresher: RunningRefresher = {
        pid: child.pid ?? 0, finished, ...followLog('refresher', child.stderr, finished),
        signal: (signal) => { child.kill(signal); },
        async stop() {
          child.kill('SIGTERM');
          const how = await finished;
          assert.equal(how.exitCode, 0, describeEnd(how));
          return how;
        },
      };
      running.push(refresher);
      return refresher;
    },
    async close() {
      for (const { pid } of running) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended.
        }
      }
      await Promise.all(running.map(({ finished }) => finished));
      await world.close();
      await etcd.close();
    },
  };
}
