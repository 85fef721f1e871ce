// Repository and people: init, key, node, admin, search.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { assertSameTree, openWorld, QUERY, ROLE, type World } from '../scripts/cliWorld.ts';
import { newAgeIdentity, newSshKey } from '../scripts/identityFiles.ts';
import { succeed } from '../scripts/vaultScene.ts';

describe('vault init', () => {
  let world: World;
  before(async () => { world = await openWorld({ empty: true }); });
  after(() => world.close());

  it('makes a repository, and an identity outside of it that nobody else can read', async () => {
    const made = await world.result('init', ['init', 'repository', '--admin', 'alice'], { cwd: world.directory });
    assert.equal(made['root'], world.repository);
    assert.equal(made['identity'], world.admin);
    assert.ok(!world.admin.startsWith(world.repository));
    assert.equal((await stat(world.admin)).mode & 0o777, 0o600);
    const files = [...(await world.tree()).keys()].filter((path) => path.startsWith('repository/'));
    for (const file of ['vault.json', 'trust/1.json', 'users/alice.json', 'data_bags/vault', 'iam-json-data']) assert.ok(files.includes(`repository/${file}`), file);
  });

  it('makes none where there is one already', async () => {
    await world.refused('repository-exists', ['init', 'repository', '--admin', 'mallory'], { cwd: world.directory });
  });

  it('uses the identity that is there for the next repository', async () => {
    const made = await world.result('init', ['init', 'second', '--admin', 'alice'], { cwd: world.directory });
    assert.equal(made['identity'], world.admin);
  });

  it('takes an SSH key as the admin', async () => {
    const { privateKey, publicLine } = newSshKey();
    const file = await world.write('home/.ssh/id_ed25519', privateKey, 0o600);
    const made = await world.result('init', ['init', 'third', '--admin', 'bob', '--identity', file], { cwd: world.directory });
    assert.equal(made['identity'], file);
    const { public_key } = made['admin'] as { public_key: string };
    assert.equal(public_key.split(' ')[1], publicLine.trim().split(' ')[1]);
  });

  it('makes nothing for an admin who could not sign, or whose name is no name', async () => {
    const age = await world.write('keys/age', newAgeIdentity(), 0o600);
    await world.refused('not-an-admin', ['init', 'fourth', '--admin', 'carol', '--identity', age], { cwd: world.directory });
    await world.refused('name-invalid', ['init', 'fourth', '--admin', '../carol', '--identity', world.admin], { cwd: world.directory });
    await world.refused('identity-missing', ['init', 'fourth', '--admin', 'carol', '--identity', world.at('nowhere')], { cwd: world.directory });
  });

  it('makes no identity where it can make no repository', async () => {
    await world.refused('name-invalid', ['init', 'fourth', '--admin', '../carol'], { cwd: world.directory, variables: { XDG_CONFIG_HOME: world.at('fresh') } });
    await world.refused('repository-exists', ['init', 'repository', '--admin', 'carol'], { cwd: world.directory, variables: { XDG_CONFIG_HOME: world.at('fresh') } });
  });

  it('changes nothing in a chef-repo that knife downloaded, and works with it', async () => {
    const { line } = await world.key('db01');
    const { publicKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
    const node = (name: string, ...run_list: string[]): string =>
      JSON.stringify({ name, chef_environment: 'production', json_class: 'Chef::Node', chef_type: 'node', automatic: { fqdn: `${name}.example.com` }, normal: { tags: ['canary'] }, default: {}, override: {}, run_list }, undefined, 2);
    await world.write('chef-repo/nodes/db01.json', node('db01', 'role[base]'));
    await world.write('chef-repo/nodes/web01.json', node('web01', 'role[web]'));
    await world.write('chef-repo/clients/db01.json', JSON.stringify({ name: 'db01', validator: false, public_key: line }));
    await world.write('chef-repo/clients/web01.json', JSON.stringify({ name: 'web01', validator: false, public_key: rsa }));
    await world.write('chef-repo/roles/base.json', JSON.stringify({ name: 'base', json_class: 'Chef::Role', chef_type: 'role', run_list: ['role[database]'], default_attributes: {}, override_attributes: {}, env_run_lists: {} }));
    await world.write('chef-repo/roles/database.json', JSON.stringify({ name: 'database', json_class: 'Chef::Role', chef_type: 'role', run_list: ['recipe[postgresql]'], default_attributes: {}, override_attributes: {}, env_run_lists: {} }));
    await world.write('chef-repo/README.md', 'ours\n');
    const original = await world.tree();
    await world.result('init', ['init', 'chef-repo', '--admin', 'alice'], { cwd: world.directory });
    const now = await world.tree();
    assertSameTree(original, new Map([...now].filter(([path]) => original.has(path))));

    const cwd = world.at('chef-repo');
    const { nodes } = await world.result('node list', ['node', 'list'], { cwd }) as { nodes: { name: string; key_type?: string; problem?: string }[] };
    assert.deepEqual(nodes.map(({ name, key_type }) => [name, key_type]), [['db01', 'vault'], ['web01', undefined]]);
    assert.match(nodes[1]?.problem ?? '', /./);
    for (const query of ['roles:database', 'recipes:postgresql', 'fqdn:db01*', 'tags:canary AND NOT role:web']) {
      assert.deepEqual((await world.result('search', ['search', query], { cwd }))['nodes'], [{ name: 'db01' }], query);
    }
  });
});

describe('keys, nodes, admins and queries', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
    await world.addNode('web01', '--role', 'web', '--environment', 'production', '--tag', 'canary', '--attributes', '{"team":{"name":"payments"}}');
    await world.addNode('db01', '--run-list', 'role[db],recipe[postgresql::server]');
  });
  after(() => world.close());

  it('makes an identity, and never replaces one', async () => {
    const { file, line } = await world.key('somebody');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const shown = await world.result('key show', ['key', 'show', '--identity', file]);
    assert.equal(shown['public_key'], line);
    await world.refused('identity-exists', ['key', 'generate', '--output', file]);
    await world.refused('usage', ['key', 'generate', '--output', world.at('keys', 'new'), '--passphrase']);
  });

  it('shows the public key of every kind of identity', async () => {
    const { privateKey, publicLine } = newSshKey();
    const ssh = await world.result('key show', ['key', 'show', '-i', await world.write('keys/ssh', privateKey, 0o600)]);
    assert.equal(ssh['type'], 'ssh-ed25519');
    assert.equal(String(ssh['public_key']).split(' ')[1], publicLine.trim().split(' ')[1]);
    const age = await world.result('key show', ['key', 'show', '-i', await world.write('keys/age', newAgeIdentity(), 0o600)]);
    assert.equal(age['type'], 'age');
    assert.equal(age['signing_key'], undefined);
    assert.equal((await world.result('key show', ['key', 'show']))['identity'], world.admin);
  });

  it('lists and shows nodes', async () => {
    const { nodes } = await world.result('node list', ['node', 'list']) as { nodes: { name: string; environment: string; run_list: string[] }[] };
    assert.deepEqual(nodes.map(({ name, environment, run_list }) => [name, environment, run_list]), [
      ['db01', '_default', ['role[db]', 'recipe[postgresql::server]']], ['files01', '_default', [`role[${ROLE}]`]], ['web01', 'production', ['role[web]']],
    ]);
    const shown = await world.result('node show', ['node', 'show', 'web01']) as { node: { normal: unknown } };
    assert.deepEqual(shown.node.normal, { team: { name: 'payments' }, tags: ['canary'] });
    const { stdout } = await succeed(world.run(['node', 'list']));
    assert.equal(stdout.trimEnd().split('\n').length, 4);
  });

  it('takes a public key from a file, as ssh-keygen writes it', async () => {
    const { publicLine } = newSshKey();
    const file = await world.write('keys/host.pub', publicLine);
    const added = await world.result('node add', ['node', 'add', 'ssh01', '--key-file', file]);
    assert.equal(added['key_type'], 'ssh-ed25519');
    assert.deepEqual(await world.result('node remove', ['node', 'remove', 'ssh01', '--yes']), { removed: 'ssh01' });
  });

  it('replaces a node only when told, and removes none unasked', async () => {
    const { line } = await world.key('web01-new');
    await world.refused('party-exists', ['node', 'add', 'web01', '--key', line, '--role', 'web']);
    await world.refused('confirmation-needed', ['node', 'remove', 'web01']);
    const error = await world.refused('party-not-found', ['node', 'show', 'web1']);
    assert.match(String(error['hint']), /web01/);
    await world.refused('party-not-found', ['node', 'remove', 'nobody', '--yes']);
    await world.addNode('gone', '--role', 'web');
    const { line: other } = await world.key('other');
    assert.notEqual((await world.result('node add', ['node', 'add', 'gone', '--key', other, '--force']))['fingerprint'], undefined);
    await world.result('node remove', ['node', 'remove', 'gone', '--yes']);
    await world.refused('party-not-found', ['node', 'show', 'gone']);
  });

  it('replaces the key of a node and keeps all else, but for what is named', async () => {
    const { line } = await world.key('kept');
    const automatic = { fqdn: 'kept.example.com', load: 0.5 };
    const node = { name: 'kept', json_class: 'Chef::Node', chef_environment: 'production', run_list: ['role[web]'], automatic, normal: { team: 'a', tags: ['x'] }, default: {}, override: {}, chef_type: 'node' };
    const [nodes, clients] = ['repository/nodes/kept.json', 'repository/clients/kept.json'];
    const path = await world.write(nodes, JSON.stringify(node));
    const client = await world.write(clients, JSON.stringify({ name: 'kept', validator: false, public_key: 'none' }));
    const before = await readFile(path, 'utf8');
    const replaced = await succeed(world.run(['node', 'add', 'kept', '--key', line, '--force']));
    assert.match(replaced.stdout, /^Replaced the key of kept: /);
    assert.equal(replaced.stderr, '');
    assert.equal(await readFile(path, 'utf8'), before);
    assert.deepEqual(JSON.parse(await readFile(client, 'utf8')), { name: 'kept', validator: false, public_key: line });

    const changed = await succeed(world.run(['node', 'add', 'kept', '--key', line, '--force', '--role', 'db', '--tag', 'y']));
    assert.match(changed.stdout, /^Replaced kept: /);
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { ...node, run_list: ['role[db]'], normal: { team: 'a', tags: ['y'] } });

    const twin = await succeed(world.run(['node', 'add', 'twin', '--key', line]));
    assert.match(twin.stderr, /^warning: kept has the same key/);
    for (const name of ['kept', 'twin']) await world.result('node remove', ['node', 'remove', name, '--yes']);
  });

  it('says what is meant by a public key in place of an identity', async () => {
    const file = await world.write('keys/named.pub', newSshKey().publicLine);
    assert.match(String((await world.refused('identity-invalid', ['key', 'show', '-i', file]))['hint']), /public key/);
  });

  it('shows the roster', async () => {
    const roster = await world.result('admin list', ['admin', 'list']) as { version: number; quorum: number; admins: { name: string }[]; fingerprint: string; repository: string };
    assert.deepEqual([roster.version, roster.quorum, roster.admins.map(({ name }) => name)], [1, 1, ['alice']]);
    assert.equal(roster.fingerprint, roster.repository);
    await world.result('admin list', ['admin', 'list', '--pin', roster.fingerprint]);
    await world.refused('roster-pin-mismatch', ['admin', 'list', '--pin', `A${roster.fingerprint.slice(1)}`]);
  });

  it('finds the repository from a folder inside, by variable and by flag', async () => {
    const inside = world.at('repository', 'data_bags', 'vault');
    await mkdir(inside, { recursive: true });
    await world.result('list', ['list'], { cwd: inside });
    await world.result('list', ['list'], { cwd: world.directory, variables: { VAULT_REPOSITORY: world.repository } });
    await world.result('list', ['list', '--repository', 'repository'], { cwd: world.directory });
    await world.refused('repository-missing', ['list'], { cwd: world.directory });
    await world.refused('repository-missing', ['list', '-r', 'nowhere'], { cwd: world.directory });
  });

  it('shows what a query selects, and why', async () => {
    assert.deepEqual(await world.result('search', ['search', QUERY]), { query: QUERY, nodes: [{ name: 'files01' }] });
    assert.deepEqual((await world.result('search', ['search', 'name:nobody']))['nodes'], []);
    const why = await world.result('search --why', ['search', 'role:web AND NOT tags:canary', '--why', 'web01']) as { matched: boolean; explanation: { clauses: { decisive: boolean; matched: boolean }[] } };
    assert.equal(why.matched, false);
    assert.deepEqual(why.explanation.clauses.map(({ decisive }) => decisive), [false, true]);
    await world.refused('party-not-found', ['search', QUERY, '--why', 'files02']);
  });

  it('warns of a field that no node has', async () => {
    assert.match((await succeed(world.run(['search', 'roll:web']))).stderr, /^warning: No node has a field "roll"\. Did you mean role\?$/m);
    assert.doesNotMatch((await succeed(world.run(['search', 'team_name:x OR policy_name:y']))).stderr, /warning/);
  });

  it('warns, on stderr alone, of a query that mixes AND and OR', async () => {
    const query = 'role:web OR role:db AND role:x';
    const { stdout, stderr } = await succeed(world.run(['search', query, '--json']));
    assert.deepEqual(JSON.parse(stdout), { query, nodes: [] });
    assert.match(stderr, /role:db AND role:x/);
    assert.equal((await succeed(world.run(['search', query, '--quiet']))).stderr, '');
    assert.match((await succeed(world.run(['search', query, '--why', 'web01']))).stderr, /role:db AND role:x/);
    assert.doesNotMatch((await succeed(world.run(['search', '(role:web OR role:db) AND name:w*']))).stderr, /warning/);
  });

  it('names the column of a query that cannot be read', async () => {
    for (const [query, column] of [['role:', 6], ['web', 1], ['role:web~', 9], ['(role:web', 1]] as const) {
      const error = await world.refused('query-invalid', ['search', query]);
      assert.equal(error['column'], column, query);
    }
  });

  it('writes its files for git: sorted, one line end', async () => {
    const text = await readFile(world.at('repository', 'nodes', 'web01.json'), 'utf8');
    assert.ok(text.endsWith('}\n') && !text.includes('\r'));
  });
});
