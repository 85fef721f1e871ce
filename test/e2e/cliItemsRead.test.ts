// Looking at items, restoring their files, and what other programs keep in data bags.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { ONE, openWorld, QUERY, shaped, type World } from '../scripts/cliWorld.ts';
import { succeed } from '../scripts/vaultScene.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const SECRET = 'PLANTED-7f3c9e51ab';
const ENCRYPTED = { encrypted_data: 'UExBTlRFRA==', iv: 'aXY=', auth_tag: 'dGFn', version: 3, cipher: 'aes-256-gcm' };

/** Every byte there is, twice; no text. */
const BINARY = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff);

async function openTestWorld(): Promise<World> {
  const world = await openWorld({ accounts: [ONE] });
  world.secrets.add(SECRET);
  await world.write('values.json', JSON.stringify({ user: 'app', password: SECRET, ports: [1, 2] }));
  await world.write('files/tls.bin', BINARY, 0o640);
  await world.result('create item', ['create', 'item', 'vault', 'database', '--from', world.at('values.json'), '--file', world.at('files', 'tls.bin'), '--search', QUERY]);
  return world;
}

describe('vault show', () => {
  let world: World;
  before(async () => { world = await openTestWorld(); });
  after(() => world.close());
  const nobody = (): Record<string, string> => ({ XDG_CONFIG_HOME: world.at('nobody'), HOME: world.at('nobody') });

  it('says who can open an item, and its fields, to whoever has no identity', async () => {
    assert.deepEqual(await world.result('show', ['show', 'vault', 'database'], { variables: nobody() }), {
      vault: 'vault', item: 'database', generation: 1, search_query: QUERY, admins: ['alice'], clients: ['files01'],
      fields: ['password', 'ports', 'tls.bin', 'user'], signed_by: 'alice',
    });
    await world.refused('identity-missing', ['show', 'vault', 'database', '--values'], { variables: nobody() });
  });

  it('prints the same as a table and as YAML, and only the parts asked for', async () => {
    const table = (await succeed(world.run(['show', 'vault', 'database']))).stdout;
    for (const text of ['vault/database', 'alice', 'files01', QUERY, 'tls.bin']) assert.ok(table.includes(text), table);
    assert.deepEqual(parseYaml((await succeed(world.run(['show', 'vault', 'database', '--format', 'yaml', '-p', 'clients,search']))).stdout), {
      vault: 'vault', item: 'database', generation: 1, search_query: QUERY, clients: ['files01'],
    });
    const json = shaped('show', (await succeed(world.run(['show', 'vault', 'database', '--format', 'json', '-p', 'admins', '-p', 'search']))).stdout);
    assert.deepEqual(Object.keys(json), ['vault', 'item', 'generation', 'search_query', 'admins']);
    await world.refused('usage', ['show', 'vault', 'database', '-p', 'secrets']);
  });

  it('prints values with --values alone, to whoever can open it', async () => {
    const { values } = await world.result('show', ['show', 'vault', 'database', 'password', '--values', '-i', world.at('keys', 'files01')]);
    assert.deepEqual(values, { password: SECRET });
    assert.ok((await succeed(world.run(['show', 'vault', 'database', '--values']))).stdout.includes(SECRET));
    const { line } = await world.key('stranger');
    assert.ok(line !== '');
    await world.refused('not-a-recipient', ['show', 'vault', 'database', '--values', '-i', world.at('keys', 'stranger')]);
    await world.refused('field-not-found', ['show', 'vault', 'database', 'pasword']);
  });

  it('lists the items of a vault, without the documents beside them', async () => {
    assert.deepEqual(await world.result('show vault', ['show', 'vault']), { vault: 'vault', items: [{ item: 'database', generation: 1 }] });
    await world.refused('item-not-found', ['show', 'valt']);
    await world.refused('item-not-found', ['show', 'vault', 'databas']);
    await world.refused('usage', ['show', 'vault', '--values']);
  });

  it('shows long lists in columns, after their number', async () => {
    for (let i = 10; i < 22; i++) await world.addNode(`n${String(i)}`, '--role', 'many');
    await world.result('create item', ['create', 'item', 'vault', 'many', '--search', 'role:many'], { input: '{}' });
    const { stdout } = await succeed(world.run(['show', 'vault', 'many', '-p', 'clients']));
    assert.match(stdout, /nodes +12\n +n10/);
  });
});

