import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { encodeRequest, requestId, signRequest } from '../../src/joining/request.ts';
import { parseToken, tokenIdentity } from '../../src/joining/token.ts';
import type { FleetNode } from '../../test/scripts/simulatedAgent.ts';
import type { FleetRepository } from './repository.ts';

/** `vault refresh --watch`, as a process of its own. */
export interface RefresherProcess {
  /** Resident memory, in MiB. */
  memory(): number;
  /** Waits for it. @returns milliseconds @throws Error where the refresher ended, or it took five minutes */
  until(what: string, done: () => Promise<boolean> | boolean): Promise<number>;
  logged(type: string): boolean;
  stop(): void;
}

const MOST_MS = 300_000;

/** @param flags of the command */
export function startRefresher({ vault }: FleetRepository, ...flags: readonly string[]): RefresherProcess {
  const { argv: [program, ...args], env } = vault('refresh', '--watch', ...flags);
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { log += text; });
  return {
    memory: () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(child.pid)}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    async until(what, done) {
      const start = performance.now();
      while (!await done()) {
        if (performance.now() - start > MOST_MS || child.exitCode !== null) throw new Error(`${what} did not happen: ${log.slice(-2000)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return performance.now() - start;
    },
    logged: (type) => log.includes(`"type":"${type}"`),
    stop() { child.kill('SIGTERM'); },
  };
}

/** Makes requests to join by a token, as `vault agent join` does. @returns files them, by the place of the node */
export function makeRequests({ joining }: EtcdStore, repository: string, line: string, nodes: readonly FleetNode[]): (() => Promise<void>)[] {
  const token = parseToken(line);
  const proof = tokenIdentity(token);
  return nodes.map(({ name, identity }) => {
    const signed = signRequest({ repository, invitation: token.invitation, name, time: new Date() }, identity, proof);
    const [id, bytes] = [requestId(signed.request), encodeRequest(signed)];
    return async () => { await joining.fileRequest(name, id, bytes); };
  });
}
