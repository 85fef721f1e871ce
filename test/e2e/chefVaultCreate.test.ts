// What chef-vault's users do when they make items; docs/coming-from-chef-vault.md stands beside it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { ALL_NODES, NODES, nodesQuery, openChefVaultScene, SECRET, type ChefVaultScene } from '../scripts/chefVaultScene.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';

const create = (query: string, ...flags: string[]): string[] => ['create', 'item', 'test', 'item', '--from', '-', '--search', query, ...flags];
const values = { input: JSON.stringify({ foo: SECRET }) };

describe('chef-vault: create', () => {
  let scene: ChefVaultScene;
  before(async () => { scene = await openChefVaultScene(); });
  afterEach(() => scene.reset());
  after(() => scene.close());

  it('all known nodes of the search become clients', async () => {
    const { gained } = await scene.create(ALL_NODES, '--admins', 'alice');
    assert.deepEqual(gained.map(({ role, name }) => `${role} ${name}`), ['admin alice', 'client one', 'client three', 'client two']);
    await scene.assertOpensFor(...NODES);
  });

  it('where no node has a key, nothing is made unless told, and each is named', async () => {
    for (const name of ['two', 'three']) await scene.remove('clients', `${name}.json`);
    const { nodes } = await scene.world.refused('node-unsealable', create(nodesQuery('two', 'three')), values);
    assert.deepEqual((nodes as { name: string }[]).map(({ name }) => name).sort(), ['three', 'two']);
    const end = await scene.world.run(create(nodesQuery('two', 'three'), '--skip-unsealable'), values);
    assert.equal(end.exitCode, 0, describeEnd(end));
    for (const name of ['two', 'three']) assert.match(end.stderr, new RegExp(`^warning: ${name} `, 'm'));
    assert.deepEqual((await scene.recipients()).clients, []);
    await scene.assertOpensFor();
  });

  it('nodes without a key among others are left out only when told', async () => {
    await scene.remove('clients', 'three.json');
    await scene.world.refused('node-unsealable', create(ALL_NODES), values);
    await scene.create(ALL_NODES, '--skip-unsealable');
    assert.deepEqual((await scene.recipients()).clients, ['one', 'two']);
    await scene.assertOpensFor('one', 'two');
  });

  it('a name in the search that no node has is no client', async () => {
    await scene.create(nodesQuery('one', 'two', 'four'));
    assert.deepEqual((await scene.recipients()).clients, ['one', 'two']);
    await scene.assertOpensFor('one', 'two');
  });

  it('admins who are given are admins, the others are not', async () => {
    await scene.create(nodesQuery('one', 'two', 'four'), '--admins', 'alice');
    assert.deepEqual(await scene.recipients(), { admins: ['alice'], clients: ['one', 'two'] });
    await scene.world.refused('not-a-recipient', ['decrypt', 'test', 'item', '--identity', scene.bob]);
  });

  it('an unknown admin is an error, and nothing is written', async () => {
    await scene.world.refused('party-not-found', create(ALL_NODES, '--admins', 'alice,carol'), values);
    await scene.world.refused('item-not-found', ['show', 'test', 'item']);
  });

  it('each party has one entry of its own, of the same length', async () => {
    await scene.create(ALL_NODES);
    const keys = JSON.parse(await readFile(join(scene.world.repository, 'data_bags', 'test', 'item_keys.json'), 'utf8')) as Record<'admins' | 'clients', { name: string; sealed_key: string }[]>;
    const entries = [...keys.admins, ...keys.clients];
    assert.deepEqual(entries.map(({ name }) => name), ['alice', 'bob', 'one', 'three', 'two']);
    assert.deepEqual([...new Set(entries.map(({ sealed_key: key }) => key.length))], [150]);
  });

  it('values whose id is not the item\'s name are refused, with both names', async () => {
    const { message } = await scene.world.refused('input-invalid', create(ALL_NODES), { input: JSON.stringify({ id: 'eyetem', foo: SECRET }) });
    for (const name of ['eyetem', 'item']) assert.ok(String(message).includes(`"${name}"`));
  });

  it('wildcards in node names select as on a Chef server', async () => {
    await scene.create('name:t*');
    assert.deepEqual((await scene.recipients()).clients, ['three', 'two']);
    for (const [query, clients] of [['name:t?o', ['two']], ['name:*e', ['one', 'three']], ['name:*', ['files01', 'one', 'three', 'two']]] as const) {
      await scene.change('update', 'test', 'item', '--search', query, '--yes');
      assert.deepEqual((await scene.recipients()).clients, clients, query);
    }
  });

  it('a search that selects nobody makes nothing', async () => {
    await scene.world.refused('query-selects-nobody', create('name:four'), values);
    await scene.create('name:four', '--allow-empty');
    assert.deepEqual((await scene.recipients()).clients, []);
  });
});
