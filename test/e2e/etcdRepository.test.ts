// A repository in etcd, by the real command line: what is there for files works on it unchanged; and moving between both.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openWorld, type World } from '../scripts/cliWorld.ts';
import { startEtcd, untilHealthy, type EtcdCluster } from '../scripts/etcdCluster.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

const run = promisify(execFile);
const PRELOAD = fileURLToPath(new URL('../scripts/killAtEtcdCall.mjs', import.meta.url));

describe('a repository in etcd', () => {
  let etcd: EtcdCluster;
  let world: World;
  let web01: string;
  before(async () => {
    etcd = await startEtcd();
    world = await openWorld({ empty: true });
    const made = await world.result('init', ['init', 'repository', '--admin', 'alice', '--etcd', etcd.endpoints[0] ?? '', '--etcd-prefix', '/iam-vault/a/'], { cwd: world.directory });
    assert.equal(made['root'], world.repository);
    web01 = await world.addNode('web01', '--role', 'web');
  });
  after(async () => {
    await world.close();
    await etcd.close();
  });

  const create = (item: string, values: object, cwd: string, ...flags: string[]): Promise<unknown> => world.result('create item', ['create', 'item', 'vault', item, '--from', '-', ...flags], { cwd, input: JSON.stringify(values) });
  const read = async (item: string, identity = web01, options: Parameters<World['run']>[1] = {}): Promise<unknown> => {
    const end = await world.run(['decrypt', 'vault', item, '--identity', identity], options);
    assert.equal(end.exitCode, 0, describeEnd(end));
    return JSON.parse(end.stdout);
  };
  const rewrite = async (change: (store: Record<string, unknown>) => object): Promise<void> => {
    const path = join(world.repository, 'vault.json');
    const config = JSON.parse(await readFile(path, 'utf8')) as { store: Record<string, unknown> };
    await writeFile(path, JSON.stringify({ ...config, store: change(config.store) }));
  };

  it('is one directory with vault.json, and is made once', async () => {
    assert.deepEqual([...(await world.tree()).keys()].filter((path) => path.startsWith('repository/')).sort(), ['repository/iam-json-data', 'repository/vault.json']);
    const again = ['--etcd', etcd.endpoints[0] ?? '', '--etcd-prefix', '/iam-vault/a/'];
    await world.key('mallory');
    await world.refused('repository-exists', ['init', world.repository, '--admin', 'mallory', ...again]);
    await world.refused('repository-exists', ['init', world.at('keys'), '--admin', 'mallory', '-i', world.at('keys', 'mallory'), ...again]);
    await world.refused('input-invalid', ['init', world.at('keys'), '--admin', 'alice', '--etcd', 'etcd:2379', '--etcd-prefix', '/x/']);
  });

  it('takes every command for items and people unchanged', async () => {
    await create('db', { password: 'one-one-one' }, world.repository, '--search', 'role:web');
    assert.deepEqual(await read('db'), { password: 'one-one-one' });
    await world.result('update', ['update', 'vault', 'db', '--yes', '--from', '-'], { input: '{"password":"two-two-two"}' });
    const web02 = await world.addNode('web02', '--role', 'web');
    const refreshed = await world.result('refresh', ['refresh', '--yes']) as { items: { action: string; generation: number }[] };
    assert.deepEqual(refreshed.items.map(({ action, generation }) => [action, generation]), [['extended', 3]]);
    assert.deepEqual(await read('db', web02), { password: 'two-two-two' });
    const bob = await world.key('bob');
    await world.result('admin add', ['admin', 'add', 'bob', '--key', bob.line, '--signing-key', await signingKey(bob.file), '--yes']);
    await world.result('rotate keys', ['rotate', 'keys', 'vault', 'db', '--yes']);
    assert.deepEqual(await read('db', bob.file), { password: 'two-two-two' });
    const shown = await world.result('show', ['show', 'vault', 'db']) as { admins: string[]; clients: string[]; generation: number };
    assert.deepEqual([shown.admins, shown.clients], [['alice', 'bob'], ['web01', 'web02']]);
    await world.result('evict', ['evict', 'web02', '--yes']);
    const error = await world.refused('not-a-recipient', ['decrypt', 'vault', 'db', '-i', web02]);
    assert.match(String(error['message']), /./);
    const verified = await world.result('verify', ['verify']) as { problems: unknown[]; items: number };
    assert.deepEqual([verified.problems, verified.items], [[], 1]);
    const listed = await world.result('list', ['list']) as { items: { item: string; clients: number }[] };
    assert.deepEqual(listed.items.map(({ item, clients }) => [item, clients]), [['db', 1]]);
    await world.refused('item-not-found', ['show', 'vault', 'nothing']);
  });

  it('says of what is about files and git that it is', async () => {
    for (const args of [['diff', 'HEAD'], ['verify', '--staged']]) await world.refused('git-failed', args);
  });

  it('is one place, whatever the etcd is called, and another roster there is no other place', async () => {
    const [endpoint = ''] = etcd.endpoints;
    await rewrite((store) => ({ ...store, endpoints: [endpoint.replace('127.0.0.1', 'localhost'), endpoint] }));
    assert.deepEqual(await read('db'), { password: 'two-two-two' });
    await world.result('init', ['init', 'other', '--admin', 'alice', '--etcd', endpoint, '--etcd-prefix', '/iam-vault/b/'], { cwd: world.directory });
    await rewrite((store) => ({ ...store, prefix: '/iam-vault/b/' }));
    await world.refused('roster-rollback', ['list']);
    await rewrite((store) => ({ ...store, prefix: '/iam-vault/wrong/' }));
    await world.refused('roster-rollback', ['list']);
    await rewrite((store) => ({ ...store, prefix: '/iam-vault/a/', endpoints: ['http://127.0.0.1:1'] }));
    await world.refused('store-unreachable', ['list']);
    await rewrite((store) => ({ ...store, endpoints: [endpoint] }));
  });

  it('sends a password to nobody whom its own file does not name, and reads no file that others can', async () => {
    const [endpoint = ''] = etcd.endpoints;
    const credentials = await world.write('home/etcd.json', JSON.stringify({ endpoints: ['https://etcd.example.org:2379'], user: 'alice', password: 'PLANTED-zqxjkvbwzqxjkvbw' }), 0o600);
    world.secrets.add('PLANTED-zqxjkvbwzqxjkvbw');
    await rewrite((store) => ({ ...store, credentials_file: '~/etcd.json' }));
    await world.refused('repository-foreign', ['list']);
    await rewrite((store) => ({ ...store, endpoints: ['http://etcd.example.org:2379'] }));
    await world.refused('repository-foreign', ['list']);
    await world.write('home/etcd.json', (await readFile(credentials, 'utf8')).replace('https:', 'http:'), 0o600);
    await world.refused('input-invalid', ['list']);
    await world.write('home/etcd.json', await readFile(credentials, 'utf8'), 0o644);
    await world.refused('identity-too-open', ['list']);
    await rewrite((store) => ({ ...store, credentials_file: world.admin }));
    await world.refused('input-not-json', ['list']);
    await rewrite((store) => ({ ...store, endpoints: [endpoint], tls: { ca_file: 'ca.pem' }, credentials_file: undefined }));
    await world.refused('input-invalid', ['list']);
    await rewrite(({ tls: _tls, ...store }) => store);
  });

  it('moves to files and back to the same bytes, whenever it is killed, and mixes with nothing', async () => {
    await create('second', { token: 'three-three-three' }, world.repository, '--clients', 'web01');
    await create('gone', { token: 'x-x-x-x-x' }, world.repository, '--search', 'role:web');
    await world.result('delete item', ['delete', 'item', 'vault', 'gone', '--yes']);
    const files = world.at('files');
    const moved = await world.result('migrate', ['migrate', '--from', 'repository', '--to', 'files'], { cwd: world.directory }) as { items: number; rosters: number; changed: number };
    assert.deepEqual([moved.items, moved.rosters], [2, 2]);
    assert.deepEqual(await read('db', web01, { cwd: files }), { password: 'two-two-two' });
    await world.result('verify', ['verify'], { cwd: files });

    const config = await world.write('elsewhere/etcd.json', JSON.stringify({ format: 'iam-vault/1', store: { engine: 'etcd', endpoints: etcd.endpoints, prefix: '/iam-vault/moved/' } }));
    const migrate = ['migrate', '--from', files, '--to', config];
    let killed = 0;
    for (let kill = 8; ; kill += 13) {
      const end = await world.run(migrate, { cwd: world.directory, nodeOptions: ['--import', PRELOAD], variables: { KILL_AT_ETCD_CALL: String(kill) } });
      if (end.signal !== 'SIGKILL') {
        assert.equal(end.exitCode, 0, describeEnd(end));
        break;
      }
      killed++;
      if (killed !== 2) continue;
      // Half of it is no repository, and nothing else goes there.
      await cp(config, world.at('elsewhere', 'vault.json'));
      await world.refused('roster-missing', ['list'], { cwd: world.at('elsewhere') });
      // Nor does anybody write to it by mistake: the migration would take that away.
      await world.refused('roster-missing', ['node', 'add', 'web09', '--key', (await world.key('web09')).line], { cwd: world.at('elsewhere') });
      await rm(world.at('elsewhere', 'vault.json'));
      await world.refused('repository-exists', ['migrate', '--from', 'other', '--to', config], { cwd: world.directory });
    }
    assert.ok(killed >= 3, String(killed));
    assert.equal((await world.result('migrate', migrate, { cwd: world.directory }))['changed'], 0, 'all of it is there already');
    await world.refused('repository-exists', ['migrate', '--from', 'other', '--to', config], { cwd: world.directory });
    await world.refused('repository-exists', ['migrate', '--from', 'other', '--to', files], { cwd: world.directory });
    await world.refused('repository-missing', ['migrate', '--from', 'nowhere', '--to', files], { cwd: world.directory });
    await world.refused('usage', ['migrate', '--from', files, '--to', join(files, 'vault.json')], { cwd: world.directory });
    await mkdir(world.at('taken', 'nodes'), { recursive: true });
    await world.write('taken/nodes/mine.json', '{}');
    await world.refused('repository-exists', ['migrate', '--from', config, '--to', 'taken'], { cwd: world.directory });

    const back = ['migrate', '--from', config, '--to', 'back'];
    for (const kill of ['16', '24']) {
      const { signal } = await world.run(back, { cwd: world.directory, nodeOptions: ['--import', PRELOAD], variables: { KILL_AT_ETCD_CALL: kill } });
      assert.equal(signal, 'SIGKILL');
    }
    await world.refused('repository-missing', ['list', '-r', 'back'], { cwd: world.directory });
    await world.result('migrate', back, { cwd: world.directory });
    await rm(join(files, '.vault.lock'), { force: true });
    await rm(world.at('back', '.vault.lock'), { force: true });
    assert.equal((await run('diff', ['-r', files, world.at('back')])).stdout, '');

    // In the place of the old vault.json, the new one is the same repository: nobody trusts anything anew.
    await rename(config, join(files, 'vault.json'));
    await succeed(world.run(['update', 'vault', 'db', '--yes', '--from', '-'], { cwd: files, input: '{"password":"four-four-four"}' }));
    const { stderr } = await succeed(world.run(['decrypt', 'vault', 'db', '-i', web01], { cwd: files }));
    assert.equal(stderr, '');
  });

  it('is refused where it was put back to an older state, until what is missing is made anew', async () => {
    const [cwd, snapshot] = [world.at('files'), world.at('snapshot')];
    await etcd.etcdctl('snapshot', 'save', snapshot);
    await world.result('update', ['update', 'vault', 'db', '--yes', '--from', '-'], { cwd, input: '{"password":"five-five-five"}' });
    await create('late', { token: 'six-six-six' }, cwd, '--search', 'role:web');
    await read('late', web01, { cwd });
    await etcd.members[0]?.kill();
    await rm(join(etcd.directory, 'm0'), { recursive: true });
    await etcd.etcdctl('snapshot', 'restore', snapshot, '--data-dir', join(etcd.directory, 'm0'), '--name', 'm0', ...etcd.bootstrap);
    await etcd.members[0]?.start();
    await untilHealthy(etcd);
    await world.refused('generation-rollback', ['decrypt', 'vault', 'db', '-i', web01], { cwd });
    await world.refused('item-missing', ['decrypt', 'vault', 'late', '-i', web01], { cwd });
    const { problems } = await world.result('verify', ['verify'], { cwd, exitCode: 5 }) as { problems: { item: string; code: string }[] };
    assert.deepEqual(problems.map(({ item, code }) => [item, code]), [['db', 'generation-rollback'], ['late', 'item-missing']]);
    await world.result('delete item', ['delete', 'item', 'vault', 'db', '--yes'], { cwd });
    await create('db', { password: 'five-five-five' }, cwd, '--search', 'role:web');
    await create('late', { token: 'six-six-six' }, cwd, '--search', 'role:web', '--recreate');
    assert.deepEqual([await read('db', web01, { cwd }), await read('late', web01, { cwd })], [{ password: 'five-five-five' }, { token: 'six-six-six' }]);
    assert.deepEqual((await world.result('verify', ['verify'], { cwd }))['problems'], []);
  });

  async function signingKey(file: string): Promise<string> {
    return String((await world.result('key show', ['key', 'show', '-i', file]))['signing_key']);
  }
});
