import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addColleague } from './colleagues.ts';
import { ONE, openWorld, type World } from './cliWorld.ts';
import { describeEnd } from './vaultProcess.ts';
import { succeed } from './vaultScene.ts';

/** The one secret of the scenarios. */
export const SECRET = 'PLANTED-chef-5b1f07c2';

export const NODES = ['one', 'two', 'three'] as const;
export const ALL_NODES = nodesQuery(...NODES);

/** A query for nodes by name, as chef-vault's scenarios write it. */
export function nodesQuery(...names: readonly string[]): string {
  return names.map((name) => `name:${name}`).join(' OR ');
}

/** What a command reports of one item. */
export interface Change {
  readonly action: string;
  readonly gained: readonly { readonly role: string; readonly name: string }[];
  readonly lost: readonly { readonly role: string; readonly name: string; readonly reason: string }[];
  readonly unknown: readonly string[];
}

export type ChangingCommand = 'create item' | 'update' | 'refresh' | 'remove' | 'rotate keys';

/** A repository with the admins alice, who works, and bob, and the nodes one, two and three; what every scenario of chef-vault begins with. */
export interface ChefVaultScene {
  readonly world: World;
  /** Identity file of bob. */
  readonly bob: string;
  /** Makes test/item for what a query selects; nothing is taken from it where `query` is empty. */
  create(query: string, ...flags: string[]): Promise<Change>;
  /** Runs a command on test/item (or, without `item`, as it stands) that changes one item. */
  change(command: ChangingCommand, ...flags: string[]): Promise<Change>;
  /** Who can open test/item, by name. */
  recipients(): Promise<{ readonly admins: readonly string[]; readonly clients: readonly string[] }>;
  /** That these nodes can open test/item, and the others cannot. */
  assertOpensFor(...nodes: readonly string[]): Promise<void>;
  /** Takes away a client document, a node object, or any other document: what somebody does behind the tool's back. */
  remove(...path: readonly string[]): Promise<void>;
  /** Everything as it was at first. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openChefVaultScene(): Promise<ChefVaultScene> {
  const world = await openWorld({ accounts: [ONE] });
  world.secrets.add(SECRET);
  const bob = await addColleague(world, 'bob');
  await world.result('admin add', ['admin', 'add', 'bob', '--file', bob.keyFile]);
  for (const name of NODES) await world.addNode(name);
  const PARTS = ['repository', 'state'] as const;
  for (const part of PARTS) await cp(world.at(part), world.at('fresh', part), { recursive: true });

  const changeOf = (result: Record<string, unknown>): Change => {
    const [change, ...more] = result['items'] as Change[];
    assert.ok(change !== undefined && more.length === 0, 'one item');
    return change;
  };
  return {
    world,
    bob: join(bob.variables['XDG_CONFIG_HOME'] ?? '', 'iam-vault', 'identity'),
    create: async (query, ...flags) => changeOf(await world.result('create item', [
      'create', 'item', 'test', 'item', '--from', '-', ...(query === '' ? [] : ['--search', query]), ...flags,
    ], { input: JSON.stringify({ foo: SECRET }) })),
    change: async (command, ...flags) => changeOf(await world.result(command, [...command.split(' '), ...flags])),
    async recipients() {
      const { admins, clients } = await world.result('show', ['show', 'test', 'item']);
      return { admins: admins as string[], clients: clients as string[] };
    },
    async assertOpensFor(...nodes) {
      await Promise.all(NODES.map(async (name) => {
        const args = ['decrypt', 'test', 'item', 'foo', '--identity', world.at('keys', name)];
        if (nodes.includes(name)) assert.deepEqual(JSON.parse((await succeed(world.run(args))).stdout), SECRET, name);
        else {
          const end = await world.run(args);
          assert.equal(end.exitCode, 4, `${name}: ${describeEnd(end)}`);
        }
      }));
    },
    remove: (...path) => rm(join(world.repository, ...path)),
    async reset() {
      for (const part of PARTS) {
        await rm(world.at(part), { recursive: true, force: true });
        await cp(world.at('fresh', part), world.at(part), { recursive: true });
      }
    },
    close: () => world.close(),
  };
}
