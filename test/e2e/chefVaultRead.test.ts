// What chef-vault's users do when they read: show, list, isvault, itemtype, and items of chef-vault that are still there;
// docs/coming-from-chef-vault.md stands beside it.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { ALL_NODES, nodesQuery, openChefVaultScene, SECRET, type ChefVaultScene } from '../scripts/chefVaultScene.ts';
import { addColleague } from '../scripts/colleagues.ts';
import { succeed } from '../scripts/vaultScene.ts';

const ENCRYPTED = { encrypted_data: 'UExBTlRFRA==', iv: 'aXY=', auth_tag: 'dGFn', version: 3, cipher: 'aes-256-gcm' };
/** What RSA makes of 32 bytes, as chef-vault writes it. */
const SEALED_KEY = `${'QUJD'.repeat(15)}\n`.repeat(6);

/** Data bags as chef-vault and knife leave them in a chef-repo, as paths below data_bags/. */
const BAGS = {
  'old/root': { id: 'root', password: ENCRYPTED },
  'old/root_keys': { id: 'root_keys', admins: ['alice'], clients: ['one'], search_query: 'name:one', mode: 'default', alice: SEALED_KEY, one: SEALED_KEY },
  'sparse/root': { id: 'root', password: ENCRYPTED },
  'sparse/root_keys': { id: 'root_keys', admins: ['alice'], clients: ['one'], search_query: 'name:one', mode: 'sparse' },
  'sparse/root_key_alice': { id: 'root_key_alice', alice: SEALED_KEY },
  'sparse/root_key_one': { id: 'root_key_one', one: SEALED_KEY },
  'first/root': { id: 'root', password: { ...ENCRYPTED, version: 1, cipher: 'aes-256-cbc' } },
  'first/root_keys': { id: 'root_keys', alice: SEALED_KEY, one: SEALED_KEY },
  'encrypted/item': { id: 'item', foo: ENCRYPTED },
  'lessthantwokeys/item': { id: 'item', foo: 'bar' },
  'oddnumberofkeys/item': { id: 'item', one: 1, two: 2, three: 3 },
  'unbalanced/item': { id: 'item', one: 1, one_keys: 1, two_keys: 1, three_keys: 1 },
  'mismatched/item': { id: 'item', one: 1, one_keys: 1, two_keys: 1, three: 1 },
};

let scene: ChefVaultScene;
before(async () => { scene = await openChefVaultScene(); });
afterEach(() => scene.reset());
after(() => scene.close());

const show = (identity: string): string[] => ['show', 'test', 'item', '--values', '--identity', identity];
const node = (name: string): string => scene.world.at('keys', name);

async function writeBags(repository = 'repository'): Promise<void> {
  for (const [path, content] of Object.entries(BAGS)) await scene.world.write(`${repository}/data_bags/${path}.json`, `${JSON.stringify(content, undefined, 2)}\n`);
}

/** Every file of the data bags that are not ours, with its content. */
async function bagsNow(): Promise<string[]> {
  return await Promise.all(Object.keys(BAGS).map((path) => readFile(join(scene.world.repository, 'data_bags', `${path}.json`), 'utf8')));
}

describe('chef-vault: show', () => {
  it('opens for an admin and for a node', async () => {
    await scene.create(ALL_NODES, '--admins', 'alice');
    for (const identity of [scene.world.admin, node('two')]) assert.deepEqual((await scene.world.result('show', show(identity)))['values'], { foo: SECRET });
  });

  it('takes a key that is given directly, not a configured wrong one; and no other where that does not open', async () => {
    await scene.create(nodesQuery('one'), '--admins', 'alice');
    const variables = { VAULT_IDENTITY: node('three') };
    await scene.world.refused('not-a-recipient', ['show', 'test', 'item', '--values'], { variables });
    await scene.world.result('show', show(scene.world.admin), { variables });
    await scene.world.refused('not-a-recipient', show(scene.bob));
  });

  it('refuses an admin and a node who are not listed, by name', async () => {
    await scene.create(nodesQuery('one', 'two'), '--admins', 'alice');
    for (const [name, identity] of [['bob', scene.bob], ['three', node('three')]] as const) {
      const { message } = await scene.world.refused('not-a-recipient', show(identity));
      assert.ok(String(message).startsWith(`${name} `), String(message));
    }
  });

  it('says so where an item is sealed to a name whose key has changed since', async () => {
    await scene.create(nodesQuery('one'));
    const { file, line } = await scene.world.key('one-anew');
    await scene.world.result('node add', ['node', 'add', 'one', '--key', line, '--force']);
    await scene.world.refused('recipient-key-changed', show(file));
  });

  it('lists a vault\'s items without the documents beside them', async () => {
    await scene.create(ALL_NODES);
    await scene.world.result('create item', ['create', 'item', 'test', 'item2', '--from', '-', '--search', ALL_NODES], { input: '{}' });
    assert.deepEqual(await scene.world.result('show vault', ['show', 'test']), { vault: 'test', items: [{ item: 'item', generation: 1 }, { item: 'item2', generation: 1 }] });
  });

  it('says so where a data bag is no vault', async () => {
    await writeBags();
    for (const [bag, code] of [['lessthantwokeys', 'item-plain'], ['encrypted', 'item-other-format'], ['old', 'item-other-format']] as const) await scene.world.refused(code, ['show', bag]);
  });
});

