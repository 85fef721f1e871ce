// What git and "vault diff" show of items, what registers them with git, and the history that other commands read.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { itemHistory, type ItemGeneration } from '../../src/git/itemHistory.ts';
import { findWorkTree } from '../../src/git/workTree.ts';
import { parseItem, parseKeys } from '../../src/items/model.ts';
import { openWorld, shaped, type World } from '../scripts/cliWorld.ts';
import { FILES, openGitScene, REF, type GitScene } from '../scripts/gitScene.ts';

interface Diff {
  readonly items: readonly { readonly change: string; readonly from?: { generation: number }; readonly to?: { generation: number; signer: string }; readonly fields: unknown; readonly recipients: unknown; readonly search_query?: unknown; readonly problems?: readonly { code: string }[] }[];
  readonly roster?: { readonly admins: unknown };
}

describe('vault diff', () => {
  let scene: GitScene;
  before(async () => { scene = await openGitScene(); });
  afterEach(() => scene.reset());
  after(() => scene.close());
  const diff = async (...args: string[]): Promise<Diff> => await scene.world.result('diff', ['diff', ...args]) as unknown as Diff;

  it('tells by name what changed, where the identity opens both versions', async () => {
    await scene.change({ fields: { password: 'planted-secret-2', more: 1 }, remove: ['web2'], add: ['web3'], query: 'role:db' });
    await scene.change({ add: ['db1'] });
    const { items: [item, ...others], roster } = await diff('HEAD~2');
    assert.deepEqual([others, roster], [[], undefined]);
    assert.deepEqual([item?.change, item?.from?.generation, item?.to?.generation, item?.to?.signer], ['changed', 1, 3, 'alice']);
    assert.deepEqual(item?.fields, [{ name: 'more', change: 'added' }, { name: 'password', change: 'changed' }]);
    assert.deepEqual(item.recipients, [{ role: 'client', name: 'db1', change: 'added' }, { role: 'client', name: 'web2', change: 'removed' }, { role: 'client', name: 'web3', change: 'added' }]);
    assert.deepEqual(item.search_query, { from: 'role:web', to: 'role:db' });
    assert.deepEqual((await diff('HEAD~2..HEAD~1', 'vault', 'login')).items[0]?.to?.generation, 2);
    assert.deepEqual((await diff('HEAD~2..', 'vault', 'other')).items, []);
    assert.deepEqual(await diff(), { items: [] });
    const text = await scene.world.run(['diff', 'HEAD~2']);
    assert.match(text.stdout, /^ {2}~ field password: changed$/m);
  });

  it('says "encrypted anew" to whoever cannot open both', async () => {
    await scene.change({ fields: { password: 'planted-secret-2' }, remove: ['web2'] });
    const { items } = await diff('HEAD~1', '--identity', scene.world.at('keys', 'web2'));
    assert.deepEqual(items[0]?.fields, ['note', 'password', 'user'].map((name) => ({ name, change: 'encrypted-anew' })));
  });

  it('shows items that come and go, and what cannot be trusted', async () => {
    await scene.done('rm', '-q', ...FILES);
    assert.equal((await diff()).items[0]?.change, 'removed');
    assert.equal((await diff('HEAD~1..HEAD')).items[0]?.change, 'added');
    assert.deepEqual(((await diff('HEAD~1..HEAD')).items[0]?.problems), undefined);
    await scene.done('reset', '-q', '--hard');
    const keys = scene.world.at('repository', FILES[1] ?? '');
    await scene.world.write(`repository/${FILES[1] ?? ''}`, (await readFile(keys, 'utf8')).replace('"role:web"', '"role:any"'));
    assert.deepEqual((await diff()).items[0]?.problems?.map(({ code }) => code), ['signature-invalid']);
  });

  it('refuses what is no revision, and a repository that git does not know', async () => {
    await scene.world.refused('usage', ['diff', 'nowhere']);
    await scene.world.refused('usage', ['diff', '--', '--output=/tmp/x']);
    await scene.world.refused('name-invalid', ['diff', 'HEAD', '../vault']);
    await scene.world.refused('git-failed', ['diff'], { variables: { PATH: '/nonexistent' } });
  });

  it('is what "git diff" and "git log -p" show by the textconv, and shows no secret', async () => {
    await scene.change({ fields: { password: 'planted-secret-2' }, add: ['web3'] });
    for (const args of [['log', '-p', '-1'], ['diff', 'HEAD~1']]) {
      const shown = await scene.done(...args);
      assert.match(shown, /^-generation 1$/m);
      assert.match(shown, /^\+generation 2$/m);
      assert.match(shown, /^\+client web3 [\w-]{43}$/m);
      assert.match(shown, /^\+field password [\w-]{12}$/m);
    }
    for (const [file, kind] of [[FILES[0], 'item'], [FILES[1], 'keys'], ['trust/1.json', 'roster'], ['vault.json', 'other']] as const) {
      assert.equal((await scene.world.result('git textconv', ['git', 'textconv', file ?? '']))['kind'], kind);
    }
    await scene.world.write('repository/odd.json', 'a\u001b[31mb\n\u202ec\n');
    assert.equal((await scene.world.run(['git', 'textconv', 'odd.json'])).stdout, 'a\\u{1b}[31mb\n\\u{202e}c\n');
  });

  it('reads every generation that was ever committed, once, with its item', async () => {
    const read = async (): Promise<ItemGeneration[]> => {
      const tree = await findWorkTree(scene.world.repository, { ...process.env, ...scene.world.variables });
      assert.ok(tree);
      const found: ItemGeneration[] = [];
      for await (const each of itemHistory(tree, REF)) found.push(each);
      const all: ItemGeneration[] = [];
      for await (const each of itemHistory(tree)) all.push(each);
      assert.deepEqual(all, found);
      return found;
    };
    const start = (await read()).length;
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], [{ add: ['web3'] }, { fields: { note: undefined } }]);
    await scene.done('merge', 'theirs');
    await scene.done('checkout', '-qf', 'main');
    await scene.done('branch', '-qD', 'ours', 'theirs');
    const versions = await read();
    assert.equal(versions.length, start + 4, 'reflogs have what no branch has any more');
    assert.ok(versions.every(({ commit, time }) => /^[0-9a-f]{40}$/.test(commit) && !Number.isNaN(Date.parse(time))));
    const merged = versions.find(({ keys }) => parseKeys(keys, 'keys').header.generation === 4);
    assert.ok(merged?.item);
    assert.deepEqual(Object.keys(parseItem(merged.item, 'item').fields), ['password', 'user']);
  });
});

