// Items that are not from IAM: create, update, delete, and many writers at once.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertSameTree, ONE, openWorld, QUERY, ROLE, type World } from '../scripts/cliWorld.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

const SECRET = 'PLANTED-7f3c9e51ab';
const OTHER = 'PLANTED-second-0d4e8f';

interface Change {
  readonly action?: string;
  readonly generation?: number;
  readonly gained?: readonly { readonly role: string; readonly name: string }[];
  readonly lost?: readonly { readonly role: string; readonly name: string; readonly reason: string }[];
  readonly fields?: { readonly added: readonly string[]; readonly changed: readonly string[]; readonly removed: readonly string[] };
}

/** The one change that a command reported. */
function changeOf(result: Record<string, unknown>): Change {
  const [change, ...more] = result['items'] as Change[];
  assert.ok(change !== undefined && more.length === 0);
  return change;
}

async function valuesOf(world: World, item: string, identity: string = world.admin): Promise<unknown> {
  return JSON.parse((await succeed(world.run(['decrypt', 'vault', item, '-i', identity]))).stdout);
}

async function openTestWorld(): Promise<World> {
  const world = await openWorld({ accounts: [ONE] });
  world.secrets.add(SECRET);
  world.secrets.add(OTHER);
  await world.addNode('web01', '--role', 'web');
  await world.write('values.json', JSON.stringify({ user: 'app', password: SECRET }));
  return world;
}

describe('vault create item', () => {
  let world: World;
  before(async () => { world = await openTestWorld(); });
  after(() => world.close());

  it('seals the values of a file to the admins, the nodes of the query and the named ones', async () => {
    const change = changeOf(await world.result('create item', ['create', 'item', 'vault', 'database', '--from', world.at('values.json'), '--search', QUERY, '--clients', 'web01']));
    assert.equal(change.action, 'created');
    assert.deepEqual(change.gained?.map(({ role, name }) => `${role} ${name}`), ['admin alice', 'client files01', 'client web01']);
    for (const name of ['files01', 'web01']) assert.deepEqual(await valuesOf(world, 'database', world.at('keys', name)), { user: 'app', password: SECRET });
    for (const file of ['database.json', 'database_keys.json']) assert.ok(!(await readFile(join(world.repository, 'data_bags', 'vault', file), 'utf8')).includes(SECRET));
  });

  it('takes what is piped in, with and without "--from -"', async () => {
    await world.result('create item', ['create', 'item', 'vault', 'piped'], { input: JSON.stringify({ id: 'piped', password: SECRET }) });
    assert.deepEqual(await valuesOf(world, 'piped'), { password: SECRET });
    await world.result('create item', ['create', 'item', 'vault', 'dash', '--from', '-'], { input: JSON.stringify({ password: SECRET }) });
    assert.deepEqual(await valuesOf(world, 'dash'), { password: SECRET });
  });

  it('warns of values that are an argument, and tells that only admins can open', async () => {
    const end = await succeed(world.run(['create', 'item', 'vault', 'argument', JSON.stringify({ a: 1 }), '--quiet']));
    assert.match(end.stderr, /^warning: /);
    assert.doesNotMatch((await succeed(world.run(['create', 'item', 'vault', 'quiet', '--from', world.at('values.json')]))).stderr, /^warning: /);
  });

  it('changes nothing where something is wrong', async () => {
    const from = ['--from', world.at('values.json')];
    const create = (...args: string[]): string[] => ['create', 'item', 'vault', 'new', ...args];
    await world.refused('usage', create());
    await world.refused('usage', create('{}', ...from));
    await world.refused('usage', create(...from, '--admins', ','));
    await world.refused('item-exists', ['create', 'item', 'vault', 'database', ...from]);
    await world.refused('party-not-found', create(...from, '--admins', 'alice,mallory'));
    await world.refused('party-not-found', create(...from, '--clients', 'nobody'));
    await world.refused('name-invalid', create(...from, '--clients', '../web01'));
    await world.refused('query-invalid', create(...from, '--search', 'role:('));
    await world.refused('query-selects-nobody', create(...from, '--search', 'role:nothing'));
    await world.refused('name-invalid', ['create', 'item', '../vault', 'new', ...from]);
    await world.refused('name-invalid', ['create', 'item', 'vault', 'a/b', ...from]);
    await world.refused('name-invalid', ['create', 'item', 'vault', 'a_keys', ...from]);
    await world.refused('input-unreadable', create('--from', world.at('nothing')));
    await world.refused('input-unreadable', create('--file', world.at('nothing')));
    await world.refused('input-not-json', create('--from', '-'), { input: `{"a": "${SECRET}` });
    await world.refused('input-not-json', create(`{"a": ${SECRET}}`));
    await world.refused('input-invalid', create(), { input: `["${SECRET}"]` });
    await world.refused('input-invalid', create(), { input: `"${SECRET}"` });
    await world.refused('input-duplicate-key', create(), { input: `{"a": "${SECRET}", "a": 1}` });
    await world.refused('name-invalid', create(), { input: `{"a/b": "${SECRET}"}` });
    await world.refused('input-too-deep', create(), { input: `{"a": ${'['.repeat(100)}${']'.repeat(100)}}` });
    await world.refused('input-too-large', create(), { input: JSON.stringify({ a: `${SECRET}${'x'.repeat(1 << 20)}` }) });
    await world.refused('input-too-large', create('--file', await world.write('large', new Uint8Array((1 << 20) + 1))));
    await world.refused('name-invalid', create('--file', await world.write('with space', SECRET)));
    await world.refused('input-duplicate-key', create('--file', await world.write('one/same', SECRET), '--file', await world.write('two/same', OTHER)));
  });

  it('names both where the id of the values is not the item\'s name', async () => {
    const { message } = await world.refused('input-invalid', ['create', 'item', 'vault', 'new'], { input: JSON.stringify({ id: 'old', password: SECRET }) });
    assert.match(String(message), /old.*new/);
  });

  it('refuses a named node that cannot be sealed to', async () => {
    await world.write('repository/clients/rsa01.json', '{"name": "rsa01", "public_key": "-----BEGIN PUBLIC KEY-----"}');
    await world.refused('node-unsealable', ['create', 'item', 'vault', 'new', '--from', world.at('values.json'), '--clients', 'rsa01']);
    await rm(join(world.repository, 'clients', 'rsa01.json'));
  });
});

