// The group form by the command line: items that are sealed to an audience, and an agent that opens them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { openAgentScene, type AgentScene } from '../scripts/agentScene.ts';
import { openWorld, ROLE, type World } from '../scripts/cliWorld.ts';

interface Change { readonly item: string; readonly action: string; readonly gained: readonly { name: string }[]; readonly lost: readonly { name: string }[] }

const isAudience = ({ item }: { readonly item: string }): boolean => item.startsWith('audience-');

describe('items that are sealed to an audience', () => {
  let world: World;
  let files02: string;
  before(async () => {
    world = await openWorld();
    for (const user of ['one', 'two']) await world.result('create iam', ['create', 'iam', await world.iamFile(user, { user, group: user, accounts: ['an-aws-account-name'] }), '--audience', 'group']);
  });
  after(() => world.close());

  const items = async (...args: string[]): Promise<Change[]> => ((await world.result('refresh', args)) as { items: Change[] }).items;
  const opens = async (item: string, identity: string): Promise<void> => {
    const end = await world.run(['decrypt', 'vault', item, 'data', '--identity', identity]);
    assert.match((JSON.parse(end.stdout) as { aws_access_key_id: string }).aws_access_key_id, /^AKIA/);
  };

  it('says who can read each, as in the other form', async () => {
    const { items: list } = await world.result('list', ['list']) as { items: object[] };
    assert.deepEqual(list, ['one', 'two'].map((user) => ({ vault: 'vault', item: `an-aws-account-name_${user}`, generation: 1, admins: 1, clients: 1 })));
    const shown = await world.result('show', ['show', 'vault', 'an-aws-account-name_one']);
    assert.deepEqual([shown['admins'], shown['clients'], (shown['audience'] as { epoch: number }).epoch], [['alice'], ['files01'], 1]);
    assert.deepEqual(((await world.result('list', ['list', '--for', 'files01'])) as { items: object[] }).items.length, 2);
  });

  it('run again does nothing, and asks no account to change anything', async () => {
    const written = world.writes().length;
    const tree = await world.tree();
    await world.result('create iam', ['create', 'iam', await world.iamFile('one', { user: 'one', group: 'one', accounts: ['an-aws-account-name'] })]);
    assert.equal(world.writes().length, written);
    for (const [path, digest] of await world.tree()) if (path.startsWith('repository/data_bags/')) assert.equal(digest, tree.get(path), path);
  });

  it('a node that joins is one entry, in the audience alone', async () => {
    files02 = await world.addNode('files02', '--role', ROLE);
    await world.refused('not-a-recipient', ['decrypt', 'vault', 'an-aws-account-name_two', '--identity', files02]);
    const changes = await items('refresh');
    assert.deepEqual(changes.map((each) => [isAudience(each), each.action, each.gained.map(({ name }) => name)]), [[true, 'extended', ['files02']], [false, 'unchanged', []], [false, 'unchanged', []]]);
    for (const user of ['one', 'two']) await opens(`an-aws-account-name_${user}`, files02);
  });

  it('a node that is evicted opens none, and what it could read is told', async () => {
    const end = await world.result('evict', ['evict', 'files01', '--yes']) as { items: Change[]; exposed: { item: string }[] };
    assert.deepEqual(end.items.map(({ action }) => action), ['resealed', 'resealed', 'resealed']);
    assert.deepEqual(end.exposed.map(({ item }) => item), ['an-aws-account-name_one', 'an-aws-account-name_two']);
    await world.refused('not-a-recipient', ['decrypt', 'vault', 'an-aws-account-name_one', '--identity', world.at('keys', 'files01')]);
    for (const user of ['one', 'two']) await opens(`an-aws-account-name_${user}`, files02);
    assert.deepEqual((await world.result('verify', ['verify']) as { problems: object[]; warnings: object[] }).warnings, []);
  });

  it('goes to the other form and back', async () => {
    const inline = await items('refresh', '--regroup', 'inline');
    assert.deepEqual(inline.filter((each) => !isAudience(each)).map(({ action }) => action), ['resealed', 'resealed']);
    assert.deepEqual(Object.keys(JSON.parse(await readFile(world.at('repository', 'data_bags', 'vault', 'an-aws-account-name_one_keys.json'), 'utf8')) as object), ['admins', 'clients', 'header']);
    await opens('an-aws-account-name_one', files02);
    await items('refresh', '--regroup', 'group');
    await opens('an-aws-account-name_one', files02);
    const { items: again } = await world.result('refresh', ['refresh']) as { items: Change[] };
    assert.ok(again.every(({ action }) => action === 'unchanged'));
  });

  it('tells of a change who can open what, however it is listed', async () => {
    const git = (...args: string[]): void => {
      execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], { cwd: world.repository, stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: world.at('home') } });
    };
    git('init', '--quiet');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'before');
    await world.addNode('files03', '--role', ROLE);
    await items('refresh');
    const { items: changes } = await world.result('diff', ['diff', 'HEAD']) as { items: { item: string; recipients: object[]; fields: object[] }[] };
    const joined = [{ role: 'client', name: 'files03', change: 'added' }];
    assert.deepEqual(changes.map(({ item, recipients, fields }) => [item, recipients, fields]), ['one', 'two'].map((user) => [`an-aws-account-name_${user}`, joined, []]));
  });

  it('holds nothing of anybody\'s, and stays as long as something is sealed to it', async () => {
    const { items: all } = await world.result('refresh', ['refresh']) as { items: Change[] };
    const audience = all.find(isAudience)?.item ?? assert.fail('no audience');
    await world.refused('item-is-audience', ['decrypt', 'vault', audience]);
    await world.refused('item-is-audience', ['delete', 'item', 'vault', audience, '--yes']);
    await world.refused('item-is-audience', ['create', 'item', 'vault', `audience-${'0'.repeat(32)}`, '{"a":1}', '--allow-empty']);
  });
});

