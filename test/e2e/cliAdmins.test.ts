// The roster: admins are added and removed, by one or by a quorum; items follow.
import assert from 'node:assert/strict';
import { access, readFile, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { ONE, openWorld, ROLE, type World } from '../scripts/cliWorld.ts';
import { addColleague, trustRosterAs, type Colleague } from '../scripts/colleagues.ts';
import { newAgeIdentity, newSshKey } from '../scripts/identityFiles.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';

interface Outcome {
  readonly state: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly added: readonly { readonly name: string }[];
  readonly removed: readonly string[];
  readonly signed: readonly string[];
  readonly needed: number;
  readonly already_signed: boolean;
  readonly items: readonly { readonly item: string; readonly done?: string; readonly error?: { readonly code: string } }[];
}

interface RosterJson {
  readonly version: number;
  readonly quorum: number;
  readonly fingerprint: string;
  readonly admins: readonly { readonly name: string }[];
  readonly proposals: readonly { readonly fingerprint: string; readonly state: string; readonly signed?: readonly string[]; readonly missing?: readonly string[]; readonly added?: readonly { readonly name: string }[] }[];
}

const item = (user: string): string => `${ONE}_${user}`;

async function rosterOf(world: World): Promise<RosterJson> {
  return await world.result('admin list', ['admin', 'list']) as unknown as RosterJson;
}

async function change(world: World, schema: 'admin add' | 'admin remove' | 'admin quorum' | 'admin approve', args: readonly string[], who?: Colleague): Promise<Outcome> {
  const [named = '', ...flags] = args;
  const words = [...schema.split(' '), ...flags, '--', named];
  return await world.result(schema, words, who === undefined ? {} : { variables: who.variables }) as unknown as Outcome;
}

async function keysOf(world: World, user: string): Promise<{ header: { generation: number; signer: string; commitment: string }; admins: { name: string }[] }> {
  return JSON.parse(await readFile(world.at('repository', 'data_bags', 'vault', `${item(user)}_keys.json`), 'utf8')) as Awaited<ReturnType<typeof keysOf>>;
}

async function createItem(world: World, user: string, more: Record<string, unknown> = {}, who?: Colleague): Promise<void> {
  const path = await world.iamFile(user, more);
  await world.result('create iam', ['create', 'iam', path, '--yes'], who === undefined ? {} : { variables: who.variables });
}

/** A command of somebody else that fails and changes nothing, once they have seen the repository as it is. */
async function refusedAs(world: World, { variables }: Colleague, code: ErrorCode, args: readonly string[]): Promise<Record<string, unknown>> {
  await world.result('list', ['list'], { variables });
  return await world.refused(code, args, { variables });
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

async function assertOpens(world: World, user: string, who?: Colleague): Promise<void> {
  const end = await world.run(['decrypt', 'vault', item(user)], who === undefined ? {} : { variables: who.variables });
  assert.equal(end.exitCode, 0, describeEnd(end));
}

describe('admins, one after the other', () => {
  let world: World;
  let [bob, carol, dave]: Colleague[] = [];
  const people = (): readonly [Colleague, Colleague, Colleague] => {
    assert.ok(bob !== undefined && carol !== undefined && dave !== undefined);
    return [bob, carol, dave];
  };
  before(async () => {
    world = await openWorld();
    [bob, carol, dave] = [await addColleague(world, 'bob'), await addColleague(world, 'carol'), await addColleague(world, 'dave')];
    await createItem(world, 'shared');
    await createItem(world, 'private', { admins: ['alice'] });
    for (const user of ['shared', 'private']) await world.credentials(item(user));
  });
  after(() => world.close());

  it('bad input changes nothing', async () => {
    const [other] = people();
    const add = ['admin', 'add', 'bob'];
    await world.refused('usage', add);
    await world.refused('usage', [...add, '--signing-key', other.signingLine]);
    await world.refused('usage', [...add, '--key', other.publicLine, '--file', other.keyFile]);
    await world.refused('key-invalid', [...add, '--key', other.publicLine]);
    await world.refused('key-invalid', [...add, '--key', other.signingLine, '--signing-key', other.publicLine]);
    const age = await world.write('keys/age', newAgeIdentity(), 0o600);
    const { public_key: ageLine } = await world.result('key show', ['key', 'show', '-i', age]);
    await world.refused('key-invalid', [...add, '--key', String(ageLine)]);
    await world.refused('name-invalid', ['admin', 'add', '../bob', '--file', other.keyFile]);
    await world.refused('input-unreadable', [...add, '--file', world.at('nowhere')]);
    await world.refused('party-exists', ['admin', 'add', 'alice', '--file', other.keyFile]);
    await world.refused('roster-unreachable', [...add, '--file', other.keyFile, '--quorum', '3']);
    await world.refused('roster-unreachable', [...add, '--file', other.keyFile, '--quorum', '0']);
    await world.refused('roster-unreachable', ['admin', 'remove', 'alice', '--yes']);
    await world.refused('roster-unreachable', ['admin', 'quorum', '2']);
    await world.refused('proposal-not-found', ['admin', 'approve', '--yes']);
    await world.refused('proposal-not-found', ['admin', 'approve', '--yes', '../../vault']);
    await world.refused('proposal-not-found', ['admin', 'withdraw', 'A'.repeat(43)]);
    const error = await world.refused('party-not-found', ['admin', 'remove', 'alcie', '--yes']);
    assert.match(String(error['hint']), /alice/);
  });

  it('a stranger can neither propose nor approve', async () => {
    const [other] = people();
    await world.refused('roster-untrusted', ['admin', 'add', 'bob', '--file', other.keyFile], { variables: other.variables });
    await trustRosterAs(world, other);
    await refusedAs(world, other, 'not-an-admin', ['admin', 'add', 'bob', '--file', other.keyFile]);
  });

  it('adds one at once where the quorum is one, and seals to them what is for everyone', async () => {
    const [other] = people();
    await refusedAs(world, other, 'not-a-recipient', ['decrypt', 'vault', item('shared')]);
    const before = await keysOf(world, 'private');
    const done = await change(world, 'admin add', ['bob', '--file', other.keyFile]);
    assert.deepEqual([done.state, done.version, done.added.map(({ name }) => name), done.items.map((each) => [each.item, each.done])], ['in-effect', 2, ['bob'], [[item('shared'), 'extended']]]);
    const roster = await rosterOf(world);
    assert.deepEqual([roster.version, roster.quorum, roster.admins.map(({ name }) => name), roster.proposals], [2, 1, ['alice', 'bob'], []]);
    assert.deepEqual(JSON.parse(await readFile(world.at('repository', 'users', 'bob.json'), 'utf8')), { name: 'bob', public_key: other.publicLine, signing_key: other.signingLine });
    await assertOpens(world, 'shared', other);
    await assertOpens(world, 'shared');
    assert.deepEqual(await keysOf(world, 'private'), before);
    await refusedAs(world, other, 'not-a-recipient', ['decrypt', 'vault', item('private')]);
    await world.refused('party-exists', ['admin', 'add', 'bob', '--file', other.keyFile]);
  });

  it('takes the keys from users/ only after a question', async () => {
    const [, third] = people();
    await world.write('repository/users/carol.json', JSON.stringify({ name: 'carol', public_key: third.publicLine, signing_key: third.signingLine }));
    await world.refused('confirmation-needed', ['admin', 'add', 'carol', '--quorum', '2']);
    const done = await change(world, 'admin add', ['carol', '--quorum', '2', '--yes']);
    assert.deepEqual([done.state, done.version], ['in-effect', 3]);
    assert.equal((await rosterOf(world)).quorum, 2);
    await trustRosterAs(world, third);
    await assertOpens(world, 'shared', third);
  });

  it('keeps what lacks signatures as a proposal, which can be withdrawn', async () => {
    const [, , fourth] = people();
    const proposed = await change(world, 'admin add', ['dave', '--key', fourth.publicLine, '--signing-key', fourth.signingLine]);
    assert.deepEqual([proposed.state, proposed.signed, proposed.needed, proposed.items], ['proposed', ['alice'], 1, []]);
    const { version, proposals } = await rosterOf(world);
    assert.equal(version, 3);
    assert.deepEqual(proposals.map(({ fingerprint, state, signed, missing, added }) => [fingerprint, state, signed, missing, added?.map(({ name }) => name)]), [[proposed.fingerprint, 'open', ['alice'], ['bob', 'carol'], ['dave']]]);
    assert.equal(await exists(world.at('repository', 'users', 'dave.json')), false);

    const again = await change(world, 'admin approve', [proposed.fingerprint, '--yes']);
    assert.deepEqual([again.state, again.already_signed, again.signed], ['proposed', true, ['alice']]);
    const same = await change(world, 'admin add', ['dave', '--key', fourth.publicLine, '--signing-key', fourth.signingLine]);
    assert.deepEqual([same.fingerprint, same.already_signed], [proposed.fingerprint, true]);
    await world.refused('confirmation-needed', ['admin', 'approve']);
    await trustRosterAs(world, fourth);
    await refusedAs(world, fourth, 'not-an-admin', ['admin', 'approve']);
    assert.deepEqual(await world.result('admin withdraw', ['admin', 'withdraw', '--', proposed.fingerprint]), { withdrawn: proposed.fingerprint });
    assert.deepEqual((await rosterOf(world)).proposals, []);
    await world.refused('proposal-not-found', ['admin', 'approve', '--yes', '--', proposed.fingerprint]);
  });

  it('does not take what nobody signed, what is damaged, or what comes too late', async () => {
    const [other, , fourth] = people();
    const proposed = await change(world, 'admin add', ['dave', '--file', fourth.keyFile]);
    const path = world.at('repository', 'trust', 'proposals', `${proposed.fingerprint}.json`);
    const text = await readFile(path, 'utf8');
    await world.write(`repository/trust/proposals/${proposed.fingerprint}.json`, text.replace(/"signatures": \[[^\]]*\]/, '"signatures": []'));
    await world.refused('proposal-not-found', ['admin', 'approve', '--yes', '--', proposed.fingerprint]);
    await world.refused('proposal-not-found', ['admin', 'approve', '--yes']);
    await world.write(`repository/trust/proposals/${proposed.fingerprint}.json`, text.replace('"quorum": 2', '"quorum": 1'));
    assert.deepEqual((await rosterOf(world)).proposals.map(({ state }) => state), ['damaged']);
    await world.refused('document-invalid', ['admin', 'approve', '--yes', '--', proposed.fingerprint]);
    await world.write(`repository/trust/proposals/${proposed.fingerprint}.json`, text);

    const second = await change(world, 'admin quorum', ['3']);
    await refusedAs(world, other, 'proposal-not-found', ['admin', 'approve', '--yes']);
    assert.equal((await change(world, 'admin approve', [second.fingerprint, '--yes'], other)).state, 'in-effect');
    assert.deepEqual((await rosterOf(world)).proposals.map(({ state }) => state), ['stale']);
    await refusedAs(world, other, 'store-conflict', ['admin', 'approve', '--yes', '--', proposed.fingerprint]);
    await world.refused('store-conflict', ['admin', 'withdraw', '--', second.fingerprint]);
    await world.result('admin withdraw', ['admin', 'withdraw', '--', proposed.fingerprint]);
  });

  it('lowers the quorum only when told, and by the quorum that there was', async () => {
    const [other, third] = people();
    await world.refused('confirmation-needed', ['admin', 'quorum', '2']);
    await change(world, 'admin quorum', ['2', '--yes']);
    const second = await change(world, 'admin approve', [(await rosterOf(world)).proposals[0]?.fingerprint ?? '', '--yes'], other);
    assert.deepEqual([second.state, second.needed], ['proposed', 1]);
    assert.equal((await change(world, 'admin approve', [second.fingerprint, '--yes'], third)).state, 'in-effect');
    assert.equal((await rosterOf(world)).quorum, 2);
  });

  it('removes one by a quorum: what they could open is sealed anew, what they signed is signed by another', async () => {
    const [other, third] = people();
    await createItem(world, 'carols', { admins: ['alice', 'carol'] }, third);
    await createItem(world, 'signed', { admins: ['alice', 'bob'] }, third);
    for (const user of ['carols', 'signed']) await world.credentials(item(user));
    const before = { shared: await keysOf(world, 'shared'), signed: await keysOf(world, 'signed'), private: await keysOf(world, 'private') };
    assert.equal(before.signed.header.signer, 'carol');
    const kept = await readFile(world.at('repository', 'data_bags', 'vault', `${item('carols')}.json`), 'utf8');

    await world.refused('confirmation-needed', ['admin', 'remove', 'carol']);
    const proposed = await change(world, 'admin remove', ['carol', '--yes']);
    assert.equal(proposed.state, 'proposed');
    await assertOpens(world, 'carols', third);
    // Bob cannot open what is for Alice and Carol, so he cannot seal it anew.
    assert.equal((await rosterOf(world)).version, 5);
    await world.run(['admin', 'approve', '--yes'], { variables: other.variables }); // His signature stays.
    const error = await refusedAs(world, other, 'not-a-recipient', ['admin', 'approve', '--yes']);
    assert.deepEqual((error['items'] as { item: string }[]).map((each) => each.item), [item('carols')]);
    const done = await change(world, 'admin approve', [proposed.fingerprint, '--yes']);
    assert.deepEqual([done.state, done.removed, done.items.map((each) => [each.item, each.done])], ['in-effect', ['carol'], [['carols', 'resealed'], ['shared', 'resealed'], ['signed', 'signed']].map(([user = '', done]) => [item(user), done])]);

    const roster = await rosterOf(world);
    assert.deepEqual([roster.version, roster.admins.map(({ name }) => name), roster.proposals], [6, ['alice', 'bob'], []]);
    assert.ok(await exists(world.at('repository', 'users', 'carol.json')), 'somebody else wrote it');
    const now = { shared: await keysOf(world, 'shared'), signed: await keysOf(world, 'signed'), carols: await keysOf(world, 'carols') };
    assert.deepEqual([now.shared.admins, now.carols.admins, now.signed.admins].map((admins) => admins.map(({ name }) => name)), [['alice', 'bob'], ['alice'], ['alice', 'bob']]);
    assert.notEqual(now.shared.header.commitment, before.shared.header.commitment);
    assert.equal(now.signed.header.commitment, before.signed.header.commitment, 'only signed anew');
    assert.equal(now.signed.header.signer, 'alice');
    assert.deepEqual(await keysOf(world, 'private'), before.private);
    assert.notEqual(await readFile(world.at('repository', 'data_bags', 'vault', `${item('carols')}.json`), 'utf8'), kept);
    assert.equal((await world.result('list', ['list']))['problems'], undefined);
    for (const user of ['shared', 'private', 'carols', 'signed']) await assertOpens(world, user);
    for (const user of ['shared', 'signed']) await assertOpens(world, user, other);
    for (const user of ['shared', 'carols']) await refusedAs(world, third, 'not-a-recipient', ['decrypt', 'vault', item(user)]);
    await refusedAs(world, third, 'not-an-admin', ['admin', 'quorum', '1', '--yes']);
    await refusedAs(world, third, 'not-an-admin', ['admin', 'approve', '--yes']);
  });

  it('changes nothing where a recipient\'s key is gone or another, and says so', async () => {
    const [, third] = people();
    await change(world, 'admin add', ['carol', '--file', third.keyFile]);
    const [other] = people();
    await change(world, 'admin approve', [(await rosterOf(world)).proposals[0]?.fingerprint ?? '', '--yes'], other);
    await change(world, 'admin remove', ['carol', '--yes']);
    const client = world.at('repository', 'clients', 'files01.json');
    const text = await readFile(client, 'utf8');
    await rm(client);
    const refused = async (code: 'recipient-unknown' | 'key-changed'): Promise<void> => {
      await world.run(['admin', 'approve', '--yes'], { variables: other.variables });
      const error = await refusedAs(world, other, code, ['admin', 'approve', '--yes']);
      assert.deepEqual(error['lost'], ['carol']);
    };
    await refused('recipient-unknown');
    const { line } = await world.key('files01-new');
    await world.write('repository/clients/files01.json', JSON.stringify({ name: 'files01', public_key: line }));
    await refused('key-changed');
    assert.equal((await rosterOf(world)).admins.length, 3);
    await world.write('repository/clients/files01.json', text);
    const { exitCode } = await world.run(['admin', 'approve', '--yes']);
    assert.equal(exitCode, 0);
    assert.deepEqual((await rosterOf(world)).admins.map(({ name }) => name), ['alice', 'bob']);
  });

  it('lets nobody carry out their own removal', async () => {
    const [other] = people();
    await change(world, 'admin remove', ['bob', '--quorum', '1', '--yes']);
    const fingerprint = (await rosterOf(world)).proposals[0]?.fingerprint ?? '';
    const ready = await change(world, 'admin approve', [fingerprint, '--yes'], other);
    assert.deepEqual([ready.state, ready.needed], ['ready', 0]);
    assert.equal((await rosterOf(world)).admins.length, 2);
    assert.ok(await exists(world.at('repository', 'users', 'bob.json')));
    assert.equal((await change(world, 'admin approve', [fingerprint, '--yes'])).state, 'in-effect');
    const again = await change(world, 'admin approve', [fingerprint, '--yes']);
    assert.deepEqual([again.state, again.already_signed], ['in-effect', true]);
    assert.equal(await exists(world.at('repository', 'users', 'bob.json')), false);
    const roster = await rosterOf(world);
    assert.deepEqual([roster.quorum, roster.admins.map(({ name }) => name)], [1, ['alice']]);
    await assertOpens(world, 'shared');
  });

  it('takes an SSH key for both, and counts keys, not names', async () => {
    const { privateKey, publicLine } = newSshKey();
    const file = await world.write('keys/admin-ssh', privateKey, 0o600);
    await change(world, 'admin add', ['erin', '--key', publicLine.trim()]);
    await world.refused('roster-unreachable', ['admin', 'add', 'erin2', '--key', publicLine.trim(), '--quorum', '3']);
    const { admins } = await rosterOf(world) as unknown as { admins: { name: string; public_key: string; signing_key: string }[] };
    assert.equal(admins[1]?.signing_key, admins[1]?.public_key);
    assert.equal((await world.run(['decrypt', 'vault', item('shared'), '--identity', file])).exitCode, 0);
  });
});

describe('a recovery identity', () => {
  let world: World;
  before(async () => { world = await openWorld({ empty: true }); });
  after(() => world.close());

  const stored = async (secret: string): Promise<string> => await world.write('keys/recovery', `${secret}\n`, 0o600);

  it('is printed once by init, is nowhere on the disk, and gives access back', async () => {
    const end = await world.start(['init', 'repository', '--admin', 'alice', '--recovery', '--json'], { cwd: world.directory }).finished;
    assert.equal(end.exitCode, 0, describeEnd(end));
    const { recovery } = JSON.parse(end.stdout) as { recovery: { name: string; secret: string; fingerprint: string } };
    assert.equal(end.stdout.split(recovery.secret).length, 2);
    assert.ok(!end.stderr.includes(recovery.secret));
    for (const path of (await world.tree()).keys()) {
      const text = await readFile(world.at(path), 'utf8').catch(() => '');
      assert.ok(!text.includes(recovery.secret), path);
    }
    world.secrets.add(recovery.secret);
    assert.deepEqual((await rosterOf(world)).admins.map(({ name }) => name), ['alice', 'recovery']);
    await world.addNode('files01', '--role', ROLE);
    await createItem(world, 'shared');
    await world.credentials(item('shared'));

    // Alice loses her key.
    await rm(world.admin);
    const file = await stored(recovery.secret);
    const bob = await addColleague(world, 'bob');
    await change(world, 'admin add', ['bob', '--file', bob.keyFile, '--identity', file]);
    await change(world, 'admin remove', ['alice', '--yes', '--identity', file]);
    await rm(file);
    await trustRosterAs(world, bob);
    await assertOpens(world, 'shared', bob);
    assert.deepEqual((await keysOf(world, 'shared')).admins.map(({ name }) => name), ['bob', 'recovery']);
    assert.equal((await world.result('list', ['list'], { variables: bob.variables }))['problems'], undefined);
  });

  it('can be added later, and is printed once as well', async () => {
    const cwd = world.at('second');
    await world.result('init', ['init', 'second', '--admin', 'alice'], { cwd: world.directory });
    await world.refused('party-exists', ['init', 'third', '--admin', 'recovery', '--recovery'], { cwd: world.directory });
    await world.refused('usage', ['admin', 'add', 'recovery', '--generate', '--key', 'x'], { cwd });
    const end = await world.start(['admin', 'add', 'recovery', '--generate'], { cwd }).finished;
    assert.equal(end.exitCode, 0, describeEnd(end));
    const [secret] = /VAULT-SECRET-KEY-1\w+/.exec(end.stdout) ?? [];
    assert.ok(secret !== undefined && end.stdout.split(secret).length === 2);
    world.secrets.add(secret);
    const file = await stored(secret);
    const bob = await addColleague(world, 'robert');
    assert.equal((await world.result('admin add', ['admin', 'add', 'bob', '--file', bob.keyFile, '--identity', file], { cwd }))['state'], 'in-effect');
    const json = await world.start(['admin', 'add', 'spare', '--generate', '--json'], { cwd }).finished;
    assert.equal(json.exitCode, 0, describeEnd(json));
    const { recovery, state } = JSON.parse(json.stdout) as { recovery: { name: string; secret: string }; state: string };
    assert.deepEqual([recovery.name, state], ['spare', 'in-effect']);
  });
});