describe('vault download', () => {
  let world: World;
  before(async () => { world = await openTestWorld(); });
  after(() => world.close());
  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

  it('restores a file byte for byte, with its mode, and writes other fields for their owner alone', async () => {
    const made = await world.result('download', ['download', 'vault', 'database', world.at('restored', 'here')]);
    assert.deepEqual((made['files'] as { field: string; mode: string }[]).map(({ field, mode }) => `${field} ${mode}`), ['password 0600', 'ports 0600', 'tls.bin 0640', 'user 0600']);
    const at = (name: string): string => world.at('restored', 'here', name);
    assert.deepEqual((await readdir(world.at('restored', 'here'))).sort(), ['password', 'ports.json', 'tls.bin', 'user']);
    assert.ok((await readFile(at('tls.bin'))).equals(BINARY));
    assert.equal(await modeOf(at('tls.bin')), 0o640);
    assert.equal(await readFile(at('password'), 'utf8'), SECRET);
    assert.deepEqual(JSON.parse(await readFile(at('ports.json'), 'utf8')), [1, 2]);
    assert.equal(await modeOf(at('password')), 0o600);
    await world.refused('file-exists', ['download', 'vault', 'database', world.at('restored', 'here')]);
    await world.result('download', ['download', 'vault', 'database', world.at('restored', 'here'), '--force']);
    assert.deepEqual((await readdir(world.at('restored', 'here'))).sort(), ['password', 'ports.json', 'tls.bin', 'user']);
  });

  it('prints a file\'s bytes with decrypt --format raw', () => {
    const { stdout } = spawnSync(process.execPath, [BIN, 'decrypt', 'vault', 'database', 'tls.bin', '--format', 'raw'], {
      cwd: world.repository, env: { PATH: process.env['PATH'], ...world.variables },
    });
    assert.ok(stdout.equals(BINARY));
  });

  it('writes one field to the path itself, and replaces a link rather than follow it', async () => {
    await world.result('download', ['download', 'vault', 'database', world.at('one.bin'), '--field', 'tls.bin', '-i', world.at('keys', 'files01')]);
    assert.ok((await readFile(world.at('one.bin'))).equals(BINARY));
    const target = await world.write('target', 'untouched');
    await symlink(target, world.at('link.bin'));
    await world.refused('file-exists', ['download', 'vault', 'database', world.at('link.bin'), '--field', 'tls.bin']);
    await world.result('download', ['download', 'vault', 'database', world.at('link.bin'), '--field', 'tls.bin', '--force']);
    assert.equal(await readFile(target, 'utf8'), 'untouched');
    assert.ok((await readFile(world.at('link.bin'))).equals(BINARY));
  });

  it('writes nothing where something is wrong', async () => {
    const to = world.at('nothing');
    await world.refused('field-not-found', ['download', 'vault', 'database', to, '--field', 'password,nothing']);
    await world.refused('item-not-found', ['download', 'vault', 'databas', to]);
    await world.refused('input-unreadable', ['download', 'vault', 'database', join(to, 'below', 'file'), '--field', 'user']);
    await world.write('taken/ports.json', 'mine');
    await world.refused('file-exists', ['download', 'vault', 'database', world.at('taken')]);
    await mkdir(world.at('blocked', 'user'), { recursive: true });
    await world.refused('file-exists', ['download', 'vault', 'database', world.at('blocked'), '--force']);
  });

  it('refuses fields that would be one file where case is not told apart, or under one name', async () => {
    await world.result('create item', ['create', 'item', 'vault', 'case'], { input: JSON.stringify({ Key: SECRET, key: SECRET, 'a.json': 'x', a: 1 }) });
    await world.refused('file-names-collide', ['download', 'vault', 'case', world.at('case')]);
    await world.refused('file-names-collide', ['download', 'vault', 'case', world.at('case'), '--field', 'a', '--field', 'a.json']);
    await world.result('download', ['download', 'vault', 'case', world.at('case'), '--field', 'Key,a']);
  });
});