describe('an agent and an audience', () => {
  let scene: AgentScene;
  before(async () => { scene = await openAgentScene(); });
  after(() => scene.close());

  it('opens what is sealed to its audience, follows its epochs, and starts without a source', async () => {
    await scene.put('a', { value: 1 });
    await scene.put('b', { value: 1 });
    await scene.addNode('n2', 'web');
    assert.equal((await scene.vault('refresh', '--regroup', 'group', '--json')).exitCode, 0);
    const config = await scene.configure({ items: ['vault/a', 'vault/b'] });
    const agent = scene.agent(config);
    for (const item of ['a', 'b']) await agent.logged('item-verified', (line) => line['item'] === item);
    assert.equal((await scene.vault('evict', 'n2', '--yes', '--json')).exitCode, 0);
    await agent.logged('item-verified', (line) => line['item'] === 'b' && (line['generation'] as number) > 2);
    await scene.put('a', { value: 2 });
    await agent.logged('item-verified', (line) => line['item'] === 'a' && (line['generation'] as number) > 3);
    await agent.stop();
    const alone = scene.agent(await scene.configure({ items: ['vault/a', 'vault/b'], source: { type: 'folder', path: scene.at('nowhere'), poll: '100ms' } }, 'alone.json'));
    for (const item of ['a', 'b']) await alone.logged('item-verified', (line) => line['item'] === item && line['from'] === 'cache');
    await alone.stop();
  });

  it('takes an item as soon as somebody lets it in', async () => {
    await scene.addIdentity('late');
    const agent = scene.agent(await scene.configure({ identity: scene.at('config', 'late'), items: ['vault/a'], source: { type: 'folder', path: scene.repository, poll: '1h' }, state_directory: scene.at('state', 'late'), runtime_directory: scene.at('files', 'late') }, 'late.json'));
    await agent.logged('item-failed', (line) => line['code'] === 'not-a-recipient');
    assert.equal((await scene.vault('node', 'add', 'late', '--key', scene.lines.get('late') ?? '', '--role', 'web')).exitCode, 0);
    assert.equal((await scene.vault('refresh', '--json')).exitCode, 0);
    await agent.logged('item-verified', (line) => line['item'] === 'a');
    await agent.stop();
  });
});
