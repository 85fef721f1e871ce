// Merging with git: real repositories, real merges, rebases and cherry-picks, the driver as "vault init" registered it.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { isVaultError } from '../../src/errors.ts';
import { sealItem } from '../../src/items/seal.ts';
import { encodeProtectedSeed, parseIdentity } from '../../src/sealing/identity.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import { encodeRoster, parseRoster, rosterDigest, signRoster, type Roster } from '../../src/trust/roster.ts';
import { parseKeys } from '../../src/items/model.ts';
import { openItem } from '../../src/items/verify.ts';
import { FILES, openGitScene, REF, type Change, type GitScene } from '../scripts/gitScene.ts';

const BEFORE = { password: 'planted-secret-1', user: 'root', note: 'x' };

interface Case {
  readonly name: string;
  readonly ours: readonly Change[];
  readonly theirs: readonly Change[];
  readonly values: Readonly<Record<string, unknown>>;
  readonly can: readonly string[];
  readonly cannot: readonly string[];
  readonly query?: string;
}

const CASES: readonly Case[] = [
  {
    name: 'different fields', ours: [{ fields: { password: 'planted-secret-2' } }], theirs: [{ fields: { user: 'admin' } }],
    values: { ...BEFORE, password: 'planted-secret-2', user: 'admin' }, can: ['alice', 'web1', 'web2'], cannot: ['web3', 'db1'],
  },
  {
    name: 'a field added, another removed', ours: [{ fields: { more: [1, 2] } }], theirs: [{ fields: { note: undefined } }],
    values: { password: BEFORE.password, user: 'root', more: [1, 2] }, can: ['alice', 'web1', 'web2'], cannot: ['web3'],
  },
  { name: 'both extended', ours: [{ add: ['web3'] }], theirs: [{ add: ['db1'] }], values: BEFORE, can: ['alice', 'web1', 'web2', 'web3', 'db1'], cannot: [] },
  {
    name: 'one rotated, the other extended', ours: [{ remove: ['web2'] }], theirs: [{ add: ['web3'] }, { add: ['db1'] }],
    values: BEFORE, can: ['alice', 'web1', 'web3', 'db1'], cannot: ['web2'],
  },
  {
    name: 'one extended, the other rotated', ours: [{ add: ['web3'] }], theirs: [{ fields: { user: 'admin' }, remove: ['web1'] }],
    values: { ...BEFORE, user: 'admin' }, can: ['alice', 'web2', 'web3'], cannot: ['web1', 'db1'],
  },
  {
    name: 'both rotated, each removed one', ours: [{ remove: ['web1'], add: ['web3'] }], theirs: [{ remove: ['web2'] }, { add: ['db1'] }],
    values: BEFORE, can: ['alice', 'web3', 'db1'], cannot: ['web1', 'web2'],
  },
  {
    name: 'a query on one side, a field on the other', ours: [{ query: 'role:db' }], theirs: [{ fields: { password: 'planted-secret-2' } }],
    values: { ...BEFORE, password: 'planted-secret-2' }, can: ['alice', 'web1', 'web2'], cannot: ['web3'], query: 'role:db',
  },
];

