import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { AgentStatus } from '../../src/agent/status.ts';
import { followLog, type ProcessLog } from './processLog.ts';
import { openRepositoryScene, succeed, type RepositoryScene } from './repositoryScene.ts';
import type { Finished } from './vaultProcess.ts';

/** An agent that runs, as a process of its own. */
export interface RunningAgent extends ProcessLog {
  readonly pid: number;
  status(): Promise<AgentStatus>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it with SIGTERM; it must end well. */
  stop(): Promise<Finished>;
  readonly finished: Promise<Finished>;
}

/** A {@link RepositoryScene} with the node `n1`, role `web`, whose identity the agent has. */
export interface AgentScene extends RepositoryScene {
  /** n1's identity file. */
  readonly node: string;
  /** Fingerprint of the roster's version 1. */
  readonly roster: string;
  /** Creates `vault/ITEM` for role `web`, or gives it new values. */
  put(item: string, fields: Readonly<Record<string, unknown>>): Promise<void>;
  /** Writes a configuration over one that follows the repository: its folder, polled every 100 ms, or its etcd. @returns its path */
  configure(more?: Readonly<Record<string, unknown>>, name?: string): Promise<string>;
  /** Starts `vault agent run`, or `exec` with those arguments, with a configuration that {@link configure} wrote; it is killed when the scene is closed. */
  agent(config: string, options?: { readonly exec?: readonly string[]; readonly variables?: Readonly<Record<string, string>>; readonly nodeOptions?: readonly string[] }): RunningAgent;
}

/** Where a scene's repository is, and where its agents read it, if that is an etcd. */
export interface EtcdPlace {
  readonly endpoints: readonly string[];
  readonly prefix: string;
}

/** @param etcd the repository is there, and {@link AgentScene.configure} names it as the source */
export async function openAgentScene(etcd?: EtcdPlace): Promise<AgentScene> {
  const scene = await openRepositoryScene(etcd === undefined ? {} : { init: [...etcd.endpoints.flatMap((each) => ['--etcd', each]), '--etcd-prefix', etcd.prefix] });
  const { at } = scene;
  await scene.addNode('n1', 'web');
  const { fingerprint } = JSON.parse((await succeed(scene.vault('admin', 'list', '--json'))).stdout) as { fingerprint: string };
  const items = new Set<string>();
  const running: RunningAgent[] = [];
  return {
    ...scene,
    node: at('config', 'n1'),
    roster: fingerprint,
    async put(item, fields) {
      const values = at('config', 'values.json');
      await writeFile(values, JSON.stringify(fields));
      const flags = ['vault', item, '--from', values, '--yes', '--json'];
      await succeed(items.has(item) ? scene.vault('update', ...flags) : scene.vault('create', 'item', ...flags.filter((flag) => flag !== '--yes'), '--search', 'role:web'));
      items.add(item);
    },
    async configure(more = {}, name = 'agent.json') {
      const path = at('config', name);
      const configuration = {
        identity: at('config', 'n1'), roster: fingerprint, source: etcd === undefined ? { type: 'folder', path: scene.repository, poll: '100ms' } : { type: 'etcd', ...etcd },
        state_directory: at('state', 'agent'), runtime_directory: at('files', 'run'), log: { level: 'debug', format: 'json' }, ...more,
      };
      await writeFile(path, JSON.stringify(configuration), { mode: 0o600 });
      return path;
    },
    agent(config, options = {}) {
      const { child, finished } = scene.start(options.exec === undefined ? ['agent', 'run', '--config', config] : ['agent', 'exec', '--config', config, ...options.exec], options);
      assert.ok(child.pid !== undefined);
      const agent: RunningAgent = {
        pid: child.pid, finished, ...followLog('agent', child.stderr, finished),
        async status() {
          await agent.logged('started');
          return await ask<AgentStatus>(at('files', 'run', 'agent.sock'), '/v1/status');
        },
        signal: (signal) => { child.kill(signal); },
        async stop() {
          child.kill('SIGTERM');
          return await succeed(finished);
        },
      };
      running.push(agent);
      return agent;
    },
    async close() {
      for (const each of running) each.signal('SIGKILL');
      await Promise.all(running.map((each) => each.finished));
      await scene.close();
    },
  };
}

/** Asks an agent over its socket, and expects an answer. */
async function ask<T>(socketPath: string, path: string): Promise<T> {
  return await new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, (response) => {
      if (response.statusCode === 200) json(response).then((value) => { resolve(value as T); }, reject);
      else reject(new Error(`status ${String(response.statusCode)}`));
    }).on('error', reject).end();
  });
}
