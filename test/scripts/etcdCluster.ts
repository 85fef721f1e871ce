import assert from 'node:assert/strict';
import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openMemberNetwork, type CutFrom, type MemberNetwork } from './memberNetwork.ts';

/** One process of etcd. */
export interface Member {
  readonly endpoint: string;
  /** Whether its process is there. */
  readonly isRunning: boolean;
  /** SIGKILL, as a crash; resolves when it is gone. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Starts it again, with its data. */
  start(): Promise<void>;
  /** Of a cluster with namespaces: packets to it and of it vanish. */
  cutOff(from: CutFrom): Promise<void>;
  /** After it was cut off. */
  joinAgain(): Promise<void>;
}

/** A real etcd on free ports of this machine, in a temporary directory; in memory where that can be, for etcd waits for the disk at each write. */
export interface EtcdCluster {
  readonly members: readonly Member[];
  readonly endpoints: readonly string[];
  readonly directory: string;
  /** Flags by which a data directory is made for these members. */
  readonly bootstrap: readonly string[];
  /** Runs etcdctl to its end; it succeeds. @returns what it printed */
  etcdctl(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

export interface EtcdOptions {
  readonly members?: number;
  /** Each member in a network namespace of its own, and reached from this process; only root may: see {@link whyNoNetwork}. */
  readonly namespaces?: boolean;
  readonly flags?: readonly string[];
  /** Directory of certificates, which etcd is then started with: `ca.pem`, `server.pem`, `server-key.pem`. */
  readonly certificates?: string | undefined;
  /** Name of a certificate in there, `NAME.pem` and `NAME-key.pem`, by which etcdctl asks. */
  readonly clientCertificate?: string | undefined;
  /** Data directory to start from, of a single member. */
  readonly data?: string | undefined;
}

const run = promisify(execFile);

/** Every etcd that this process started, so that none is left whatever happens. */
const running = new Set<ChildProcess>();
process.on('exit', () => { for (const each of running) each.kill('SIGKILL'); });

export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdCluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnFreePorts(options);
    } catch (error) {
      // Between looking for a port and listening on it, somebody else may have taken it.
      if (attempt === 3 || !(error instanceof EndedEarly)) throw error;
    }
  }
}

class EndedEarly extends Error {}

async function startOnFreePorts(options: EtcdOptions): Promise<EtcdCluster> {
  const network = options.namespaces === true ? await openMemberNetwork(options.members ?? 1) : undefined;
  try {
    return await startIn(network, options);
  } catch (error) {
    await network?.close();
    throw error;
  }
}

async function startIn(network: MemberNetwork | undefined, { members: count = 1, flags = [], certificates, clientCertificate, data }: EtcdOptions): Promise<EtcdCluster> {
  const directory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'iam-vault-etcd-'));
  const scheme = certificates === undefined ? 'http' : 'https';
  const ports = await freePorts(count * 2);
  const places = Array.from({ length: count }, (_, i) => ({
    name: `m${String(i)}`, client: `${scheme}://${network?.places[i]?.client ?? '127.0.0.1'}:${String(ports[2 * i])}`, peer: `http://${network?.places[i]?.peer ?? '127.0.0.1'}:${String(ports[2 * i + 1])}`,
  }));
  const initialCluster = places.map((each) => `${each.name}=${each.peer}`).join(',');
  const tls = certificates === undefined ? [] : ['--cert-file', join(certificates, 'server.pem'), '--key-file', join(certificates, 'server-key.pem')];
  const members: Member[] = places.map(({ name, client, peer }, index) => {
    let child: ChildProcess | undefined;
    return {
      endpoint: client,
      get isRunning() { return child !== undefined && child.exitCode === null && child.signalCode === null; },
      async start() {
        const [program, ...args] = [...network?.command(index) ?? [], 'etcd'];
        const started = spawn(program, [
          ...args, '--name', name, '--data-dir', data ?? join(directory, name), '--listen-client-urls', client, '--advertise-client-urls', client,
          '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', initialCluster,
          '--initial-cluster-token', directory, '--heartbeat-interval', '50', '--election-timeout', '500', '--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'error', ...tls, ...flags,
        ], { stdio: 'ignore', env: { PATH: process.env['PATH'], GOMAXPROCS: '1' } });
        child = started;
        running.add(started);
        started.once('exit', () => running.delete(started));
        await once(started, 'spawn');
      },
      async kill() {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      },
      signal(signal) { child?.kill(signal); },
      async cutOff(from) {
        assert.ok(network !== undefined, 'no namespaces');
        await network.cutOff(index, from);
      },
      async joinAgain() { await network?.joinAgain(index); },
    };
  });
  const endpoints = places.map(({ client }) => client);
  const cluster: EtcdCluster = {
    members, endpoints, directory,
    bootstrap: ['--initial-cluster', initialCluster, '--initial-advertise-peer-urls', places[0]?.peer ?? '', '--initial-cluster-token', directory],
    async etcdctl(...args) {
      const ca = certificates === undefined ? [] : ['--cacert', join(certificates, 'ca.pem')];
      if (certificates !== undefined && clientCertificate !== undefined) ca.push('--cert', join(certificates, `${clientCertificate}.pem`), '--key', join(certificates, `${clientCertificate}-key.pem`));
      const { stdout } = await run('etcdctl', ['--endpoints', endpoints.join(','), ...ca, ...args], { maxBuffer: 64 << 20, env: { PATH: process.env['PATH'], ETCDCTL_API: '3' } });
      return stdout;
    },
    async close() {
      await Promise.all(members.map((member) => member.kill()));
      await network?.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  await Promise.all(members.map((member) => member.start()));
  try {
    await untilHealthy(cluster, endpoints, () => { if (members.some((member) => !member.isRunning)) throw new EndedEarly('etcd ended when it was started'); });
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/** Waits until each member that runs takes writes. */
export async function untilHealthy({ endpoints, etcdctl }: EtcdCluster, only: readonly string[] = endpoints, check: () => void = () => undefined): Promise<void> {
  let last: unknown;
  for (let attempt = 0; attempt < 100; attempt++) {
    check();
    try {
      await etcdctl('--endpoints', only.join(','), 'endpoint', 'health');
      return;
    } catch (error) {
      last = error;
      // etcdctl asks for five seconds what does not answer; one that refuses, it gives up at once.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  assert.fail(`etcd does not become healthy: ${String(last)}`);
}

/** Ports that nobody listens on now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }));
  return await Promise.all(servers.map(async (server) => {
    const address = server.address();
    server.close();
    await once(server, 'close');
    assert.ok(typeof address === 'object' && address !== null);
    return address.port;
  }));
}