describe('vault git install', () => {
  let world: World;
  before(async () => { world = await openWorld({ empty: true }); });
  after(() => world.close());
  const git = async (cwd: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd, env: { PATH: process.env['PATH'], HOME: world.at('home'), GIT_CONFIG_NOSYSTEM: '1' } })).stdout;
  const make = async (name: string): Promise<string> => {
    await mkdir(world.at(name), { recursive: true });
    await git(world.at(name), 'init', '-q');
    return world.at(name);
  };

  it('is done by init in a git work tree, but for the hook, which nobody is there to ask for', async () => {
    const top = await make('one');
    const made = await world.result('init', ['init', 'one', '--admin', 'alice'], { cwd: world.directory });
    assert.deepEqual(made['git'], { top, attributes: 'present', config: 'written', hooks: [] });
    assert.equal((await world.result('init', ['init', 'plain', '--admin', 'alice'], { cwd: world.directory }))['git'], undefined);
    assert.match(await git(top, 'check-attr', 'merge', 'text', '--', FILES[1] ?? ''), /merge: iam-vault\n.*text: unset/);
    assert.match(await git(top, 'config', 'merge.iam-vault.driver'), / merge-driver %O %A %B %P\n$/);
  });

  it('is idempotent, and keeps what is there', async () => {
    const top = await make('two');
    await world.write('two/.gitattributes', '*.png binary');
    const made = await world.result('init', ['init', 'two', '--admin', 'alice', '--git-hook'], { cwd: world.directory }) as { git: { attributes: string; hooks: { name: string; path: string; state: string }[] } };
    assert.equal(made.git.attributes, 'written');
    assert.deepEqual(made.git.hooks.map(({ name, state }) => [name, state]), [['pre-commit', 'installed'], ['pre-merge-commit', 'installed']]);
    assert.match(await readFile(world.at('two', '.gitattributes'), 'utf8'), /^\*\.png binary\n#/);
    for (const { path } of made.git.hooks) {
      assert.equal((await stat(path)).mode & 0o777, 0o755);
      assert.match(await readFile(path, 'utf8'), / verify --staged --quiet \|\| exit 1\n$/);
    }
    const before = await world.tree();
    const again = await world.result('git install', ['git', 'install'], { cwd: top }) as { attributes: string; config: string; hooks: { state: string }[] };
    assert.deepEqual([again.attributes, again.config, again.hooks.map(({ state }) => state)], ['present', 'present', ['present', 'present']]);
    assert.deepEqual(await world.tree(), before);
  });

  it('never overwrites somebody else\'s hook, and says how to call the check from it', async () => {
    const top = await make('three');
    const hook = await world.write('three/.git/hooks/pre-commit', '#!/bin/sh\nexit 0\n', 0o755);
    await world.result('init', ['init', 'three', '--admin', 'alice', '--no-git-hook'], { cwd: world.directory });
    const { stdout, stderr } = await world.run(['git', 'install', '--json'], { cwd: top });
    const { hooks } = shaped('git install', stdout) as { hooks: { state: string }[] };
    assert.deepEqual(hooks.map(({ state }) => state), ['foreign', 'installed']);
    assert.equal(await readFile(hook, 'utf8'), '#!/bin/sh\nexit 0\n');
    const line = stderr.split('\n').find((each) => each.includes(' verify --staged --quiet '))?.trim() ?? '';
    await world.write('three/.git/hooks/pre-commit', `#!/bin/sh\n${line}\n`, 0o755);
    const now = await world.result('git install', ['git', 'install'], { cwd: top }) as { hooks: { state: string }[] };
    assert.deepEqual(now.hooks.map(({ state }) => state), ['present', 'present']);
  });

  it('respects core.hooksPath, and does not touch hooks that other repositories share', async () => {
    const top = await make('four');
    await world.result('init', ['init', 'four/sub', '--admin', 'alice', '--no-git-hook'], { cwd: world.directory });
    await git(top, 'config', 'core.hooksPath', '.hooks');
    const { hooks } = await world.result('git install', ['git', 'install'], { cwd: world.at('four', 'sub') }) as { hooks: { path: string; state: string }[] };
    assert.deepEqual(hooks.map(({ path, state }) => [path, state]), ['pre-commit', 'pre-merge-commit'].map((name) => [world.at('four', '.hooks', name), 'installed']));
    assert.match(await readFile(world.at('four', '.hooks', 'pre-commit'), 'utf8'), / --repository sub \|\| exit 1/);
    await git(top, 'config', 'core.hooksPath', world.at('shared'));
    const shared = await world.result('git install', ['git', 'install'], { cwd: world.at('four', 'sub') }) as { hooks: { state: string }[] };
    assert.deepEqual(shared.hooks.map(({ state }) => state), ['foreign', 'foreign']);
    assert.ok(![...(await world.tree()).keys()].some((path) => path.startsWith('shared')));
  });

  it('needs a git work tree', async () => {
    await world.refused('git-failed', ['git', 'install'], { cwd: world.at('plain') });
    await world.refused('git-failed', ['git', 'install'], { cwd: world.at('one'), variables: { PATH: '/nonexistent' } });
  });
});
