// The main job from outside: check, plan and create iam.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CreateUserCommand } from '@aws-sdk/client-iam';
import { ONE, openWorld, POLICY, QUERY, ROLE, shaped, TWO, type RunOptions, type World } from '../scripts/cliWorld.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';

interface Plan {
  readonly account: string;
  readonly changes: readonly { readonly action: string; readonly resource: string; readonly name: string; readonly removes?: true }[];
  readonly error?: { readonly code: string };
}

/** `plan iam` or `create iam`, which must end with `exitCode`. */
async function job(world: World, verb: 'plan' | 'create', args: readonly string[], exitCode = 0, options?: RunOptions): Promise<Plan[]> {
  const { accounts } = await world.result(`${verb} iam`, [verb, 'iam', ...args], { ...options, exitCode });
  return accounts as Plan[];
}

function summary(plans: readonly Plan[]): string[] {
  return plans.flatMap(({ changes }) => changes.map(({ action, resource, name, removes }) => `${action} ${resource} ${name}${removes === true ? ' removes' : ''}`));
}

async function generationOf(world: World, item: string): Promise<number | undefined> {
  const { items } = await world.result('list', ['list']) as { items: { item: string; generation: number }[] };
  return items.find((each) => each.item === item)?.generation;
}

describe('one IAM file, from nothing to every kind of change', () => {
  let world: World;
  let file: string;
  const item = `${ONE}_app`;
  before(async () => {
    world = await openWorld();
    file = await world.iamFile('app', { accounts: [ONE, TWO] });
  });
  after(() => world.close());

  it('checks without touching an account', async () => {
    await world.iamFile('tested', { policy_tests: [{ allow: 's3:GetObject', on: 'arn:aws:s3:::an-s3-bucket/x' }, { deny: 's3:GetObject', on: 'arn:aws:s3:::other/x' }] });
    const { files } = await world.result('check iam', ['check', 'iam', file, 'iam-json-data/tested.json']) as { files: { tests: { pass: boolean }[] }[] };
    assert.deepEqual(files.map(({ tests }) => tests.map(({ pass }) => pass)), [[], [true, true]]);
    assert.equal(world.server.sandbox.calls().length, 0);
  });

  it('fails a check for a lint error or a policy test, and shows all of them', async () => {
    await world.iamFile('bad', { policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObjekt', Resource: '*' }] }, policy_tests: [{ allow: 's3:GetObject', on: 'arn:aws:s3:::b/x' }] });
    const { files } = await world.result('check iam', ['check', 'iam', 'iam-json-data/bad.json', file], { exitCode: 3 }) as { files: { findings: { severity: string; suggestion?: string }[]; tests: { pass: boolean }[] }[] };
    assert.equal(files.length, 2);
    assert.equal(files[0]?.findings.find(({ severity }) => severity === 'error')?.suggestion, 's3:GetObject');
    assert.deepEqual(files[0].tests.map(({ pass }) => pass), [false]);
    await world.refused('policy-lint', ['create', 'iam', 'iam-json-data/bad.json', file]);
    await world.iamFile('failing', { policy_tests: [{ deny: 's3:GetObject', on: 'arn:aws:s3:::an-s3-bucket/x' }] });
    await world.refused('policy-test-failed', ['plan', 'iam', 'iam-json-data/failing.json']);
  });

  it('plans all of it, changes nothing, and exits with 2', async () => {
    const before = await world.tree();
    const plans = await job(world, 'plan', [file], 2);
    assert.deepEqual(plans.map(({ account }) => account), [ONE, TWO]);
    assert.deepEqual(summary(plans.slice(0, 1)), ['create group app', 'create group-policy app', 'create user app', 'create membership app', 'create access-key app', `create item vault/${item}`]);
    assert.deepEqual(world.writes(), []);
    assert.deepEqual(await world.tree(), before);
    const { stdout, exitCode } = await world.run(['plan', 'iam', file]);
    assert.equal(exitCode, 2);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  });

  it('creates it, tries the new keys, and seals them to admin and node', async () => {
    const plans = await job(world, 'create', [file]);
    assert.deepEqual(plans.map(({ changes }) => changes.length), [6, 6]);
    const { accounts } = world.server.sandbox.summary();
    for (const account of accounts) {
      const user = account.users.find(({ name }) => name === 'app');
      assert.deepEqual(user?.groups, ['app']);
      const keys = account.accessKeys.filter(({ user: owner }) => owner === 'app');
      assert.equal(keys.length, 1);
      assert.notEqual(keys[0]?.lastUsedAt, undefined);
      assert.equal((await world.credentials(`${account.name}_app`)).aws_access_key_id, keys[0]?.id);
    }
    assert.deepEqual(await world.result('list', ['list', 'vault']), { items: [ONE, TWO].map((account) => ({ vault: 'vault', item: `${account}_app`, generation: 1, admins: 1, clients: 1 })) });
  });

  it('does nothing the second time: no write to AWS, no byte in the repository', async () => {
    const [tree, writes] = [await world.tree(), world.writes().length];
    assert.deepEqual(summary(await job(world, 'create', [file])), []);
    assert.deepEqual(summary(await job(world, 'plan', [file])), []);
    assert.equal(world.writes().length, writes);
    assert.deepEqual(await world.tree(), tree);
    const { stdout, stderr, exitCode } = await world.run(['create', 'iam', file]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /unchanged/);
    assert.equal(stderr, '');
    assert.match((await world.run(['plan', 'iam', file])).stdout, /^Everything is in place in 2 accounts\.$/m);
    await world.refused('item-not-found', ['list', 'valt']);
  });

  it('adds a statement at once, and takes one away only when told', async () => {
    const wider = { ...POLICY, Statement: [...POLICY.Statement, { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: 'arn:aws:sqs:eu-central-1:123456789012:q' }] };
    await world.iamFile('app', { accounts: [ONE, TWO], policy: wider });
    assert.deepEqual(summary(await job(world, 'create', [file])), ['update group-policy app', 'update group-policy app']);
    await world.iamFile('app', { accounts: [ONE, TWO] });
    await world.refused('confirmation-needed', ['create', 'iam', file]);
    assert.deepEqual(summary(await job(world, 'create', [file, '--yes'])), ['update group-policy app removes', 'update group-policy app removes']);
    assert.equal(await generationOf(world, item), 1);
  });

  it('seals to a node that the query has come to select, with no new key', async () => {
    const key = await world.credentials(item);
    const identity = await world.addNode('files02', '--role', ROLE);
    assert.deepEqual(summary(await job(world, 'create', [file])).slice(0, 2), ['create recipient files02', `update item vault/${item}`]);
    assert.equal(await generationOf(world, item), 2);
    assert.deepEqual(await world.credentials(item), key);
    const { exitCode } = await world.run(['decrypt', 'vault', item, '--identity', identity]);
    assert.equal(exitCode, 0);
  });

  it('takes a node away only when told', async () => {
    await world.result('node remove', ['node', 'remove', 'files02', '--yes']);
    assert.deepEqual(summary(await job(world, 'plan', [file], 2)).slice(0, 1), ['delete recipient files02 removes']);
    assert.match((await world.run(['plan', 'iam', file])).stdout, /files02 could read access key AKIA\w+, which works until it is replaced/);
    await world.refused('confirmation-needed', ['create', 'iam', file]);
    await job(world, 'create', [file, '--yes']);
    await world.refused('not-a-recipient', ['decrypt', 'vault', item, '--identity', world.at('keys', 'files02')]);
    assert.equal(await generationOf(world, item), 3);
  });

  it('stops at a changed key until it is accepted by name', async () => {
    const { file: identity, line } = await world.key('files01-new');
    await world.result('node add', ['node', 'add', 'files01', '--key', line, '--role', ROLE, '--force']);
    const writes = world.writes().length;
    for (const verb of ['plan', 'create'] as const) {
      await world.refused('key-changed', [verb, 'iam', file, ...(verb === 'create' ? ['--yes'] : [])]);
    }
    assert.equal(await generationOf(world, item), 3);
    await world.refused('recipient-key-changed', ['decrypt', 'vault', item, '--identity', identity]);
    await world.refused('confirmation-needed', ['create', 'iam', file, '--accept-key', 'files01']);
    assert.deepEqual(summary(await job(world, 'create', [file, '--accept-key', 'files01', '--yes'])).slice(0, 1), ['update recipient files01 removes']);
    assert.equal(world.writes().length, writes);
    assert.equal((await world.run(['decrypt', 'vault', item, '--identity', identity])).exitCode, 0);
  });

  it('follows a changed query', async () => {
    await world.addNode('web01', '--role', 'web');
    await world.iamFile('app', { accounts: [ONE, TWO], search_query: `${QUERY} OR role:web` });
    await job(world, 'create', [file]);
    const { stdout } = await world.run(['decrypt', 'vault', item, 'search_query']);
    assert.equal(JSON.parse(stdout), `${QUERY} OR role:web`);
    await world.iamFile('app', { accounts: [ONE, TWO], search_query: 'role:web' });
    await world.refused('confirmation-needed', ['create', 'iam', file]);
    await job(world, 'create', [file, '--yes']);
    await world.refused('not-a-recipient', ['decrypt', 'vault', item, '--identity', world.at('keys', 'files01-new')]);
  });

  it('makes a new key where the one in the item was deleted by hand', async () => {
    const { aws_access_key_id: id } = await world.credentials(item);
    const { DeleteAccessKeyCommand } = await import('@aws-sdk/client-iam');
    await world.operator(ONE).send(new DeleteAccessKeyCommand({ UserName: 'app', AccessKeyId: id }));
    assert.ok((await world.run(['plan', 'iam', file])).stdout.includes(`${id} of the item is gone`));
    assert.ok(summary(await job(world, 'create', [file, '--yes'])).includes('create access-key app'));
    assert.notEqual((await world.credentials(item)).aws_access_key_id, id);
  });
});

describe('several files and accounts', () => {
  let world: World;
  before(async () => { world = await openWorld(); });
  after(() => world.close());

  it('goes on where one account fails, names it, and finishes with the next run', async () => {
    const files = [await world.iamFile('a', { accounts: [ONE, TWO] }), await world.iamFile('b', { accounts: [ONE, TWO], vault: 'second' })];
    world.server.sandbox.setFaults({ fail: [{ action: 'CreateUser', account: TWO, code: 'AccessDenied', times: 2 }] });
    const failed = await job(world, 'create', files, 6);
    assert.deepEqual(failed.map(({ account, error }) => [account, error?.code]), [[ONE, undefined], [TWO, 'aws-refused'], [ONE, undefined], [TWO, 'aws-refused']]);
    const { items } = await world.result('list', ['list']) as { items: { vault: string; item: string }[] };
    assert.deepEqual(items.map(({ vault, item }) => `${vault}/${item}`), [`second/${ONE}_b`, `vault/${ONE}_a`]);
    await job(world, 'create', files);
    assert.deepEqual(summary(await job(world, 'plan', files)), []);
  });

  it('says on stdout what failed, with the code, and repeats it nowhere', async () => {
    const file = await world.iamFile('c', { accounts: [ONE, TWO] });
    world.server.sandbox.setFaults({ fail: [{ action: 'CreateGroup', account: TWO, code: 'AccessDenied' }] });
    const end = await world.run(['create', 'iam', file]);
    assert.equal(end.exitCode, 6);
    assert.match(end.stdout, new RegExp(`done +vault/${ONE}_c`));
    assert.match(end.stdout, new RegExp(`failed +vault/${TWO}_c +aws-refused`));
    assert.equal(end.stderr, '');
    await job(world, 'create', [file]);
  });

  it('takes over what it did not make only when told', async () => {
    await world.operator(ONE).send(new CreateUserCommand({ UserName: 'taken' }));
    const file = await world.iamFile('taken');
    const writes = world.writes().length;
    for (const verb of ['plan', 'create'] as const) assert.deepEqual((await job(world, verb, [file], 6)).map(({ error }) => error?.code), ['iam-user-not-ours']);
    assert.equal(world.writes().length, writes);
    await job(world, 'create', [file, '--adopt']);
    assert.deepEqual(summary(await job(world, 'create', [file])), []);
  });

  it('seals to nobody but admins only when told', async () => {
    const file = await world.iamFile('empty', { search_query: 'role:nobody' });
    await world.refused('query-selects-nobody', ['create', 'iam', file]);
    await job(world, 'create', [file, '--allow-empty']);
    const { items } = await world.result('list', ['list', 'vault']) as { items: { item: string; clients: number }[] };
    assert.equal(items.find(({ item }) => item === `${ONE}_empty`)?.clients, 0);
  });

  it('leaves out nodes without a key only when told, and names them', async () => {
    const node = { name: 'nokey', chef_environment: '_default', run_list: [`role[${ROLE}]`], normal: {}, default: {}, override: {}, automatic: {} };
    await world.write('repository/nodes/nokey.json', JSON.stringify(node));
    const file = await world.iamFile('skipping');
    const error = await world.refused('node-unsealable', ['create', 'iam', file]) as { nodes?: { name: string }[] };
    assert.deepEqual(error.nodes?.map(({ name }) => name), ['nokey']);
    const end = await world.run(['create', 'iam', file, '--skip-unsealable', '--json']);
    assert.equal(end.exitCode, 0, describeEnd(end));
    shaped('create iam', end.stdout);
    assert.match(end.stderr, /nokey/);
    await world.result('node remove', ['node', 'remove', 'nokey', '--yes']);
  });

  it('does not try the new key where it is told not to', async () => {
    const file = await world.iamFile('untried');
    await job(world, 'create', [file, '--no-verify']);
    assert.deepEqual(world.server.sandbox.calls().filter(({ caller }) => caller?.endsWith('user/untried')), []);
  });

  it('waits for a new key to work', async () => {
    world.server.sandbox.setFaults({ propagationDelayMs: 300 });
    await job(world, 'create', [await world.iamFile('patient')]);
    world.server.sandbox.setFaults({ propagationDelayMs: 0 });
  });

  it('holds two files that contradict each other against each other', async () => {
    const files = [await world.iamFile('x1', { user: 'x', group: 'x' }), await world.iamFile('x2', { user: 'x', group: 'y' })];
    await world.refused('input-invalid', ['create', 'iam', ...files]);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends well on ${signal}, and the next run finishes`, async () => {
      const file = await world.iamFile(signal.toLowerCase(), { accounts: [ONE, TWO] });
      world.server.sandbox.setFaults({ hold: [{ action: 'CreateUser', account: TWO, when: 'before' }] });
      const { child, finished } = world.start(['create', 'iam', file, '--json', '--quiet']);
      await world.server.sandbox.waitForHeld();
      child.kill(signal);
      const end = await finished;
      assert.equal(end.signal, null);
      assert.notEqual(end.exitCode, 0, describeEnd(end));
      const { accounts } = shaped('create iam', end.stdout) as unknown as { accounts: Plan[] };
      assert.notEqual(accounts.find(({ account }) => account === TWO)?.error, undefined);
      world.server.sandbox.setFaults({ hold: [] });
      await job(world, 'create', [file]);
      assert.deepEqual(summary(await job(world, 'plan', [file])), []);
      const keys = world.server.sandbox.summary().accounts.map(({ accessKeys }) => accessKeys.filter(({ user }) => user === signal.toLowerCase()).length);
      assert.deepEqual(keys, [1, 1]);
    });
  }

  it('finishes its work when nobody reads what it prints', async () => {
    const file = await world.iamFile('unread');
    const { child, finished } = world.start(['create', 'iam', file]);
    const exited = once(child, 'exit');
    child.stdout?.destroy();
    child.stderr?.destroy();
    await Promise.all([exited, assert.rejects(finished)]);
    assert.equal(child.exitCode, 0);
    assert.deepEqual(summary(await job(world, 'plan', [file])), []);
    await readFile(join(world.repository, 'data_bags', 'vault', `${ONE}_unread.json`));
  });
});
