// What chef-vault's users do with items that are there: update, refresh, remove and rotate, with cleaning and without;
// docs/coming-from-chef-vault.md stands beside it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { ALL_NODES, NODES, nodesQuery, openChefVaultScene, type Change, type ChefVaultScene } from '../scripts/chefVaultScene.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

const CLEAN = ['--clean-unknown', '--yes'] as const;
const named = (names: readonly string[]): string[] => ['--clients', names.join(',')];
const codesOf = (items: unknown): string[] => (items as { error: { code: string } }[]).map(({ error }) => error.code);
const lostOf = ({ lost }: Change): string[] => lost.map(({ name, reason }) => `${name} ${reason}`);

let scene: ChefVaultScene;
before(async () => { scene = await openChefVaultScene(); });
afterEach(() => scene.reset());
after(() => scene.close());

describe('chef-vault: update', () => {
  it('adding an admin leaves the content as it was, and both can open it', async () => {
    await scene.create(ALL_NODES, '--admins', 'alice');
    const item = join(scene.world.repository, 'data_bags', 'test', 'item.json');
    const before = await readFile(item, 'utf8');
    const { action } = await scene.change('update', 'test', 'item', '--admins', 'bob');
    assert.equal(action, 'extended');
    assert.deepEqual((await scene.recipients()).admins, ['alice', 'bob']);
    for (const identity of [scene.world.admin, scene.bob]) await succeed(scene.world.run(['decrypt', 'test', 'item', '--identity', identity]));
    assert.equal(await readFile(item, 'utf8'), before);
  });

  it('another search takes in its nodes; who is named stays', async () => {
    await scene.create(nodesQuery('one', 'two'));
    const change = await scene.change('update', 'test', 'item', '--search', nodesQuery('two', 'three'), ...named(['one']));
    assert.deepEqual(change.lost, []);
    assert.deepEqual((await scene.recipients()).clients, ['one', 'three', 'two']);
    await scene.assertOpensFor(...NODES);
  });

  it('another search takes the others out, after a question', async () => {
    await scene.create(nodesQuery('one', 'two'));
    const update = ['update', 'test', 'item', '--search', nodesQuery('two', 'three')];
    await scene.world.refused('confirmation-needed', update);
    assert.deepEqual(lostOf(await scene.change('update', ...update.slice(1), '--yes')), ['one not-selected']);
    assert.deepEqual((await scene.recipients()).clients, ['three', 'two']);
    await scene.assertOpensFor('two', 'three');
  });

  it('cleaning with an update takes out who is gone, and nobody else', async () => {
    await scene.create(nodesQuery('one', 'two'), ...named(['three']));
    await scene.remove('clients', 'one.json');
    assert.deepEqual(lostOf(await scene.change('update', 'test', 'item', ...named(['three']), ...CLEAN)), ['one unknown']);
    await scene.assertOpensFor('two', 'three');
  });
});

describe('chef-vault: refresh', () => {
  it('a client that is gone stays until cleaning is asked for, and is told', async () => {
    await scene.create(ALL_NODES);
    await scene.remove('clients', 'one.json');
    const { action, unknown } = await scene.change('refresh', 'test', 'item');
    assert.deepEqual([action, unknown], ['unchanged', ['one']]);
    assert.deepEqual((await scene.recipients()).clients, ['one', 'three', 'two']);
    await scene.assertOpensFor(...NODES);
  });

  it('with cleaning it goes, which is printed', async () => {
    await scene.create(ALL_NODES);
    await scene.remove('clients', 'one.json');
    await scene.world.refused('confirmation-needed', ['refresh', 'test', 'item', '--clean-unknown']);
    const { stdout } = await succeed(scene.world.run(['refresh', 'test', 'item', ...CLEAN]));
    assert.match(stdout, /^ {2}- node +one /m);
    assert.deepEqual((await scene.recipients()).clients, ['three', 'two']);
    await scene.assertOpensFor('two', 'three');
  });

  it('a node whose key was made anew is not missed: it is sealed to once the key is accepted', async () => {
    await scene.create(ALL_NODES);
    const { file, line } = await scene.world.key('one-again');
    await scene.world.result('node add', ['node', 'add', 'one', '--key', line, '--force']);
    await scene.world.refused('recipient-key-changed', ['decrypt', 'test', 'item', '--identity', file]);
    await scene.world.refused('key-changed', ['refresh', 'test', 'item', '--yes']);
    await scene.change('refresh', 'test', 'item', '--accept-key', 'one', '--yes');
    await succeed(scene.world.run(['decrypt', 'test', 'item', '--identity', file]));
    await scene.assertOpensFor('two', 'three');
  });

  it('a search that has come to select nobody is not applied', async () => {
    await scene.create('name:one AND chef_environment:_default');
    await scene.world.write('repository/nodes/one.json', JSON.stringify({ name: 'one', chef_environment: 'production' }));
    const { items } = await scene.world.result('refresh', ['refresh', 'test', 'item', '--yes'], { exitCode: 3 });
    assert.deepEqual(codesOf(items), ['query-selects-nobody']);
    await scene.assertOpensFor('one');
  });

  it('a node that matches and has no key is named, once for all items', async () => {
    await scene.create('name:o*');
    await scene.world.result('create item', ['create', 'item', 'test', 'other', '--from', '-', '--search', 'name:o*'], { input: '{}' });
    await scene.world.write('repository/nodes/other.json', JSON.stringify({ name: 'other' }));
    const { items } = await scene.world.result('refresh', ['refresh', 'test'], { exitCode: 3 });
    assert.deepEqual(codesOf(items), ['node-unsealable', 'node-unsealable']);
    const end = await scene.world.run(['refresh', 'test', '--skip-unsealable']);
    assert.equal(end.exitCode, 0, describeEnd(end));
    assert.equal(end.stderr.split('\n').filter((text) => text.startsWith('warning: other is left out')).length, 1);
  });
});