describe('vault update', () => {
  let world: World;
  before(async () => {
    world = await openTestWorld();
    await world.result('create item', ['create', 'item', 'vault', 'database', '--from', world.at('values.json'), '--search', QUERY]);
  });
  after(() => world.close());
  const update = (...args: string[]): string[] => ['update', 'vault', 'database', ...args];

  it('merges fields, and does nothing where nothing differs', async () => {
    const { fields } = changeOf(await world.result('update', update(), { input: JSON.stringify({ password: OTHER, port: 5432 }) }));
    assert.deepEqual(fields, { added: ['port'], changed: ['password'], removed: [] });
    assert.deepEqual(await valuesOf(world, 'database'), { user: 'app', password: OTHER, port: 5432 });
    const before = await world.tree();
    assert.equal(changeOf(await world.result('update', update(), { input: JSON.stringify({ port: 5432 }) })).action, 'unchanged');
    assertSameTree(before, await world.tree());
  });

  it('shows what it would do with --dry-run, and asks before a field goes', async () => {
    const before = await world.tree();
    const planned = changeOf(await world.result('update', update('--replace', '--dry-run'), { input: '{"user": "app"}', exitCode: 2 }));
    assert.deepEqual(planned.fields?.removed, ['password', 'port']);
    assertSameTree(before, await world.tree());
    await world.refused('confirmation-needed', update('--replace'), { input: '{"user": "app"}' });
    await world.result('update', update('--replace', '--yes'), { input: '{"user": "app"}' });
    assert.deepEqual(await valuesOf(world, 'database'), { user: 'app' });
  });

  it('adds nodes without sealing the content anew, and asks before a query takes some away', async () => {
    const added = changeOf(await world.result('update', update('--clients', 'web01')));
    assert.equal(added.action, 'extended');
    assert.deepEqual(added.gained?.map(({ name }) => name), ['web01']);
    await world.refused('confirmation-needed', update('--search', 'role:web'));
    const { lost } = changeOf(await world.result('update', update('--search', 'role:web', '--yes')));
    assert.deepEqual(lost, [{ role: 'client', name: 'files01', reason: 'not-selected' }]);
    assert.equal((await world.run(['decrypt', 'vault', 'database', '-i', world.at('keys', 'files01')])).exitCode, 4);
    // Who is named stays whatever the query selects.
    changeOf(await world.result('update', update('--search', '')));
    assert.deepEqual(await valuesOf(world, 'database', world.at('keys', 'web01')), { user: 'app' });
    await world.result('update', update('--search', QUERY));
  });

  it('changes nothing where something is wrong', async () => {
    await world.refused('usage', update());
    await world.refused('usage', update('--replace', '--search', 'role:web'));
    await world.refused('usage', update('--clients', ''));
    await world.refused('item-not-found', ['update', 'vault', 'databas', '--clients', 'web01']);
    await world.refused('item-not-found', ['update', 'valt', 'database', '--clients', 'web01']);
    await world.refused('party-not-found', update('--admins', 'mallory'));
    await world.refused('party-not-found', update('--clients', 'web02'));
    await world.refused('query-selects-nobody', update('--search', 'role:nothing', '--yes'));
    await world.refused('input-too-large', update(), { input: JSON.stringify({ a: `${SECRET}${'x'.repeat(1 << 20)}` }) });
    await world.refused('identity-missing', update('--clients', 'web01', '-i', world.at('nowhere')));
    await world.refused('not-an-admin', update('--clients', 'web01', '-i', world.at('keys', 'web01')));
  });

  it('refuses to clear the query where nobody is named', async () => {
    await world.result('create item', ['create', 'item', 'vault', 'unnamed', '--from', world.at('values.json'), '--search', QUERY]);
    await world.refused('query-selects-nobody', ['update', 'vault', 'unnamed', '--search', '', '--yes']);
    await world.result('update', ['update', 'vault', 'unnamed', '--search', '', '--yes', '--allow-empty']);
    assert.equal((await world.run(['decrypt', 'vault', 'unnamed', '-i', world.at('keys', 'files01')])).exitCode, 4);
  });

  it('takes an admin who is on the roster already, where the item is for everyone, as no change', async () => {
    const before = await world.tree();
    assert.equal(changeOf(await world.result('update', update('--admins', 'alice'))).action, 'unchanged');
    assertSameTree(before, await world.tree());
  });

  it('keeps the field search_query of an item from IAM true to its query, and warns', async () => {
    await world.result('create iam', ['create', 'iam', await world.iamFile('app')]);
    await world.credentials(`${ONE}_app`);
    const end = await succeed(world.run(['update', 'vault', `${ONE}_app`, '--search', `role:web OR ${QUERY}`]));
    assert.match(end.stderr, /^warning: .*search_query/m);
    const values = await valuesOf(world, `${ONE}_app`) as Record<string, unknown>;
    assert.equal(values['search_query'], `role:web OR ${QUERY}`);
  });

  it('loses no update of eight processes that each change another field', async () => {
    await world.result('create item', ['create', 'item', 'vault', 'busy'], { input: '{"start": true}' });
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    const ends = await Promise.all(numbers.map((number) => world.run(['update', 'vault', 'busy'], { input: JSON.stringify({ [`field${String(number)}`]: `${SECRET}${String(number)}` }) })));
    for (const end of ends) assert.equal(end.exitCode, 0, describeEnd(end));
    assert.deepEqual(await valuesOf(world, 'busy'), { start: true, ...Object.fromEntries(numbers.map((number) => [`field${String(number)}`, `${SECRET}${String(number)}`])) });
    const { generation } = await world.result('show', ['show', 'vault', 'busy']);
    assert.equal(generation, 9);
  });
});