describe('what other programs keep in data bags', () => {
  let world: World;
  before(async () => {
    world = await openTestWorld();
    const bag = (path: string, content: unknown): Promise<string> => world.write(`repository/data_bags/${path}.json`, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
    const keys = { admins: ['alice'], clients: ['db01'], search_query: 'role:db' };
    await bag('old/root', { id: 'root', password: ENCRYPTED });
    await bag('old/root_keys', { id: 'root_keys', ...keys, mode: 'default', alice: 'YWJj', db01: 'ZGVm' });
    await bag('old/sparse', { id: 'sparse', password: ENCRYPTED });
    await bag('old/sparse_keys', { id: 'sparse_keys', ...keys, mode: 'sparse' });
    await bag('other/sealed', { id: 'sealed', password: ENCRYPTED });
    await bag('other/plain', { id: 'plain', password: 'x' });
    await bag('other/broken', '{"id": "broken"');
    await bag('vault/beside', { id: 'beside' });
  });
  after(() => world.close());

  it('is told apart', async () => {
    for (const [vault, item, type] of [
      ['vault', 'database', 'vault'], ['old', 'root', 'chef-vault'], ['old', 'sparse', 'chef-vault'], ['other', 'sealed', 'encrypted'], ['other', 'plain', 'plain'],
    ] as const) {
      assert.equal((await world.result('itemtype', ['itemtype', vault, item]))['type'], type);
      const ours = type === 'vault';
      assert.equal((await world.result('isvault', ['isvault', vault, item], { exitCode: ours ? 0 : 1 }))['vault_item'], ours);
    }
    assert.equal((await world.run(['isvault', 'other', 'plain'])).stdout, 'false\n');
    for (const command of ['itemtype', 'isvault']) {
      await world.refused('document-invalid', [command, 'other', 'broken']);
      await world.refused('item-not-found', [command, 'vault', 'nothing']);
      await world.refused('name-invalid', [command, '..', 'nothing']);
    }
  });

  it('is met by every command with the same words, and left alone', async () => {
    for (const item of ['root', 'sparse']) {
      for (const args of [['show', 'old', item], ['show', 'old', item, '--values'], ['decrypt', 'old', item], ['update', 'old', item, '--clients', 'files01'],
        ['delete', 'item', 'old', item, '--yes'], ['create', 'item', 'old', item, '--from', world.at('values.json')]]) {
        await world.refused('item-other-format', args);
      }
    }
    await world.refused('item-other-format', ['show', 'other', 'sealed']);
    await world.refused('item-plain', ['show', 'other', 'plain']);
    await world.refused('item-plain', ['update', 'other', 'plain', '--clients', 'files01']);
    await world.refused('item-exists', ['create', 'item', 'other', 'plain', '--from', world.at('values.json')]);
  });

  it('is no vault, and is named where it lies beside a vault\'s items', async () => {
    await world.refused('item-plain', ['show', 'other']);
    const shown = await world.result('show vault', ['show', 'vault']);
    assert.deepEqual(shown['others'], ['beside']);
    await world.refused('item-other-format', ['show', 'old']);
  });

  it('is an attack where an item of ours was seen under that name', async () => {
    await world.write('repository/data_bags/vault/database_keys.json', JSON.stringify({ id: 'database_keys', admins: ['alice'], clients: [] }));
    await world.refused('document-invalid', ['show', 'vault', 'database']);
    await rm(join(world.repository, 'data_bags', 'vault', 'database_keys.json'));
    await world.refused('item-missing', ['show', 'vault', 'database']);
  });
});