describe('chef-vault: cleaning out unknown clients', () => {
  it('on removing a client', async () => {
    await scene.create('', ...named(NODES));
    await scene.remove('clients', 'one.json');
    const { items } = await scene.world.result('remove', ['remove', 'test', 'item', ...named(['two']), '--yes'], { exitCode: 3 });
    assert.deepEqual(codesOf(items), ['recipient-unknown']);
    const change = await scene.change('remove', 'test', 'item', ...named(['two']), ...CLEAN);
    assert.deepEqual(lostOf(change).sort(), ['one unknown', 'two excluded']);
    assert.deepEqual((await scene.recipients()).clients, ['three']);
    await scene.assertOpensFor('three');
  });

  it('a client that the search selects is not removed by name: the next refresh would take it in again', async () => {
    await scene.create(ALL_NODES);
    await scene.world.refused('recipient-selected', ['remove', 'test', 'item', ...named(['two']), '--yes']);
  });

  it('on rotating one item, which without it changes nothing', async () => {
    await scene.create(ALL_NODES);
    await scene.remove('clients', 'one.json');
    const { items } = await scene.world.result('rotate keys', ['rotate', 'keys', 'test', 'item'], { exitCode: 3 });
    assert.deepEqual(codesOf(items), ['recipient-unknown']);
    assert.deepEqual((await scene.recipients()).clients, ['one', 'three', 'two']);
    assert.deepEqual(lostOf(await scene.change('rotate keys', 'test', 'item', ...CLEAN)), ['one unknown']);
    assert.deepEqual((await scene.recipients()).clients, ['three', 'two']);
    await scene.assertOpensFor('two', 'three');
  });

  it('on rotating all items', async () => {
    await scene.create(ALL_NODES);
    for (const name of ['one', 'two']) await scene.remove('clients', `${name}.json`);
    const { stdout } = await succeed(scene.world.run(['rotate', 'keys', '--all', ...CLEAN]));
    for (const name of ['one', 'two']) assert.match(stdout, new RegExp(`^ {2}- node +${name} `, 'm'));
    assert.deepEqual((await scene.recipients()).clients, ['three']);
    await scene.assertOpensFor('three');
  });

  it('where the node is gone while its client is still there, which a refresh tells', async () => {
    await scene.create(ALL_NODES);
    await scene.remove('nodes', 'one.json');
    assert.deepEqual((await scene.change('refresh', 'test', 'item')).unknown, ['one']);
    assert.deepEqual(lostOf(await scene.change('rotate keys', 'test', 'item', ...CLEAN)), ['one unknown']);
    assert.deepEqual((await scene.recipients()).clients, ['three', 'two']);
    await scene.assertOpensFor('two', 'three');
  });

  it('spares a client that was named and never was a node', async () => {
    await scene.remove('nodes', 'one.json');
    await scene.create(nodesQuery('two'), ...named(['one']));
    for (const command of ['refresh', 'rotate keys'] as const) assert.deepEqual((await scene.change(command, 'test', 'item', ...CLEAN)).lost, []);
    await scene.assertOpensFor('one', 'two');
  });

  it('leaves the secret unreadable to who was taken out, under a new data key', async () => {
    await scene.create(ALL_NODES);
    const item = join(scene.world.repository, 'data_bags', 'test', 'item.json');
    const before = await readFile(item, 'utf8');
    await scene.remove('clients', 'one.json');
    assert.equal((await scene.change('refresh', 'test', 'item', ...CLEAN)).action, 'resealed');
    assert.notEqual(await readFile(item, 'utf8'), before);
    await scene.world.refused('not-a-recipient', ['decrypt', 'test', 'item', '--identity', scene.world.at('keys', 'one')]);
  });
});
