// Bad input, continued: sealed files that somebody cut off, edited or replaced, and clocks that are years off.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { loadIdentity } from '../../src/config/identities.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { sealItem } from '../../src/items/seal.ts';
import { exitCodeOf } from '../../src/reporting/exitCodes.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import { ONE, openWorld, QUERY, shaped, type World } from '../scripts/cliWorld.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

const WRONG_CLOCK = new URL('../scripts/wrongClock.mjs', import.meta.url).href;
const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;

/** An item of the admin's own, as a later command will make them: no credentials. */
async function sealByHand(world: World, user: string): Promise<void> {
  const identity = await loadIdentity(world.admin);
  const item = `${ONE}_${user}`;
  const { repository } = await world.result('admin list', ['admin', 'list']) as { repository: string };
  const documents = sealItem({
    vault: 'vault', item, repository, fields: { note: 'not an access key' }, searchQuery: '', namedAdmins: null, namedClients: [], generation: 1,
    recipients: [{ role: 'admin', name: 'alice', publicKey: identity.publicKey }], signer: { name: 'alice', identity }, time: new Date(),
  });
  await openFileStore(world.repository).writeItem({ vault: 'vault', item }, documents, 0);
}

describe('sealed files that were cut off, edited, copied or put back', () => {
  let world: World;
  const item = `${ONE}_app`;
  let bag: string;
  before(async () => {
    world = await openWorld();
    bag = world.at('repository', 'data_bags', 'vault');
    const file = await world.iamFile('app');
    await world.result('create iam', ['create', 'iam', file]);
    await world.result('create iam', ['create', 'iam', await world.iamFile('second')]);
    await cp(bag, world.at('generation1'), { recursive: true });
    await world.addNode('files02', '--role', 'secret-files-server');
    await world.result('create iam', ['create', 'iam', file]);
    await world.credentials(item);
    await cp(bag, world.at('good'), { recursive: true });
  });
  after(() => world.close());

  type Edit = (text: string) => string;
  const cut: Edit = (text) => text.slice(0, text.length / 2);
  /** Another character in a base64 text, in the middle of it. */
  const flip = (text: string, at: RegExp): string => text.replace(at, (found) => `${found.slice(0, -1)}${found.endsWith('A') ? 'B' : 'A'}`);
  const cases: readonly (readonly [string, ErrorCode, Readonly<Partial<Record<'item' | 'keys', Edit>>>])[] = [
    ['the item cut off', 'item-digest-mismatch', { item: cut }],
    ['the item empty', 'item-digest-mismatch', { item: () => '' }],
    ['the keys cut off', 'document-invalid', { keys: cut }],
    ['the keys empty', 'document-invalid', { keys: () => '' }],
    ['a ciphertext changed', 'item-digest-mismatch', { item: (text) => flip(text, /"ciphertext":"[A-Za-z0-9_-]{20}/) }],
    ['the sealed keys changed', 'sealed-key-unopenable', { keys: (text) => flip(text, /"sealed_key":"[A-Za-z0-9_-]{20}/g) }],
    ['the generation changed', 'signature-invalid', { keys: (text) => text.replace(/"generation": ?2/, (found) => found.replace('2', '3')) }],
    ['the query changed', 'signature-invalid', { keys: (text) => text.replace(QUERY, 'role:everybody') }],
    ['a recipient taken away', 'recipients-digest-mismatch', { keys: (text) => text.replace(/^ *\{[^\n]*"files02"[^\n]*\},?\n/m, '').replace(/,(\n *\])/, '$1') }],
    ['a recipient renamed', 'recipients-digest-mismatch', { keys: (text) => text.replace('"files02"', '"files03"') }],
    ['spaces added', 'document-not-canonical', { keys: (text) => text.replace('{', '{ ') }],
    ['a byte order mark', 'document-invalid', { keys: (text) => `\uFEFF${text}` }],
    ['Windows line ends', 'document-not-canonical', { keys: (text) => text.replaceAll('\n', '\r\n') }],
    ['Windows line ends in the item', 'item-digest-mismatch', { item: (text) => text.replaceAll('\n', '\r\n') }],
    ['an unknown field', 'document-invalid', { keys: (text) => text.replace('{', '{"extra": 1,') }],
    ['a format of the future', 'format-unsupported', { keys: (text) => text.replaceAll('iam-vault/1', 'iam-vault/99') }],
    ['__proto__', 'document-invalid', { keys: (text) => text.replace('{', '{"__proto__": {},') }],
  ];
  async function restore(): Promise<void> {
    await rm(bag, { recursive: true });
    await cp(world.at('good'), bag, { recursive: true });
  }
  for (const [what, code, edits] of cases) {
    it(`${what}: ${code}`, async () => {
      for (const [which, edit] of Object.entries(edits)) {
        const path = join(bag, which === 'item' ? `${item}.json` : `${item}_keys.json`);
        const before = await readFile(path, 'utf8');
        const edited = edit(before);
        assert.notEqual(edited, before, 'the edit changes nothing');
        await writeFile(path, edited);
      }
      await world.refused(code, ['decrypt', 'vault', item]);
      const { accounts } = await world.result('create iam', ['create', 'iam', 'iam-json-data/app.json', '--yes'], { exitCode: exitCodeOf(code) }) as { accounts: { error: { code: string } }[] };
      assert.equal(accounts[0]?.error.code, code);
      await restore();
    });
  }

  it('an older generation put back: generation-rollback, where the newer was seen', async () => {
    for (const name of [`${item}.json`, `${item}_keys.json`]) await cp(world.at('generation1', name), join(bag, name));
    await world.refused('generation-rollback', ['decrypt', 'vault', item]);
    await succeed(world.run(['decrypt', 'vault', item], { variables: { XDG_STATE_HOME: world.at('new-state') } }));
    await restore();
  });

  it("another item's files under this name: document-invalid", async () => {
    for (const suffix of ['.json', '_keys.json']) await cp(join(bag, `${ONE}_second${suffix}`), join(bag, `${item}${suffix}`));
    await world.refused('document-invalid', ['decrypt', 'vault', item]);
    await restore();
  });

  it('a symbolic link in place of a file is not followed', async () => {
    await rename(join(bag, `${item}.json`), world.at('moved.json'));
    await symlink(world.at('moved.json'), join(bag, `${item}.json`));
    await world.refused('input-unreadable', ['decrypt', 'vault', item]);
    await restore();
  });

  it('one of both files missing', async () => {
    for (const [name, code] of [[`${item}.json`, 'document-invalid'], [`${item}_keys.json`, 'item-missing']] as const) {
      await rm(join(bag, name));
      const end = await world.run(['decrypt', 'vault', item, '--json']);
      assert.notEqual(end.exitCode, 0);
      const { error } = shaped('error', end.stdout) as { error: { code: string } };
      assert.equal(error.code, code);
      await restore();
    }
  });

  it("an item that is somebody else's is not replaced", async () => {
    // Another admin's repository, with an item of the same name.
    const other = await openWorld();
    try {
      await other.result('create iam', ['create', 'iam', await other.iamFile('app')]);
      for (const name of [`${item}.json`, `${item}_keys.json`]) await cp(other.at('repository', 'data_bags', 'vault', name), join(bag, name));
    } finally {
      await other.close();
    }
    const end = await world.run(['create', 'iam', 'iam-json-data/app.json', '--yes', '--json']);
    assert.equal(end.exitCode, 5, describeEnd(end));
    const before = createHash('sha256').update(await readFile(join(bag, `${item}.json`))).digest('hex');
    await world.run(['create', 'iam', 'iam-json-data/app.json', '--yes', '--adopt']);
    assert.equal(createHash('sha256').update(await readFile(join(bag, `${item}.json`))).digest('hex'), before);
    await restore();
  });

  it('an item that holds something else is not replaced: item-exists', async () => {
    await sealByHand(world, 'by-hand');
    const before = await world.tree();
    const [writes, file] = [world.writes().length, await world.iamFile('hand', { accounts: [ONE], user: 'by-hand' })];
    for (const verb of ['plan', 'create'] as const) {
      const { accounts } = await world.result(`${verb} iam`, [verb, 'iam', file, ...(verb === 'create' ? ['--yes', '--adopt'] : [])], { exitCode: 7 }) as { accounts: { error: { code: string } }[] };
      assert.deepEqual(accounts.map(({ error }) => error.code), ['item-exists']);
    }
    assert.equal(world.writes().length, writes);
    const name = `repository/data_bags/vault/${ONE}_by-hand.json`;
    assert.equal((await world.tree()).get(name), before.get(name));
  });

  it('the roster edited, or gone', async () => {
    const path = world.at('repository', 'trust', '1.json');
    const good = await readFile(path, 'utf8');
    for (const edit of [cut, (text: string) => text.replace('alice', 'mallory'), (text: string) => text.replace(/"quorum": ?1/, '"quorum": 2')]) {
      await writeFile(path, edit(good));
      for (const args of [['decrypt', 'vault', item], ['admin', 'list'], ['list'], ['create', 'iam', 'iam-json-data/app.json']]) {
        const end = await world.run([...args, '--json']);
        assert.equal(end.exitCode, 5, describeEnd(end));
      }
    }
    await rm(path);
    await world.refused('roster-missing', ['decrypt', 'vault', item]);
    await writeFile(path, good);
  });

  it('a repository whose configuration is not right', async () => {
    const path = world.at('repository', 'vault.json');
    const good = await readFile(path, 'utf8');
    for (const [code, content] of [['input-not-json', cut(good)], ['input-invalid', good.replace('"file"', '"files"')], ['input-invalid', '{}']] as const) {
      await writeFile(path, content);
      await world.refused(code, ['list']);
    }
    await writeFile(path, good);
  });

  it('a node or client document that is not right', async () => {
    await world.write('repository/nodes/broken.json', '{"name": "broken"');
    await world.refused('input-not-json', ['search', QUERY]);
    await world.write('repository/nodes/broken.json', '{"name": "another", "run_list": []}');
    await world.refused('name-invalid', ['create', 'iam', 'iam-json-data/app.json']);
    await rm(world.at('repository', 'nodes', 'broken.json'));
    const client = world.at('repository', 'clients', 'files02.json');
    const good = await readFile(client, 'utf8');
    await writeFile(client, good.replace('vaultseal1q', 'vaultseal1p'));
    await world.refused('node-unsealable', ['create', 'iam', 'iam-json-data/app.json']);
    await writeFile(client, good);
  });
});

describe('a clock that is years off', () => {
  for (const [what, offset] of [['ahead', TEN_YEARS_MS], ['behind', -TEN_YEARS_MS]] as const) {
    it(`AWS's clock is ten years ${what}`, async () => {
      const world = await openWorld({ clock: { now: () => Date.now() + offset, delay: (milliseconds) => delay(milliseconds) } });
      try {
        const file = await world.iamFile('app');
        await world.result('create iam', ['create', 'iam', file]);
        await world.credentials(`${ONE}_app`);
        assert.deepEqual((await world.result('plan iam', ['plan', 'iam', file]))['accounts'] instanceof Array, true);
      } finally {
        await world.close();
      }
    });

    it(`this machine's clock is ten years ${what}`, async () => {
      const world = await openWorld();
      try {
        const wrong = { nodeOptions: ['--import', WRONG_CLOCK], variables: { CLOCK_OFFSET_MS: String(offset) } };
        const file = await world.iamFile('app');
        await world.result('create iam', ['create', 'iam', file], wrong);
        await world.credentials(`${ONE}_app`);
        await world.addNode('files02', '--role', 'secret-files-server');
        await world.result('create iam', ['create', 'iam', file]);
        await succeed(world.run(['decrypt', 'vault', `${ONE}_app`], wrong));
        await world.result('list', ['list'], wrong);
      } finally {
        await world.close();
      }
    });
  }
});