describe('vault delete item', () => {
  let world: World;
  before(async () => { world = await openTestWorld(); });
  after(() => world.close());
  const path = (file: string): string => join(world.repository, 'data_bags', 'vault', file);
  const create = (item: string): Promise<unknown> => world.result('create item', ['create', 'item', 'vault', item, '--from', world.at('values.json'), '--search', `role:${ROLE}`]);
  const read = async (item: string): Promise<[Buffer, Buffer]> => [await readFile(path(`${item}.json`)), await readFile(path(`${item}_keys.json`))];
  const putBack = async (item: string, [document, keys]: readonly [Buffer, Buffer]): Promise<void> => {
    await world.write(`repository/data_bags/vault/${item}.json`, document);
    await world.write(`repository/data_bags/vault/${item}_keys.json`, keys);
  };

  it('asks, deletes, and never takes the deleted copy again; the name is free here', async () => {
    await create('database');
    await world.refused('confirmation-needed', ['delete', 'item', 'vault', 'database']);
    const copy = await read('database');
    const deleted = await world.result('delete item', ['delete', 'item', 'vault', 'database', '--yes']);
    assert.deepEqual(deleted, { vault: 'vault', item: 'database', generation: 1, fields: ['password', 'user'], admins: ['alice'], clients: ['files01'] });
    await world.refused('item-not-found', ['decrypt', 'vault', 'database']);
    await world.refused('item-not-found', ['delete', 'item', 'vault', 'database', '--yes']);
    await putBack('database', copy);
    await world.refused('generation-rollback', ['decrypt', 'vault', 'database']);
    await world.result('delete item', ['delete', 'item', 'vault', 'database', '--yes']);
    await create('database');
    assert.deepEqual(await valuesOf(world, 'database'), { user: 'app', password: SECRET });
    await putBack('database', copy);
    await world.refused('generation-rollback', ['decrypt', 'vault', 'database']);
  });

  it('is finished by another run where it was cut off between the two files', async () => {
    await create('half');
    await rm(path('half.json'));
    await world.refused('document-invalid', ['decrypt', 'vault', 'half']);
    await world.result('delete item', ['delete', 'item', 'vault', 'half', '--yes']);
    await create('half');
  });

  it('is finished by another run where both files are gone and that was not remembered', async () => {
    await create('gone');
    const copy = await read('gone');
    await rm(path('gone.json'));
    await rm(path('gone_keys.json'));
    await world.refused('item-missing', ['create', 'item', 'vault', 'gone', '--from', world.at('values.json')]);
    assert.equal((await world.result('delete item', ['delete', 'item', 'vault', 'gone', '--yes']))['generation'], 0);
    await putBack('gone', copy);
    await world.refused('generation-rollback', ['decrypt', 'vault', 'gone']);
    await rm(path('gone.json'));
    await rm(path('gone_keys.json'));
    await create('gone');
  });

  it('deletes nothing that is not a vault\'s', async () => {
    await world.write('repository/data_bags/vault/plain.json', '{"id": "plain"}');
    await world.refused('item-plain', ['delete', 'item', 'vault', 'plain', '--yes']);
    await world.refused('item-not-found', ['delete', 'item', 'vault', 'nothing', '--yes']);
  });
});