describe('chef-vault: list, isvault and itemtype', () => {
  it('list vaults, and no data bags that are none', async () => {
    await scene.create(ALL_NODES);
    await writeBags();
    const { items, problems, foreign } = await scene.world.result('list', ['list']);
    assert.deepEqual((items as { vault: string; item: string }[]).map(({ vault, item }) => `${vault}/${item}`), ['test/item']);
    assert.deepEqual((foreign as { vault: string; item: string }[]).map(({ vault, item }) => `${vault}/${item}`), ['first/root', 'old/root', 'sparse/root']);
    assert.equal(problems, undefined);
    const { stdout } = await succeed(scene.world.run(['list']));
    for (const path of Object.keys(BAGS)) assert.ok(!stdout.includes(path.split('/')[0] ?? ''), path);
  });

  it('tell what an item is', async () => {
    await scene.create(ALL_NODES);
    await writeBags();
    for (const [vault, item, type] of [
      ['test', 'item', 'vault'], ['old', 'root', 'chef-vault'], ['sparse', 'root', 'chef-vault'], ['sparse', 'root_key_one', 'chef-vault'], ['first', 'root', 'chef-vault'],
      ['encrypted', 'item', 'encrypted'], ['lessthantwokeys', 'item', 'plain'], ['mismatched', 'item', 'plain'],
    ] as const) {
      assert.equal((await scene.world.result('itemtype', ['itemtype', vault, item]))['type'], type, `${vault}/${item}`);
      await scene.world.result('isvault', ['isvault', vault, item], { exitCode: type === 'vault' ? 0 : 1 });
    }
  });

  it('tell a damaged item from others', async () => {
    await scene.create(ALL_NODES);
    await scene.world.write('repository/data_bags/test/broken_keys.json', '{"id": "broken_keys"}');
    const { items, problems } = await scene.world.result('list', ['list'], { exitCode: 5 });
    assert.equal((items as unknown[]).length, 1);
    assert.deepEqual((problems as { item: string; error: { code: string } }[]).map(({ item, error }) => `${item} ${error.code}`), ['broken document-invalid']);
  });
});

describe('items of chef-vault side by side with ours', () => {
  it('are refused by name, of whatever age, with what to run; and left as they are', async () => {
    await writeBags();
    const before = await bagsNow();
    for (const vault of ['old', 'sparse', 'first']) {
      for (const args of [['show', vault, 'root', '--values'], ['update', vault, 'root', '--admins', 'bob'], ['verify', vault, 'root']]) {
        const { hint } = await scene.world.refused('item-other-format', args);
        assert.ok(String(hint).includes(`knife vault show ${vault} root -M client -F json | vault create item `), String(hint));
      }
      await scene.world.result('refresh', ['refresh', vault, 'root'], { exitCode: 1 });
    }
    assert.deepEqual(await bagsNow(), before);
  });

  it('are taken over by what that says, with the id that knife prints', async () => {
    await writeBags();
    await scene.world.result('create item', ['create', 'item', 'passwords', 'root', '--from', '-', '--search', 'name:one'], { input: JSON.stringify({ id: 'root', password: SECRET }) });
    assert.deepEqual(JSON.parse((await succeed(scene.world.run(['decrypt', 'passwords', 'root', '--identity', node('one')]))).stdout), { password: SECRET });
  });

  it('stop no run over everything', async () => {
    await scene.create(ALL_NODES);
    await writeBags();
    const before = await bagsNow();
    const { items } = await scene.world.result('refresh', ['refresh']);
    assert.deepEqual((items as { item: string; action: string }[]).map(({ item, action }) => `${item} ${action}`), ['item unchanged']);
    for (const generation of [2, 3]) {
      const rotated = await scene.world.result('rotate keys', ['rotate', 'keys', '--all']);
      assert.deepEqual((rotated['items'] as { item: string; generation: number }[]).map((each) => `${each.item} ${String(each.generation)}`), [`item ${String(generation)}`]);
    }
    const verified = await scene.world.result('verify', ['verify']);
    assert.deepEqual([verified['items'], verified['problems']], [1, []]);
    await scene.world.result('admin remove', ['admin', 'remove', 'bob', '--yes']);
    assert.deepEqual((await scene.recipients()).admins, ['alice']);
    assert.deepEqual(await bagsNow(), before);
  });

  it('stay where a chef-repo becomes a repository in place, and its nodes get keys that can be sealed to', async () => {
    const { world } = scene;
    await writeBags('chef-repo');
    const rsa = { name: 'web', clientname: 'web', validator: false, public_key: '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n' };
    await world.write('chef-repo/clients/web.json', JSON.stringify(rsa));
    await world.write('chef-repo/nodes/web.json', JSON.stringify({ name: 'web', chef_environment: '_default', normal: { tags: ['kept'] }, run_list: ['role[web]'] }));
    const at = { cwd: world.at('chef-repo'), variables: { XDG_CONFIG_HOME: world.at('chef-config') } };
    await world.result('init', ['init', '.', '--admin', 'alice'], at);
    const [, secret] = /VAULT-SECRET-KEY-1(\w+)/.exec(await readFile(world.at('chef-config', 'iam-vault', 'identity'), 'utf8')) ?? [];
    assert.ok(secret);
    world.secrets.add(secret);
    const create = ['create', 'item', 'secrets', 'root', '--from', '-', '--search', 'role:web AND tags:kept'];
    const input = JSON.stringify({ id: 'root', password: SECRET });
    await world.refused('node-unsealable', create, { ...at, input });
    const { file, line } = await world.key('web');
    await world.result('node add', ['node', 'add', 'web', '--key', line, '--force'], at);
    assert.deepEqual(JSON.parse(await readFile(world.at('chef-repo', 'clients', 'web.json'), 'utf8')), { ...rsa, public_key: line });
    await world.result('create item', create, { ...at, input });
    assert.deepEqual((await world.result('show', ['show', 'secrets', 'root', '--values', '--identity', file], at))['values'], { password: SECRET });
    assert.deepEqual((await world.result('verify', ['verify'], at))['problems'], []);
  });

  it('are an attack where an item of ours was seen under that name', async () => {
    await scene.create(ALL_NODES);
    await writeBags();
    const bags = join(scene.world.repository, 'data_bags');
    for (const file of ['root.json', 'root_keys.json']) await copyFile(join(bags, 'old', file), join(bags, 'test', file.replace('root', 'item')));
    await scene.world.refused('document-invalid', ['show', 'test', 'item']);
    const { problems } = await scene.world.result('verify', ['verify'], { exitCode: 5 });
    assert.deepEqual((problems as { item: string; code: string }[]).map(({ item, code }) => `${item} ${code}`), ['item document-invalid']);
  });
});

