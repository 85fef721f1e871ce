// vault verify: what a repository is worth, without any private key; and plaintext credentials in it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { exitCodeOf } from '../../src/reporting/exitCodes.ts';
import { parseIdentity } from '../../src/sealing/identity.ts';
import { encodeRoster, parseRoster, rosterDigest, signRoster, type Roster } from '../../src/trust/roster.ts';
import { ONE, openWorld, TWO, type World } from '../scripts/cliWorld.ts';
import { succeed } from '../scripts/vaultScene.ts';

interface Found { readonly code: string; readonly path?: string; readonly vault?: string; readonly item?: string; readonly message: string }
interface Result { readonly roster?: { readonly version: number; readonly fingerprint: string }; readonly items: number; readonly recipients: number; readonly scanned: number; readonly problems: readonly Found[]; readonly warnings: readonly Found[] }

const KEY_ID = 'AKIAQRSTUVWXYZ234567';
const ITEMS = [`${ONE}_one`, `${TWO}_one`, `${ONE}_two`];
const bag = (name: string): string => join('data_bags', 'vault', name);

describe('vault verify', () => {
  let world: World;
  let fresh: string;
  const inRepository = (...names: string[]): string => join(world.repository, ...names);
  const git = (...args: string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: world.repository, encoding: 'utf8' });
  /** Verifies, with findings of these codes alone. */
  const verify = async (problems: readonly ErrorCode[], ...args: string[]): Promise<Result> => {
    const exitCode = problems.length === 0 ? 0 : Math.max(...problems.map(exitCodeOf));
    const result = await world.result('verify', ['verify', ...args], { exitCode }) as unknown as Result;
    assert.deepEqual(result.problems.map(({ code }) => code), problems, JSON.stringify(result.problems));
    return result;
  };
  const warningsOf = ({ warnings }: Result): string[] => warnings.map(({ item, code }) => `${item ?? ''} ${code}`);
  /** Puts a proposal of version 2 into the repository. */
  const propose = async (change: Partial<Roster>, tamper: (text: string) => string = (text) => text): Promise<string> => {
    const first = parseRoster(await readFile(inRepository('trust', '1.json')), '1').roster;
    const roster: Roster = { ...first, version: 2, previous: rosterDigest(first), time: '2030-01-02T03:04:05Z', ...change };
    const identity = await parseIdentity(await readFile(world.admin, 'utf8'), 'alice');
    const path = join('trust', 'proposals', `${rosterDigest(roster)}.json`);
    await world.write(join('repository', path), tamper(new TextDecoder().decode(encodeRoster({ roster, signatures: [signRoster(roster, 'alice', identity)] }))));
    return path;
  };

  before(async () => {
    world = await openWorld();
    await world.addNode('files02', '--role', 'secret-files-server');
    for (const user of ['one', 'two']) await world.iamFile(user, { accounts: user === 'one' ? [ONE, TWO] : [ONE] });
    await succeed(world.run(['create', 'iam', 'iam-json-data/one.json', 'iam-json-data/two.json']));
    fresh = world.at('fresh');
    for (const part of ['repository', 'state']) await cp(world.at(part), join(fresh, part), { recursive: true });
  });
  afterEach(async () => {
    for (const part of ['repository', 'state']) {
      await rm(world.at(part), { recursive: true, force: true });
      await cp(join(fresh, part), world.at(part), { recursive: true });
    }
  });
  after(() => world.close());

  it('needs no key, and counts what it looked at', async () => {
    await rename(world.admin, `${world.admin}.away`);
    try {
      const result = await verify([]);
      assert.deepEqual([result.items, result.recipients, result.warnings], [3, 9, []]);
      assert.equal(result.roster?.version, 1);
      // vault.json, trust/1.json, users/, 2 nodes, 2 clients, 2 IAM files, the lock and what init made; sealed files need none.
      assert.ok(result.scanned >= 9, String(result.scanned));
      assert.equal((await verify([], 'vault', ITEMS[0] ?? '')).items, 1);
      assert.equal((await verify([], 'vault')).scanned, 0);
      const text = await succeed(world.run(['verify']));
      assert.equal(text.stderr, '');
    } finally {
      await rename(`${world.admin}.away`, world.admin);
    }
  });

  it('knows neither vault nor item that is not there', async () => {
    await world.refused('item-not-found', ['verify', 'valut']);
    await world.refused('item-not-found', ['verify', 'vault', 'nothing']);
    await world.refused('name-invalid', ['verify', '../vault']);
  });

  it('tells what is wrong with each item, whatever is wrong with others', async () => {
    const [one = '', two = '', three = ''] = ITEMS;
    const keys = await readFile(inRepository(bag(`${one}_keys.json`)), 'utf8');
    await writeFile(inRepository(bag(`${one}_keys.json`)), keys.replace('"generation": 1', '"generation": 2'));
    await writeFile(inRepository(bag(`${two}.json`)), '{}\n');
    const third = await readFile(inRepository(bag(`${three}_keys.json`)), 'utf8');
    await writeFile(inRepository(bag(`${three}_keys.json`)), third.replace(/\n {4}\{[^\n]*files01[^\n]*/, ''));
    const { problems } = await verify(['signature-invalid', 'recipients-digest-mismatch', 'item-digest-mismatch']);
    assert.deepEqual(problems.map(({ vault, item }) => `${vault ?? ''}/${item ?? ''}`), [one, three, two].map((item) => `vault/${item}`));
    const text = await world.run(['verify']);
    assert.equal(text.exitCode, 5);
    await verify(['signature-invalid'], 'vault', one);
    // Not one that is sound, though its neighbours are not.
    await writeFile(inRepository(bag(`${one}_keys.json`)), keys);
    await verify([], 'vault', one);
  });

  it('tells an item that was seen here and is gone, unless it was deleted from here', async () => {
    const [one = ''] = ITEMS;
    for (const file of [`${one}.json`, `${one}_keys.json`]) await rm(inRepository(bag(file)));
    const { problems } = await verify(['item-missing']);
    assert.equal(problems[0]?.item, one);
    await verify(['item-missing'], 'vault', one);
    await verify([], 'vault', ITEMS[1] ?? '');
  });

  it('tells an older generation by both numbers', async () => {
    const [one = ''] = ITEMS;
    const files = [`${one}.json`, `${one}_keys.json`];
    const before = await Promise.all(files.map((file) => readFile(inRepository(bag(file)))));
    await world.addNode('files03', '--role', 'secret-files-server');
    await succeed(world.run(['create', 'iam', 'iam-json-data/one.json', '--yes']));
    await verify([]);
    await Promise.all(files.map((file, i) => writeFile(inRepository(bag(file)), before[i] ?? '')));
    const { problems } = await verify(['generation-rollback']);
    assert.match(problems[0]?.message ?? '', /\b1\b.*\b2\b/);
  });

  it('warns of recipients that are gone or have other keys', async () => {
    await succeed(world.run(['node', 'remove', 'files01', '--yes']));
    const { line } = await world.key('files02-new');
    await succeed(world.run(['node', 'add', 'files02', '--key', line, '--force']));
    const result = await verify([]);
    assert.deepEqual(warningsOf(result).slice(0, 2), [`${ITEMS[0] ?? ''} party-not-found`, `${ITEMS[0] ?? ''} recipient-key-changed`]);
    assert.equal(result.warnings.length, 6);
    assert.match((await succeed(world.run(['verify']))).stderr, /vault refresh/);
    // A copy for nodes has no inventory.
    await rm(inRepository('clients'), { recursive: true });
    assert.deepEqual((await verify([])).warnings, []);
  });

  it('warns of an admin who is not on the roster any more', async () => {
    const other = await openWorld();
    try {
      const { file } = await other.key('bob');
      const bob = await parseIdentity(await readFile(file, 'utf8'), 'bob');
      const alice = await parseIdentity(await readFile(other.admin, 'utf8'), 'alice');
      const lines = async (version: number): Promise<Roster> => parseRoster(await readFile(join(other.repository, 'trust', `${String(version)}.json`)), 'roster').roster;
      const first = await lines(1);
      const withBob: Roster = { ...first, version: 2, previous: rosterDigest(first), admins: [...first.admins, { name: 'bob', public_key: bob.publicKey.line, signing_key: bob.signingKey?.line ?? '' }] };
      await other.write('repository/trust/2.json', encodeRoster({ roster: withBob, signatures: [signRoster(withBob, 'alice', alice)] }));
      await other.iamFile('one');
      await succeed(other.run(['create', 'iam', 'iam-json-data/one.json']));
      const without: Roster = { ...first, version: 3, previous: rosterDigest(withBob) };
      await other.write('repository/trust/3.json', encodeRoster({ roster: without, signatures: [signRoster(without, 'alice', alice)] }));
      const result = await other.result('verify', ['verify']) as unknown as Result;
      assert.deepEqual(warningsOf(result), [`${ONE}_one not-an-admin`]);
      assert.equal(result.roster?.version, 3);

      // A chain that a newcomer could not follow is broken, whatever is remembered here.
      const text = await readFile(join(other.repository, 'trust', '2.json'), 'utf8');
      await other.write('repository/trust/2.json', text.replace('"name":"bob"', '"name":"eve"'));
      const broken = await other.result('verify', ['verify'], { exitCode: 5 }) as unknown as Result;
      assert.deepEqual(broken.problems.map(({ code }) => code), ['roster-broken']);
      await rm(join(other.repository, 'trust', '3.json'));
      const rolledBack = await other.result('verify', ['verify', '--pin', rosterDigest(first)], { exitCode: 5 }) as unknown as Result;
      assert.deepEqual(rolledBack.problems.map(({ code }) => code), ['roster-broken', 'roster-rollback']);
      assert.equal(rolledBack.roster, undefined);
    } finally {
      await other.close();
    }
  });

  it('insists on a fingerprint', async () => {
    const { roster } = await verify([]);
    await verify([], '--pin', roster?.fingerprint ?? '');
    await verify(['roster-pin-mismatch'], '--pin', [...roster?.fingerprint ?? ''].reverse().join(''));
  });

  it('looks at proposals', async () => {
    const good = await propose({ quorum: 1 });
    await verify([]);
    await rm(inRepository(good));
    for (const [code, change, tamper] of [
      ['signature-invalid', {}, (text: string) => text.replace(/"signature":"...../, '"signature":"AAAAA')],
      ['roster-broken', {}, (text: string) => text.replace('2030-', '2031-')],
      ['document-invalid', {}, () => '{}\n'],
      ['roster-fork', { previous: `${'A'.repeat(42)}E` }, undefined],
    ] as const) {
      const path = await propose(change, tamper);
      assert.equal((await verify([code])).problems[0]?.path, path);
      await rm(inRepository(path));
    }
  });

  it('says in a notice that plain items are no vault\'s', async () => {
    await world.write('repository/data_bags/vault/plain.json', '{"id":"plain"}');
    const end = await succeed(world.run(['verify']));
    assert.match(end.stderr, /plain/);
    await verify([]);
  });

  it('remembers what it saw, and changes nothing else', async () => {
    const before = await world.tree();
    await verify([]);
    await rm(world.at('state', 'iam-vault', 'seen'), { recursive: true });
    await verify([]);
    const now = await world.tree();
    assert.deepEqual([...now].filter(([path, content]) => !path.endsWith('.lock') && before.get(path) !== content), []);
  });

  it('finds plaintext credentials wherever git would take them', async () => {
    world.secrets.add(KEY_ID);
    git('init', '--quiet');
    await world.write('repository/.gitignore', '/ignored\n');
    await world.write('repository/ignored', KEY_ID);
    await world.write('repository/big', `${KEY_ID}\n${' '.repeat(1 << 20)}`);
    await world.write('repository/binary', `\0${KEY_ID}`);
    await symlink(inRepository('ignored'), inRepository('link'));
    assert.deepEqual((await verify([])).warnings, []);
    await world.write('repository/iam-json-data/\u00e9 b.json', `{"a": 1,\n "b": "${KEY_ID}"}`);
    await world.write('repository/data_bags/vault/plain.json', `{"id": "plain", "key": "${KEY_ID}"}`);
    const { problems } = await verify(['plaintext-found', 'plaintext-found']);
    assert.deepEqual(problems.map(({ path }) => path).sort(), ['data_bags/vault/plain.json:1', 'iam-json-data/\u00e9 b.json:2']);
    await verify(['plaintext-found'], '--allow', './data_bags/vault/plain.json');
    await verify([], '--allow', 'data_bags/', '--allow', 'iam-json-data');
    await verify([], '--no-scan');
    await rm(inRepository('.git'), { recursive: true });
    await verify(['plaintext-found'], '--allow', 'data_bags', '--allow', 'iam-json-data');
  });

  it('scans a sealed file that something was put into', async () => {
    const [one = ''] = ITEMS;
    await writeFile(inRepository(bag(`${one}.json`)), `{"id": "${one}", "key": "${KEY_ID}"}\n`);
    await verify(['item-digest-mismatch', 'plaintext-found']);
  });

  it('judges what is staged, not what lies in the work tree', async () => {
    world.secrets.add(KEY_ID);
    await world.refused('git-failed', ['verify', '--staged']);
    git('init', '--quiet');
    git('add', '--all');
    const [one = ''] = ITEMS;
    await writeFile(inRepository(bag(`${one}.json`)), '{}\n');
    await world.write('repository/untracked', KEY_ID);
    assert.equal((await verify([], '--staged')).items, 3);
    await verify(['item-digest-mismatch', 'plaintext-found']);
    git('add', '--all');
    git('checkout-index', '--force', '--all');
    await verify(['item-digest-mismatch', 'plaintext-found'], '--staged');
  });

  it('is a pre-commit hook, also of a part of a commit and in a linked work tree with the vault below its root', async () => {
    await rm(inRepository('.git'), { recursive: true, force: true });
    const top = world.at('top');
    const inTop = (cwd: string, ...args: string[]): { status: number; text: string } => {
      try {
        return { status: 0, text: execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...world.variables } }) };
      } catch (error) {
        const { status, stderr } = error as { status: number; stderr: string };
        return { status, text: stderr };
      }
    };
    await cp(world.repository, join(top, 'vault'), { recursive: true });
    const bin = new URL('../../bin/run.js', import.meta.url).pathname;
    inTop(top, 'init', '--quiet');
    await world.write('top/.git/hooks/pre-commit', `#!/bin/sh\nexec '${process.execPath}' '${bin}' verify --staged --quiet --repository vault\n`, 0o755);
    inTop(top, 'add', '--all');
    const committed = inTop(top, 'commit', '--quiet', '--message', 'one');
    assert.equal(committed.status, 0, committed.text);
    const linked = world.at('linked');
    inTop(top, 'worktree', 'add', '--quiet', linked);
    for (const place of [top, linked]) {
      await writeFile(join(place, 'vault', 'note'), 'nothing secret\n');
      await writeFile(join(place, 'vault', 'leak'), KEY_ID);
      inTop(place, 'add', '--all');
      const whole = inTop(place, 'commit', '--message', 'two');
      assert.notEqual(whole.status, 0);
      assert.match(whole.text, /leak:1/);
      const part = inTop(place, 'commit', '--quiet', '--message', 'two', 'vault/note');
      assert.equal(part.status, 0, part.text);
      inTop(place, 'rm', '--quiet', '--force', 'vault/leak');
    }
  });

  it('warns of a recipient whose client document cannot be read', async () => {
    await world.write('repository/clients/files01.json', '{');
    assert.deepEqual(new Set(warningsOf(await verify([]))), new Set(ITEMS.map((item) => `${item} recipient-key-changed`)));
  });
});
