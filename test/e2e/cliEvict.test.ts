// A party that must go from everything, and what it could ever read.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { rosterDigest, type SignedRoster } from '../../src/trust/roster.ts';
import { ONE, openWorld, type World } from '../scripts/cliWorld.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

interface Eviction {
  readonly items: readonly { readonly item: string; readonly action?: string; readonly error?: { readonly code: string } }[];
  readonly aliases: readonly string[];
  readonly exposed: readonly { readonly item: string; readonly first: number; readonly last: number; readonly fields: readonly { readonly name: string; readonly first: number; readonly last: number }[] }[];
  readonly roster?: { readonly state: string };
}

const asUser = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
const fieldsOf = ({ exposed }: Eviction): unknown => exposed.map(({ item, fields }) => [item, ...fields.map(({ name, first, last }) => `${name} ${String(first)}-${String(last)}`)]);

describe('vault evict', () => {
  let world: World;
  let web01: string;
  let bob: { file: string; line: string };
  const git = (...args: string[]): void => { execFileSync('git', [...asUser, ...args], { cwd: world.repository, stdio: 'ignore' }); };
  const commit = (): void => { git('add', '-A'); git('commit', '-q', '--no-verify', '-m', 'x'); };
  const evict = async (args: readonly string[], exitCode = 0): Promise<Eviction> => await world.result('evict', ['evict', ...args], { exitCode }) as unknown as Eviction;
  const create = (item: string, values: object, ...flags: string[]): Promise<unknown> => world.result('create item', ['create', 'item', 'vault', item, '--from', '-', ...flags], { input: JSON.stringify(values) });

  before(async () => {
    world = await openWorld({ accounts: [ONE] });
    git('init', '-q');
    web01 = await world.addNode('web01', '--role', 'web');
    await world.addNode('web02', '--role', 'web');
    await create('db', { password: 'one', user: 'app' }, '--search', 'role:web');
    await create('named', { token: 't' }, '--clients', 'web01,files01');
    await create('others', { token: 't' }, '--clients', 'files01');
    commit();
    // What is not in the present generation any more was readable all the same.
    await world.result('update', ['update', 'vault', 'db', '--replace', '--yes', '--from', '-'], { input: '{"dsn":"two"}' });
    await create('gone', { key: 'k' }, '--search', 'name:web01');
    commit();
    await world.result('delete item', ['delete', 'item', 'vault', 'gone', '--yes']);
    commit();
  });
  after(() => world.close());

  it('shows with --dry-run what would be done, and does nothing', async () => {
    const tree = await world.tree();
    const { items } = await evict(['web01', '--dry-run'], 2);
    assert.deepEqual(items.map(({ item, action }) => [item, action]), [['db', 'resealed'], ['named', 'resealed']]);
    const now = await world.tree();
    for (const [path, content] of tree) if (path.startsWith('repository')) assert.equal(now.get(path), content, path);
    await world.refused('confirmation-needed', ['evict', 'web01']);
    await world.refused('party-not-found', ['evict', 'web09', '--yes']);
    await world.refused('usage', ['evict', 'alice', '--yes']);
  });

  it('takes a node out of the inventory and of every item, and lists what it could read in any generation', async () => {
    const eviction = await evict(['web01', '--yes']);
    assert.deepEqual(eviction.items.map(({ item, action }) => [item, action]), [['db', 'resealed'], ['named', 'resealed']]);
    assert.deepEqual(fieldsOf(eviction), [['db', 'dsn 2-2', 'password 1-1', 'user 1-1'], ['gone', 'key 1-1'], ['named', 'token 1-1']]);
    for (const item of ['db', 'named']) {
      const end = await world.run(['decrypt', 'vault', item, '--identity', web01]);
      assert.equal(end.exitCode, 4, describeEnd(end));
      await succeed(world.run(['decrypt', 'vault', item, '--identity', world.at('keys', item === 'db' ? 'web02' : 'files01')]));
    }
    const { nodes } = await world.result('node list', ['node', 'list']) as { nodes: { name: string }[] };
    assert.ok(!nodes.some(({ name }) => name === 'web01'));
    assert.deepEqual((await world.result('refresh', ['refresh']) as { items: { action: string }[] }).items.map(({ action }) => action), ['unchanged', 'unchanged', 'unchanged']);
    await succeed(world.run(['verify']));
  });

  it('tells the same again, and changes nothing', async () => {
    commit();
    const eviction = await evict(['web01']);
    assert.deepEqual(eviction.items, []);
    assert.deepEqual(fieldsOf(eviction), [['db', 'dsn 2-2', 'password 1-1', 'user 1-1'], ['gone', 'key 1-1'], ['named', 'token 1-1']]);
  });

  it('names others who have the same key', async () => {
    const { line } = await world.key('shared');
    for (const name of ['twin1', 'twin2']) await succeed(world.run(['node', 'add', name, '--key', line, '--role', 'twin']));
    await create('twins', { t: 1 }, '--search', 'role:twin');
    assert.deepEqual((await evict(['twin1', '--yes'])).aliases, ['twin2']);
  });

  it('takes an admin out of the items and off the roster', async () => {
    bob = await world.key('bob');
    const shown = await world.result('key show', ['key', 'show', '--identity', bob.file]);
    await world.result('admin add', ['admin', 'add', 'bob', '--key', bob.line, '--signing-key', String(shown['signing_key']), '--yes']);
    commit();
    await succeed(world.run(['decrypt', 'vault', 'db', '--identity', bob.file]));
    // Signed by bob: once he is off the roster, that counts no more.
    await world.result('update', ['update', 'vault', 'others', '--identity', bob.file, '--from', '-'], { input: '{"by":"bob"}' });
    await cp(world.repository, world.at('branch'), { recursive: true });
    const eviction = await evict(['bob', '--yes']);
    assert.equal(eviction.roster?.state, 'in-effect');
    assert.deepEqual(fieldsOf(eviction), [['db', 'dsn 4-4'], ['named', 'token 3-3'], ['others', 'by 3-3', 'token 2-3'], ['twins', 't 3-3']]);
    for (const item of ['db', 'named', 'others', 'twins']) {
      const end = await world.run(['decrypt', 'vault', item, '--identity', bob.file]);
      assert.equal(end.exitCode, 4, describeEnd(end));
    }
    await succeed(world.run(['verify']));
    await world.refused('not-an-admin', ['update', 'vault', 'others', '{"x":1}', '--identity', bob.file]);
  });

  it('takes what a former admin had signed on another branch only by name, and signs it anew', async () => {
    const branch = { variables: { VAULT_STATE_DIR: world.at('branch-state') } };
    const { roster } = JSON.parse(await readFile(world.at('branch', 'trust', '1.json'), 'utf8')) as SignedRoster;
    for (const value of [1, 2, 3]) {
      await succeed(world.run(['update', 'vault', 'others', JSON.stringify({ branch: value }), '-q', '--identity', bob.file, '--repository', world.at('branch'), '--pin', rosterDigest(roster)], branch));
    }
    for (const file of ['others.json', 'others_keys.json']) await copyFile(world.at('branch', 'data_bags', 'vault', file), join(world.repository, 'data_bags', 'vault', file));
    const refused = await world.result('refresh', ['refresh', 'vault', 'others', '--yes'], { exitCode: 5 }) as unknown as Eviction;
    assert.equal(refused.items[0]?.error?.code, 'signer-unknown');
    await world.refused('party-not-found', ['refresh', 'vault', 'others', '--accept-signer', 'carol', '--yes']);
    await world.refused('party-not-found', ['refresh', 'vault', 'others', '--accept-signer', 'alice', '--yes']);
    await world.result('refresh', ['refresh', 'vault', 'others', '--accept-signer', 'bob', '--yes']);
    const shown = await world.result('show', ['show', 'vault', 'others']);
    assert.deepEqual([shown['signed_by'], shown['admins']], ['alice', ['alice']]);
    assert.deepEqual(JSON.parse((await succeed(world.run(['decrypt', 'vault', 'others', 'branch']))).stdout), 3);
    await succeed(world.run(['verify']));
  });
});
