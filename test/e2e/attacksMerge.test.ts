import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { sealItem } from '../../src/items/seal.ts';
import { openItem } from '../../src/items/verify.ts';
import { parseIdentity, type Identity } from '../../src/sealing/identity.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import { encodeRoster, rosterDigest, signRoster, type Roster } from '../../src/trust/roster.ts';
import { FILES, openGitScene, REF, type GitScene } from '../scripts/gitScene.ts';

/** What somebody tries who can push, and cannot sign: what is merged is signed by the admin who merges. */
describe('attacks by way of a merge', () => {
  let scene: GitScene;
  before(async () => { scene = await openGitScene(); });
  afterEach(async () => {
    await scene.git('rebase', '--abort');
    await scene.reset();
  });
  after(() => scene.close());

  const commit = async (message: string): Promise<void> => {
    await scene.done('add', '-A');
    await scene.done('commit', '-qm', message);
  };
  const keysText = (): Promise<string> => readFile(scene.world.at('repository', FILES[1] ?? ''), 'utf8');

  test('a removed recipient does not come back by a rebase onto a branch that was rolled back', async () => {
    await scene.change({ fields: { note: 'y' }, remove: ['web2'] });
    await scene.done('checkout', '-q', '-b', 'upstream');
    await scene.done('checkout', 'begin', '--', ...FILES);
    await commit('rolled back');
    await scene.done('checkout', '-q', 'main');
    await scene.change({ fields: { password: 'planted-secret-2' } });
    const { code, output } = await scene.git('rebase', 'upstream');
    assert.notEqual(code, 0, output);
    assert.match(await keysText(), /client web2: ours gave it the key \S+, theirs removed it/);
    await scene.world.result('resolve', ['resolve', 'vault', 'login', '--take', 'theirs']);
    assert.equal(await scene.open('web2'), undefined);
    assert.deepEqual(await scene.open('web1'), { password: 'planted-secret-2', user: 'root', note: 'y' });
  });
});

describe('attacks of who was an admin, by way of a merge', () => {
  for (const forked of [false, true]) {
    test(`what they signed is not merged${forked ? ', though they put another roster beside the one without them' : ''}`, async () => {
      const scene = await openGitScene();
      try {
        await attack(scene, forked);
      } finally {
        await scene.close();
      }
    });
  }

  async function attack({ world, identities, done, git, roster, item, change }: GitScene, forked: boolean): Promise<void> {
    const { line } = await world.key('bob');
    const file = world.at('keys', 'bob');
    const bob = await parseIdentity(await readFile(file, 'utf8'), file);
    const alice = identities.get('alice');
    assert.ok(alice && bob.signingKey);
    const first = await roster();
    const withBob: Roster = { ...first, version: 2, previous: rosterDigest(first), admins: [...first.admins, { name: 'bob', public_key: line, signing_key: bob.signingKey.line }] };
    const without: Roster = { ...first, version: 3, previous: rosterDigest(withBob) };
    const commit = async (next?: Roster, name = '', identity: Identity = alice): Promise<void> => {
      if (next !== undefined) await world.write(`repository/trust/${String(next.version)}.json`, encodeRoster({ roster: next, signatures: [signRoster(next, name, identity)] }));
      await done('add', '-A');
      await done('commit', '-qm', 'a commit');
    };
    await commit(withBob, 'alice');
    await world.result('admin list', ['admin', 'list']);
    await done('tag', 'with-bob');
    if (forked) {
      await done('checkout', '-q', '-b', 'fork');
      await commit({ ...without, admins: withBob.admins }, 'bob', bob);
    }
    await done('checkout', '-q', '-b', 'theirs', 'with-bob');
    await commit(without, 'alice');
    await openFileStore(world.repository).writeItem(REF, sealItem({
      ...REF, repository: rosterDigest(first), fields: { ...openItem(await item(), alice).all(), user: 'bobs' }, searchQuery: 'role:web', namedAdmins: null, namedClients: ['db1'], generation: 2,
      recipients: [{ role: 'admin', name: 'alice', publicKey: alice.publicKey }, { role: 'client', name: 'db1', publicKey: bob.publicKey }], signer: { name: 'bob', identity: bob }, time: new Date(),
    }), 1);
    await world.write('repository/clients/db1.json', JSON.stringify({ name: 'db1', public_key: line }));
    await commit();
    await done('checkout', '-q', '-b', 'ours', 'with-bob');
    await change({ fields: { password: 'planted-secret-2' } });
    const { code, output } = await git('merge', 'theirs');
    assert.equal(code, 1, output);
    assert.match(output, forked ? /two rosters/i : /signed by bob, who is not on the roster/);
  }
});