describe('git', () => {
  let scene: GitScene;
  before(async () => { scene = await openGitScene(); });
  afterEach(() => scene.reset());
  after(() => scene.close());

  async function assertMerged({ values, can, cannot, query = 'role:web' }: Omit<Case, 'name' | 'ours' | 'theirs'>): Promise<void> {
    assert.equal(await scene.done('status', '--porcelain'), '');
    const { header } = await scene.item();
    assert.equal(header.search_query, query);
    for (const name of can) assert.deepEqual(await scene.open(name), values, name);
    for (const name of cannot) assert.equal(await scene.open(name), undefined, name);
    const listed = await scene.world.result('list', ['list']) as { items: { generation: number }[]; problems?: unknown };
    assert.deepEqual([listed.items.length, listed.problems], [1, undefined]);
  }

  for (const { name, ours, theirs, ...wanted } of CASES) {
    it(`merges ${name}`, async () => {
      await scene.branches(ours, theirs);
      await scene.done('merge', 'theirs');
      await assertMerged(wanted);
      const { header } = await scene.item();
      assert.equal(header.generation, 1 + Math.max(ours.length, theirs.length) + 1);
    });
  }

  it('merges the other way around to the same content under the same key', async () => {
    await scene.branches([{ fields: { password: 'planted-secret-2' }, remove: ['web1'] }], [{ fields: { user: 'admin' }, add: ['web3'] }]);
    await scene.done('merge', 'theirs');
    const [first, one] = [await scene.item(), await readFile(scene.world.at('repository', FILES[0] ?? ''), 'utf8')];
    await scene.done('checkout', '-q', 'theirs');
    await scene.done('merge', 'ours~1');
    const other = await scene.item();
    assert.equal(await readFile(scene.world.at('repository', FILES[0] ?? ''), 'utf8'), one);
    assert.deepEqual([other.header.commitment, other.header.recipients_digest], [first.header.commitment, first.header.recipients_digest]);
  });

  it('rebases several commits, and cherry-picks one', async () => {
    await scene.branches([{ fields: { password: 'planted-secret-2' } }, { add: ['web3'] }, { fields: { more: 1 } }], [{ fields: { user: 'admin' } }, { remove: ['web2'] }]);
    await scene.done('checkout', '-q', '-b', 'picked', 'theirs');
    await scene.done('cherry-pick', 'ours~2');
    await assertMerged({ values: { ...BEFORE, user: 'admin', password: 'planted-secret-2' }, can: ['alice', 'web1'], cannot: ['web2', 'web3'] });
    await scene.done('checkout', '-q', 'ours');
    await scene.done('rebase', 'theirs');
    await assertMerged({ values: { ...BEFORE, user: 'admin', password: 'planted-secret-2', more: 1 }, can: ['alice', 'web1', 'web3'], cannot: ['web2', 'db1'] });
  });

  it('merges a merge again, with what it made', async () => {
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], [{ fields: { user: 'admin' } }]);
    await scene.done('merge', 'theirs');
    await scene.done('checkout', '-q', 'theirs');
    await scene.change({ add: ['web3'] });
    await scene.change({ fields: { more: 1 }, remove: ['web1'] });
    await scene.done('merge', 'ours');
    await assertMerged({ values: { ...BEFORE, password: 'planted-secret-2', user: 'admin', more: 1 }, can: ['alice', 'web2', 'web3'], cannot: ['web1'] });
  });

  it('merges branches that have merged each other before', async () => {
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], [{ fields: { user: 'admin' }, remove: ['web1'] }]);
    await scene.done('merge', 'theirs');
    await scene.change({ fields: { more: 1 } });
    await scene.done('checkout', '-q', 'theirs');
    await scene.done('merge', 'ours~2');
    await scene.change({ add: ['web3'] });
    assert.equal((await scene.done('merge-base', '--all', 'ours', 'theirs')).trim().split('\n').length, 2);
    await scene.done('merge', 'ours');
    await assertMerged({ values: { ...BEFORE, password: 'planted-secret-2', user: 'admin', more: 1 }, can: ['alice', 'web2', 'web3'], cannot: ['web1'] });
  });

  it('takes an older version that is put back for no change, so that nobody comes back with it', async () => {
    await scene.change({ add: ['web3'] });
    await scene.change({ fields: { password: 'planted-secret-2' }, remove: ['web3'] });
    await scene.done('checkout', '-q', '-b', 'theirs', 'begin');
    await scene.done('checkout', 'main~1', '--', ...FILES);
    await scene.done('commit', '-qm', 'replayed');
    await scene.done('checkout', '-q', 'main');
    const text = await conflict('merge', 'theirs');
    assert.match(text, /puts back a version/);
    await scene.world.refused('merge-conflict', ['resolve', 'vault', 'login', '--take', 'ours']);
    await scene.done('checkout', '--ours', '--', FILES[1] ?? '');
    await scene.done('add', ...FILES);
    await scene.done('commit', '-qm', 'ours');
    await assertMerged({ values: { ...BEFORE, password: 'planted-secret-2' }, can: ['alice', 'web1', 'web2'], cannot: ['web3'] });
  });

  it('asks for no passphrase where there is no terminal', async () => {
    const line = await encodeProtectedSeed(new Uint8Array(32).fill(7), new TextEncoder().encode('x'), { operations: 1, memoryBytes: 8192 });
    const file = await scene.world.write('keys/protected', `${line}\n`, 0o600);
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], [{ fields: { user: 'admin' } }]);
    const { code, output } = await scene.gitWith({ VAULT_IDENTITY: file }, 'merge', 'theirs');
    assert.equal(code, 1);
    assert.match(output, /type the passphrase/);
  });

  it('gives who was removed on one side no key to the result', async () => {
    await scene.branches([{ remove: ['web1'] }], [{ remove: ['web2'] }]);
    const mine = await scene.item();
    await scene.done('checkout', '-q', 'theirs');
    const theirs = await scene.item();
    await scene.done('merge', 'ours');
    const merged = await scene.item();
    const identity = scene.identities.get('web1');
    assert.ok(identity);
    const key = openItem(theirs, identity).copyDataKey();
    assert.throws(() => openItem(mine, identity), (error) => isVaultError(error, 'not-a-recipient'));
    // The key that web1 had on theirs opens nothing of what was merged.
    const { openField } = await import('../../src/sealing/field.ts');
    for (const [name, field] of Object.entries(merged.document.fields)) assert.throws(() => openField(field, key, REF, name), (error) => isVaultError(error, 'field-unopenable'));
  });

  async function conflict(...args: string[]): Promise<string> {
    const { code, output } = await scene.git(...args);
    assert.notEqual(code, 0, output);
    const status = await scene.done('status', '--porcelain');
    assert.match(status, /^(UU|AA) data_bags\/vault\/login_keys\.json$/m);
    const text = await readFile(scene.world.at('repository', FILES[1] ?? ''), 'utf8');
    assert.match(text, /^<{7} ours: generation \d+, signed by alice[^]*^={7}$[^]*^>{7} theirs: generation \d+, signed by alice/m);
    assert.throws(() => parseKeys(new TextEncoder().encode(text), 'keys'), (error) => isVaultError(error, 'document-invalid'));
    return text;
  }

  for (const [take, password] of [['ours', 'planted-secret-2'], ['theirs', 'planted-secret-3']] as const) {
    it(`leaves a conflict where both changed one field, which "resolve --take ${take}" ends`, async () => {
      await scene.branches([{ fields: { password: 'planted-secret-2', more: 1 }, remove: ['web1'] }], [{ fields: { password: 'planted-secret-3' }, add: ['web3'] }]);
      const text = await conflict('merge', 'theirs');
      assert.match(text, /field password: ours changed it, theirs changed it/);
      assert.doesNotMatch(text, /planted/);
      const { generation } = await scene.world.result('resolve', ['resolve', 'vault', 'login', '--take', take]);
      assert.equal(generation, 3);
      assert.doesNotMatch(await scene.done('status', '--porcelain'), /^(UU|.[^ ])/m);
      await scene.done('commit', '-qm', 'merged');
      await assertMerged({ values: { ...BEFORE, password, more: 1 }, can: ['alice', 'web2', 'web3'], cannot: ['web1'] });
      await scene.world.refused('usage', ['resolve', 'vault', 'login', '--take', take]);
    });
  }

  it('leaves a conflict without an identity, and merges with one', async () => {
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], [{ add: ['web3'], fields: { user: 'admin' } }]);
    const nobody = { XDG_CONFIG_HOME: scene.world.at('nowhere'), VAULT_IDENTITY: '' };
    const { code } = await scene.gitWith(nobody, 'merge', 'theirs');
    assert.equal(code, 1);
    const text = await readFile(scene.world.at('repository', FILES[1] ?? ''), 'utf8');
    assert.match(text, /^~ field password: encrypted anew$/m);
    assert.match(text, /^\+ client web3$/m);
    await scene.done('checkout', '--merge', '--', ...FILES);
    await scene.done('add', ...FILES);
    await scene.done('commit', '-qm', 'merged');
    await assertMerged({ values: { ...BEFORE, password: 'planted-secret-2', user: 'admin' }, can: ['alice', 'web1', 'web2', 'web3'], cannot: ['db1'] });
  });

  it('lets nobody merge who is no admin', async () => {
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], [{ fields: { user: 'admin' } }]);
    const { code, output } = await scene.gitWith({ VAULT_IDENTITY: scene.world.at('keys', 'web1') }, 'merge', 'theirs');
    assert.equal(code, 1);
    assert.match(output, /is not an admin's/);
    await scene.done('checkout', '--theirs', '--', ...FILES);
    await scene.done('add', ...FILES);
    await scene.done('commit', '-qm', 'theirs');
    await assertMerged({ values: { ...BEFORE, user: 'admin' }, can: ['alice', 'web1', 'web2'], cannot: ['web3'] });
  });

  it('leaves a conflict where both gave different queries, or one removed whom the other names', async () => {
    await scene.branches([{ query: 'role:a' }, { namedClients: ['web1'] }], [{ query: 'role:b' }, { remove: ['web1'] }]);
    const text = await conflict('merge', 'theirs');
    assert.match(text, /search_query: ours made it "role:a", theirs made it "role:b"/);
    assert.match(text, /client web1: ours names it, theirs removed it/);
    await scene.world.result('resolve', ['resolve', 'vault', 'login', '--take', 'theirs']);
    await scene.done('commit', '-qm', 'merged');
    await assertMerged({ values: BEFORE, can: ['alice', 'web2'], cannot: ['web1'], query: 'role:b' });
  });

  it('refuses an item of another repository', async () => {
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], []);
    const other = await openGitScene();
    try {
      await scene.done('checkout', '-q', 'theirs');
      for (const file of FILES) await scene.world.write(`repository/${file}`, await readFile(other.world.at('repository', file)));
      await scene.done('commit', '-qam', 'copied');
      await scene.done('checkout', '-q', 'ours');
      const { code, output } = await scene.git('merge', 'theirs');
      assert.equal(code, 1);
      assert.match(output, /was made for another repository/);
    } finally {
      await other.close();
    }
  });

  it('leaves data bag items that are no vault\'s to git', async () => {
    const path = 'data_bags/plain/thing.json';
    const text = (a: number, b: number): string => `${JSON.stringify({ id: 'thing', a, filler: [0, 0, 0, 0], b }, undefined, 2)}\n`;
    const commit = async (a: number, b: number): Promise<void> => {
      await scene.world.write(`repository/${path}`, text(a, b));
      await scene.done('add', '-A');
      await scene.done('commit', '-qm', 'plain');
    };
    await commit(1, 1);
    await scene.done('checkout', '-q', '-b', 'theirs');
    await commit(1, 2);
    await scene.done('checkout', '-q', 'main');
    await commit(2, 1);
    await scene.done('merge', 'theirs');
    assert.equal(await readFile(scene.world.at('repository', path), 'utf8'), text(2, 2));
  });

  it('merges what an admin signed who is new on the other branch', async () => {
    const { line } = await scene.world.key('bob');
    const file = scene.world.at('keys', 'bob');
    const bob = await parseIdentity(await readFile(file, 'utf8'), file);
    const alice = scene.identities.get('alice');
    assert.ok(alice && bob.signingKey);
    const first = await scene.roster();
    const second = { ...first, version: 2, previous: rosterDigest(first), admins: [...first.admins, { name: 'bob', public_key: line, signing_key: bob.signingKey.line }] };
    await scene.branches([{ fields: { password: 'planted-secret-2' } }], []);
    await scene.done('checkout', '-q', 'theirs');
    await scene.world.write('repository/trust/2.json', encodeRoster({ roster: second, signatures: [signRoster(second, 'alice', alice)] }));
    const before = await scene.item();
    const opened = openItem(before, alice);
    const documents = sealItem({
      ...REF, repository: rosterDigest(first), fields: { ...opened.all(), user: 'admin' }, searchQuery: 'role:web', namedAdmins: null, namedClients: [], generation: 2,
      recipients: [{ role: 'admin', name: 'alice', publicKey: alice.publicKey }, { role: 'admin', name: 'bob', publicKey: bob.publicKey }], signer: { name: 'bob', identity: bob }, time: new Date(),
    });
    await openFileStore(scene.world.repository).writeItem(REF, documents, 1);
    await scene.done('add', '-A');
    await scene.done('commit', '-qm', 'bob');
    await scene.done('checkout', '-q', 'ours');
    await scene.done('merge', 'theirs');
    for (const identity of [file, scene.world.admin]) {
      const { stdout } = await scene.world.run(['decrypt', 'vault', 'login', '--identity', identity]);
      assert.deepEqual(JSON.parse(stdout), { ...BEFORE, password: 'planted-secret-2', user: 'admin' });
    }
    await scene.world.refused('not-a-recipient', ['decrypt', 'vault', 'login', '--identity', scene.world.at('keys', 'web1')]);
    await rm(scene.world.at('state', 'iam-vault', 'pins'), { recursive: true });
    await scene.world.result('list', ['list']);
  });

  it('joins the signatures of a roster that is proposed, and keeps two rosters apart', async () => {
    const first = await scene.roster();
    const proposal = { ...first, version: 2, previous: rosterDigest(first), quorum: 1 };
    const identities = ['alice', 'web1', 'web2'].map((name) => scene.identities.get(name)).filter((each) => each !== undefined);
    const path = `trust/proposals/${rosterDigest(proposal)}.json`;
    const sign = async (roster: Roster, to: string, ...names: number[]): Promise<void> => {
      await scene.world.write(`repository/${to}`, encodeRoster({ roster, signatures: names.flatMap((n) => { const each = identities[n]; return each === undefined ? [] : [signRoster(roster, `admin${String(n)}`, each)]; }) }));
      await scene.done('add', '-A');
      await scene.done('commit', '-qm', 'signed');
    };
    await sign(proposal, path, 1);
    await scene.done('checkout', '-q', '-b', 'theirs');
    await sign(proposal, path, 0, 1);
    await sign({ ...proposal, time: '2026-01-01T00:00:00Z' }, 'trust/2.json', 0);
    await scene.done('checkout', '-q', '-b', 'ours', 'main');
    await sign(proposal, path, 1, 2);
    await scene.done('merge', 'theirs');
    assert.deepEqual(parseRoster(await readFile(scene.world.at('repository', path)), path).signatures.map(({ name }) => name), ['admin0', 'admin1', 'admin2']);
    await scene.done('reset', '-q', '--hard', 'ours~1');
    await sign(proposal, 'trust/2.json', 0);
    const { code, output } = await scene.git('merge', 'theirs');
    assert.equal(code, 1);
    assert.match(output, /two different rosters as 2\.json/);
  });
});

