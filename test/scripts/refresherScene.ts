import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { openWorld, type World } from './cliWorld.ts';
import { startEtcd, type EtcdCluster } from './etcdCluster.ts';
import { describeEnd, type Finished } from './vaultProcess.ts';

export interface RefresherLine { readonly type: string; readonly level: string; readonly [member: string]: unknown }

/** A refresher that runs, as a process of its own. */
export interface RunningRefresher {
  readonly pid: number;
  readonly log: readonly RefresherLine[];
  /** The first line of that type that `fits`, from the `from`-th line on; waits for it, and fails if the process ends before. */
  logged(type: string, fits?: (line: RefresherLine) => boolean, from?: number): Promise<RefresherLine>;
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
      const log: RefresherLine[] = [];
      assert.ok(child.stderr);
      const lines = createInterface({ input: child.stderr });
      lines.on('line', (line) => { log.push(JSON.parse(line) as RefresherLine); });
      let end: Finished | undefined;
      void finished.then((how) => {
        end = how;
        lines.emit('line', JSON.stringify({ type: 'ended' }));
      });
      const refresher: RunningRefresher = {
        pid: child.pid ?? 0, log, finished,
        logged: (type, fits = () => true, from = 0) => new Promise((resolve, reject) => {
          const look = (): void => {
            const found = log.slice(from).find((line) => line.type === type && fits(line));
            if (found === undefined && end === undefined) return;
            lines.off('line', look);
            if (found !== undefined) resolve(found);
            else reject(new assert.AssertionError({ message: `the refresher ended before it logged ${type}: ${describeEnd(end ?? assert.fail())}\n${JSON.stringify(log, undefined, 1)}` }));
          };
          lines.on('line', look);
          look();
        }),
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
