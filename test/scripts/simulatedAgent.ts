import { openFollower, type Follower } from '../../src/agent/following/follower.ts';
import { openMemory } from '../../src/agent/following/memory.ts';
import { etcdSource } from '../../src/agent/sources/etcd.ts';
import type { AgentEvent } from '../../src/agent/events.ts';
import type { ItemRef } from '../../src/sealing/dataKey.ts';
import type { Identity } from '../../src/sealing/identity.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { memoryState } from './memoryState.ts';

export interface FleetNode {
  readonly name: string;
  readonly identity: Identity;
}

/** An agent's own code, without its process: a connection, a watch, verification and opening of its own; what it delivers is told, and put nowhere. */
export interface SimulatedAgent {
  readonly node: FleetNode;
  readonly follower: Follower;
  /** Generations that were delivered of each item, in order. */
  readonly delivered: Map<string, number[]>;
  stop(): Promise<void>;
}

export interface AgentOptions {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  /** Fingerprint of the roster. */
  readonly roster: string;
  readonly refs: readonly ItemRef[];
  readonly told: (agent: SimulatedAgent, ref: ItemRef, generation: number) => void;
  readonly report?: (event: AgentEvent) => void;
}

/** Starts an agent; resolves when it has looked at everything once. */
export async function startSimulatedAgent(node: FleetNode, { endpoints, prefix, roster, refs, told, report = () => undefined }: AgentOptions): Promise<SimulatedAgent> {
  const store: EtcdStore = openEtcdStore(`node ${node.name}`, { endpoints: shuffled(endpoints), prefix, user: undefined, tls: { ca: undefined, certificate: undefined, key: undefined } });
  const source = etcdSource({ store: store.live ?? store, reader: node.identity.publicKey.fingerprint, pollMs: 300_000 });
  const memory = openMemory({ roster, state: memoryState('state'), witness: memoryState('witness'), report });
  const delivered = new Map<string, number[]>();
  const follower = openFollower({ roster, source, identity: node.identity, memory, refs, report, now: () => new Date() }, (contents) => {
    for (const { vault, item, generation } of contents) {
      const list = delivered.get(`${vault}/${item}`) ?? [];
      delivered.set(`${vault}/${item}`, list);
      list.push(generation);
      told(agent, { vault, item }, generation);
    }
  });
  const agent: SimulatedAgent = {
    node, follower, delivered,
    async stop() {
      await follower.stop();
      store.close();
    },
  };
  follower.start();
  await follower.refresh();
  return agent;
}

function shuffled<T>(values: readonly T[]): T[] {
  return values.map((value) => ({ value, at: Math.random() })).sort((a, b) => a.at - b.at).map(({ value }) => value);
}