describe('git, where both sides add an item', () => {
  let scene: GitScene;
  before(async () => { scene = await openGitScene({ item: false }); });
  afterEach(() => scene.reset());
  after(() => scene.close());

  it('merges fields that do not contradict', async () => {
    await scene.branches([{ fields: { a: 1, same: 's' }, add: ['web1'] }], [{ fields: { b: 2, same: 's' }, add: ['web2'] }]);
    await scene.done('merge', 'theirs');
    assert.equal(await scene.done('status', '--porcelain'), '');
    for (const name of ['alice', 'web1', 'web2']) assert.deepEqual(await scene.open(name), { a: 1, b: 2, same: 's' }, name);
  });

  it('leaves a conflict where they do', async () => {
    await scene.branches([{ fields: { a: 1 }, add: ['web1'] }], [{ fields: { a: 2 }, add: ['web2'] }]);
    const { code, output } = await scene.git('merge', 'theirs');
    assert.equal(code, 1);
    assert.match(output, /field a: ours added it, theirs added it/);
    await scene.world.result('resolve', ['resolve', 'vault', 'login', '--take', 'theirs']);
    await scene.done('commit', '-qm', 'merged');
    for (const name of ['alice', 'web1', 'web2']) assert.deepEqual(await scene.open(name), { a: 2 }, name);
  });
});
