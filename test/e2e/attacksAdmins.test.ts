import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { parseKeys } from '../../src/items/model.ts';
import { sealItem } from '../../src/items/seal.ts';
import { parseIdentity, type Identity } from '../../src/sealing/identity.ts';
import { parsePublicKey, parseSigningKey } from '../../src/sealing/publicKey.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import { parseRoster, rosterDigest } from '../../src/trust/roster.ts';
import { openWorld, type World } from '../scripts/cliWorld.ts';
import { addColleague, type Colleague } from '../scripts/colleagues.ts';

/** What somebody tries who can write the store, and who was an admin, or wants to be one. */
describe('attacks on who is an admin', () => {
  let world: World;
  let bob: Colleague;
  let mallory: Colleague;
  before(async () => {
    world = await openWorld();
    bob = await addColleague(world, 'bob');
    mallory = await addColleague(world, 'mallory');
    await world.result('create item', ['create', 'item', 'vault', 'login', '--clients', 'files01', '--from', '-'], { input: '{"password":"planted"}' });
  });
  after(() => world.close());

  test('a signing key that is not the new admin\'s own is shown to whoever adds them', async () => {
    // What bob compares is his; what would sign in his name is mallory's.
    await world.write('repository/users/bob.json', JSON.stringify({ name: 'bob', public_key: bob.publicLine, signing_key: mallory.signingLine }));
    const { exitCode, stderr } = await world.run(['admin', 'add', 'bob']);
    assert.notEqual(exitCode, 0);
    assert.ok(stderr.includes(parsePublicKey(bob.publicLine).fingerprint), stderr);
    assert.ok(stderr.includes(parseSigningKey(mallory.signingLine).fingerprint), stderr);
    const mine = await world.run(['key', 'show'], { variables: bob.variables });
    assert.ok(mine.stdout.includes(parseSigningKey(bob.signingLine).fingerprint), mine.stdout);
    const { admins } = await world.result('admin list', ['admin', 'list']) as { admins: { name: string; signing_fingerprint: string }[] };
    assert.match(admins[0]?.signing_fingerprint ?? '', /^[\w-]{43}$/);
  });

  test('who was removed gets nothing signed by putting back the proposal of the removal', async () => {
    const identityOf = async (path: string): Promise<Identity> => await parseIdentity(await readFile(path, 'utf8'), path);
    const alice = await identityOf(world.admin);
    const was = await identityOf(world.at('bob', 'config', 'iam-vault', 'identity'));
    await world.result('admin add', ['admin', 'add', 'bob', '--file', bob.keyFile, '--yes']);
    await world.result('admin remove', ['admin', 'remove', 'bob', '--yes']);
    const removal = await readFile(world.at('repository', 'trust', '3.json'));
    const store = openFileStore(world.repository);
    const ref = { vault: 'vault', item: 'login' };
    const { generation } = parseKeys((await store.readItem(ref))?.keys ?? new Uint8Array(), 'keys').header;
    const first = parseRoster(await readFile(world.at('repository', 'trust', '1.json')), '1').roster;
    await store.writeItem(ref, sealItem({
      ...ref, repository: rosterDigest(first), fields: { password: 'of bob' }, searchQuery: '', namedAdmins: null, namedClients: ['files01'], generation: generation + 1,
      recipients: [{ role: 'admin', name: 'alice', publicKey: alice.publicKey }], signer: { name: 'bob', identity: was }, time: new Date(),
    }), generation);
    await writeFile(world.at('repository', 'trust', 'proposals', `${rosterDigest(parseRoster(removal, '3').roster)}.json`), removal);
    const end = await world.run(['admin', 'approve', '--yes', '--json']);
    assert.equal(end.exitCode, 5, end.stdout + end.stderr);
    const { header } = parseKeys((await store.readItem(ref))?.keys ?? new Uint8Array(), 'keys');
    assert.deepEqual([header.signer, header.generation], ['bob', generation + 1], 'nobody vouches for it');
    await world.refused('signer-unknown', ['decrypt', 'vault', 'login']);
  });
});