describe('what chef-vault gets wrong', () => {
  it('deleting an item deletes no other, whatever its name begins or ends with', async () => {
    await scene.create(ALL_NODES);
    for (const item of ['item_key_one', 'item2']) await scene.world.result('create item', ['create', 'item', 'test', item, '--from', '-', '--search', ALL_NODES], { input: '{}' });
    await scene.world.refused('name-invalid', ['create', 'item', 'test', 'item_keys', '--from', '-', '--search', ALL_NODES], { input: '{}' });
    await scene.world.result('delete item', ['delete', 'item', 'test', 'item', '--yes']);
    assert.deepEqual((await readdir(join(scene.world.repository, 'data_bags', 'test'))).sort(), ['item2.json', 'item2_keys.json', 'item_key_one.json', 'item_key_one_keys.json']);
  });

  it('a node or an admin may be called as a member of the documents is', async () => {
    for (const name of ['id', 'clients', 'search_query', 'header']) await scene.world.addNode(name);
    const admins = await addColleague(scene.world, 'admins');
    await scene.world.result('admin add', ['admin', 'add', 'admins', '--file', admins.keyFile]);
    await scene.create('', '--clients', 'id,clients,search_query,header', '--admins', 'alice,admins');
    assert.deepEqual(await scene.recipients(), { admins: ['admins', 'alice'], clients: ['clients', 'header', 'id', 'search_query'] });
    for (const name of ['id', 'clients', 'search_query', 'header']) await scene.world.result('show', show(node(name)));
  });

  it('a name that was slipped into the recipients is given nothing by the next rotation', async () => {
    await scene.create(nodesQuery('one'));
    const path = join(scene.world.repository, 'data_bags', 'test', 'item_keys.json');
    const text = await readFile(path, 'utf8');
    await scene.world.write('repository/data_bags/test/item_keys.json', text.replace('"name":"one"', '"name":"two"'));
    const { items } = await scene.world.result('rotate keys', ['rotate', 'keys', 'test', 'item'], { exitCode: 5 });
    assert.deepEqual((items as { error: { code: string } }[]).map(({ error }) => error.code), ['recipients-digest-mismatch']);
  });

  it('a node needs of a repository its item and the roster, no server and no other item', async () => {
    await scene.create(ALL_NODES);
    const copy = scene.world.at('node-copy');
    await rm(copy, { recursive: true, force: true });
    for (const part of ['data_bags/test', 'trust']) await mkdir(join(copy, part), { recursive: true });
    for (const file of ['vault.json', 'data_bags/test/item.json', 'data_bags/test/item_keys.json', ...(await readdir(join(scene.world.repository, 'trust'))).filter((name) => name.endsWith('.json')).map((name) => `trust/${name}`)]) {
      await copyFile(join(scene.world.repository, file), join(copy, file));
    }
    await scene.world.result('show', [...show(node('one')), '--repository', copy]);
  });
});
