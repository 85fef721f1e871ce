// "Bad input gets a clear error, the stated exit code, and nothing created anywhere": docs/cli.md. That no part of a secret is
// printed is checked by World.run for every one of these runs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { ONE, openWorld, POLICY, QUERY, shaped, type World } from '../scripts/cliWorld.ts';
import { newAgeIdentity } from '../scripts/identityFiles.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

const PLANTED = 'kV7x+PLANTEDsecretZq3/nobodyMaySeeThis';
const WRONG_CLOCK = new URL('../scripts/wrongClock.mjs', import.meta.url).href;
const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;

interface Problem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly suggestion?: string;
}

describe('an IAM file that is not right', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
    world.secrets.add(PLANTED);
  });
  after(() => world.close());

  const good = { accounts: [ONE], user: 'app', group: 'app', policy: POLICY, search_query: QUERY };
  const text = (change: Readonly<Record<string, unknown>> = {}): string => JSON.stringify({ ...good, ...change }, undefined, 2);

  const unreadable: readonly (readonly [string, ErrorCode, string | Uint8Array])[] = [
    ['is empty', 'input-not-json', ''],
    ['is cut off in the middle', 'input-not-json', `${text({ tags: { a: PLANTED } }).slice(0, -60)}`],
    ['is cut off in a text', 'input-not-json', `{"user": "${PLANTED}`],
    ['is YAML', 'input-not-json', `user: ${PLANTED}\n`],
    ['has a comment', 'input-not-json', `// ${PLANTED}\n${text()}`],
    ['has a comma too many', 'input-not-json', text().replace(/\n\}$/, ',\n}')],
    ['begins with a byte order mark', 'input-not-json', `\uFEFF${text()}`],
    ['is UTF-16', 'input-not-json', Buffer.from(`\uFEFF${text()}`, 'utf16le')],
    ['is not UTF-8', 'input-not-json', Buffer.concat([Buffer.from(`{"user":"${PLANTED}`), Buffer.of(0xff, 0xfe), Buffer.from('"}')])],
    ['is huge', 'input-too-large', text({ tags: { a: PLANTED.repeat(40_000) } })],
    ['is nested deeply', 'input-too-deep', `{"policy":${'['.repeat(100_000)}`],
    ['has a key twice', 'input-duplicate-key', text().replace('{', `{"user": "${PLANTED}",`)],
    ['has __proto__', 'input-invalid', text().replace('{', `{"__proto__": {"user": "${PLANTED}"},`)],
    ['has half a surrogate pair', 'input-invalid', text().replace('"app"', '"\\ud800"')],
    ['is a list', 'input-invalid', '[]'],
    ['is null', 'input-invalid', 'null'],
  ];
  for (const [what, code, content] of unreadable) {
    it(`that ${what}: ${code}`, async () => {
      const file = await world.write('repository/iam-json-data/bad.json', content);
      const error = await world.refused(code, ['create', 'iam', file]);
      assert.ok(String(error['message']).includes(file));
      await world.refused(code, ['check', 'iam', file]);
    });
  }

  it('that is no file: input-unreadable, at once', async () => {
    await symlink('loop', world.at('loop'));
    spawnSync('mkfifo', [world.at('pipe')]);
    for (const path of [world.at('nowhere.json'), world.at('home'), world.at('loop'), world.at('pipe'), '/dev/zero', join(world.admin, 'x')]) {
      await world.refused('input-unreadable', ['create', 'iam', path]);
    }
  });

  it('that has Windows line ends works', async () => {
    const file = await world.write('crlf.json', text().replaceAll('\n', '\r\n'));
    await world.result('check iam', ['check', 'iam', file]);
    await world.result('plan iam', ['plan', 'iam', file], { exitCode: 2 });
  });

  const invalid: readonly (readonly [string, Readonly<Record<string, unknown>>, string, string?])[] = [
    ['an unknown field', { search_qury: PLANTED }, 'search_qury', 'search_query'],
    ['an unknown field of the policy', { policy: { ...POLICY, Statment: PLANTED } }, 'policy.Statment', 'Statement'],
    ['a wrong effect', { policy: { ...POLICY, Statement: [{ ...POLICY.Statement[0], Effect: 'allow' }] } }, 'policy.Statement[0].Effect', 'Allow'],
    ['accounts of the wrong type', { accounts: ONE }, 'accounts'],
    ['no accounts', { accounts: [] }, 'accounts'],
    ['an account twice', { accounts: [ONE, ONE] }, 'accounts[1]'],
    ['an account that is no text', { accounts: [1] }, 'accounts[0]'],
    ['a user of the wrong type', { user: { secret: PLANTED } }, 'user'],
    ['no user', { user: undefined }, 'user'],
    ['a user that leaves the repository', { user: '../x' }, 'user'],
    ['a user with a slash', { user: 'a/b' }, 'user'],
    ['a hidden user', { user: '.x' }, 'user'],
    ['an empty user', { user: '' }, 'user'],
    ['a user of 65 characters', { user: 'x'.repeat(65) }, 'user'],
    ['a user called constructor', { user: 'constructor' }, 'user'],
    ['a user that would make an item called _keys', { user: 'x_keys' }, 'user'],
    ['a group that leaves the repository', { group: '../../etc' }, 'group'],
    ['a vault that leaves the repository', { vault: '../x' }, 'vault'],
    ['a vault called __proto__', { vault: '__proto__' }, 'vault'],
    ['an admin that leaves the repository', { admins: ['../alice'] }, 'admins[0]'],
    ['no admins', { admins: [] }, 'admins'],
    ['an empty query', { search_query: ' ' }, 'search_query'],
    ['a query of the wrong type', { search_query: [QUERY] }, 'search_query'],
    ['a path that is none', { path: 'x' }, 'path'],
    ['a boundary that is no ARN', { permissions_boundary: PLANTED.slice(0, 3) }, 'permissions_boundary'],
    ['a policy test of both kinds', { policy_tests: [{ allow: 's3:GetObject', deny: 's3:GetObject', on: 'arn:aws:s3:::b' }] }, 'policy_tests[0]'],
  ];
  for (const [what, change, path, suggestion] of invalid) {
    it(`with ${what}: input-invalid at ${path}`, async () => {
      const file = await world.write('repository/iam-json-data/bad.json', text(change));
      const { problems } = await world.refused('input-invalid', ['create', 'iam', file]) as unknown as { problems: Problem[] };
      const found = problems.find((problem) => problem.path === path);
      assert.ok(found, JSON.stringify(problems));
      assert.ok(found.line >= 1 && found.column >= 1);
      assert.equal(found.suggestion, suggestion);
    });
  }

  it('names all problems at once', async () => {
    const file = await world.iamFile('many', { user: '../x', accounts: [], vault: 7, nonsense: PLANTED });
    const { problems } = await world.refused('input-invalid', ['plan', 'iam', file]) as unknown as { problems: Problem[] };
    assert.deepEqual(problems.map(({ path }) => path).sort(), ['accounts', 'nonsense', 'user', 'vault']);
  });

  it('is found before anything is done for the others', async () => {
    const [fine, bad] = [await world.iamFile('fine'), await world.iamFile('bad', { accounts: [] })];
    await world.refused('input-invalid', ['create', 'iam', fine, bad]);
  });

  it('with a query that cannot be read, or selects nobody', async () => {
    await world.refused('query-invalid', ['create', 'iam', await world.iamFile('query', { search_query: 'role:(' })]);
    await world.refused('query-selects-nobody', ['create', 'iam', await world.iamFile('nobody', { search_query: 'role:nobody' })]);
  });

  it('with an admin who is not on the roster: the nearest is named', async () => {
    const error = await world.refused('party-not-found', ['create', 'iam', await world.iamFile('admins', { admins: ['alise'] })]);
    assert.match(String(error['hint']), /alice/);
  });
});

describe('AWS profiles that are not right', () => {
  let world: World;
  let file: string;
  before(async () => {
    world = await openWorld();
    world.secrets.add(PLANTED);
    file = await world.iamFile('app');
  });
  after(() => world.close());

  it('names the nearest profile', async () => {
    const error = await world.refused('profile-not-found', ['create', 'iam', await world.iamFile('typo', { accounts: ['an-aws-acount-name'] })]);
    assert.equal(error['suggestion'], ONE);
  });

  const profiles: readonly (readonly [string, ErrorCode, string])[] = [
    ['no file', 'profile-not-found', ''],
    ['half a key', 'profile-invalid', `[profile ${ONE}]\naws_secret_access_key = ${PLANTED}\n`],
    ['a region that is none', 'profile-invalid', `[profile ${ONE}]\naws_access_key_id = AKIAXXXXXXXXXXXXXXXX\naws_secret_access_key = ${PLANTED}\nregion = http://evil\n`],
    ['an endpoint that is no URL', 'profile-invalid', `[profile ${ONE}]\naws_access_key_id = AKIAXXXXXXXXXXXXXXXX\naws_secret_access_key = ${PLANTED}\nendpoint_url = ftp://x\n`],
    ['a source profile that is itself', 'profile-invalid', `[profile ${ONE}]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = ${ONE}\n`],
  ];
  for (const [what, code, content] of profiles) {
    it(`with ${what}: ${code}`, async () => {
      const config = await world.write('aws/bad', content, 0o600);
      await world.refused(code, ['create', 'iam', file], { variables: { AWS_CONFIG_FILE: config } });
    });
  }

  it('with keys that AWS does not know: aws-credentials for that account', async () => {
    const config = await world.write('aws/bad', `[profile ${ONE}]\naws_access_key_id = AKIAXXXXXXXXXXXXXXXX\naws_secret_access_key = ${PLANTED}\nendpoint_url = ${world.server.url}\n`, 0o600);
    const { accounts } = await world.result('create iam', ['create', 'iam', file], { exitCode: 6, variables: { AWS_CONFIG_FILE: config } }) as { accounts: { error: { code: string } }[] };
    assert.deepEqual(accounts.map(({ error }) => error.code), ['aws-credentials']);
  });

  it('with an endpoint where nobody listens: aws-unreachable', async () => {
    const config = await world.write('aws/bad', `[profile ${ONE}]\naws_access_key_id = AKIAXXXXXXXXXXXXXXXX\naws_secret_access_key = ${PLANTED}\nendpoint_url = http://127.0.0.1:9\nmax_attempts = 1\n`, 0o600);
    const { accounts } = await world.result('create iam', ['create', 'iam', file], { exitCode: 6, variables: { AWS_CONFIG_FILE: config } }) as { accounts: { error: { code: string } }[] };
    assert.deepEqual(accounts.map(({ error }) => error.code), ['aws-unreachable']);
  });
});

describe('names and keys on the command line', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
    world.secrets.add(PLANTED);
  });
  after(() => world.close());

  it('that leave the repository, or are reserved', async () => {
    const { line } = await world.key('any');
    for (const name of ['../x', 'a/b', '..', '.', '', '.hidden', '__proto__', 'constructor', 'x'.repeat(129), 'a b', 'x\u001b[31m', 'ä']) {
      await world.refused('name-invalid', ['node', 'add', '--key', line, '--', name]);
      await world.refused('name-invalid', ['decrypt', '--', name, 'item']);
    }
    await world.refused('name-invalid', ['decrypt', 'vault', '../../vault']);
    await world.refused('name-invalid', ['decrypt', 'vault', 'x_keys']);
    await world.refused('name-invalid', ['node', 'show', '../trust/1']);
    await world.refused('name-invalid', ['node', 'remove', '../trust/1', '--yes']);
    await world.refused('name-invalid', ['list', '../..']);
    await world.refused('name-invalid', ['search', QUERY, '--why', '../x']);
  });

  it('that are no public keys, above all not private ones', async () => {
    const secret = /VAULT-SECRET-KEY-1\w+/.exec(await readFile(world.admin, 'utf8'))?.[0] ?? '';
    const { line } = await world.key('node');
    for (const key of ['', 'x', secret, newAgeIdentity().split('\n')[1] ?? '', `${line.slice(0, -1)}q`, line.toUpperCase(), 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDH', 'ssh-ed25519 AAAA', `ssh-ed25519 ${PLANTED}`]) {
      await world.refused('key-invalid', ['node', 'add', 'web01', `--key=${key}`]);
    }
    await world.refused('key-invalid', ['node', 'add', 'web01', '--key-file', world.admin]);
    await world.refused('input-unreadable', ['node', 'add', 'web01', '--key-file', world.at('nowhere')]);
    await world.refused('usage', ['node', 'add', 'web01']);
    await world.refused('usage', ['node', 'add', 'web01', '--key', line, '--key-file', world.admin]);
  });

  it('attributes that are no JSON object', async () => {
    const { line } = await world.key('attributes');
    await world.refused('input-not-json', ['node', 'add', 'web01', '--key', line, '--attributes', `{"password": "${PLANTED}"`]);
    await world.refused('input-invalid', ['node', 'add', 'web01', '--key', line, '--attributes', `["${PLANTED}"]`]);
    await world.refused('input-invalid', ['node', 'add', 'web01', '--key', line, '--attributes', `{"__proto__": "${PLANTED}"}`]);
    await world.refused('input-duplicate-key', ['node', 'add', 'web01', '--key', line, '--attributes', `{"a": "${PLANTED}", "a": 1}`]);
  });
});

describe('identities that are not right', () => {
  let world: World;
  let file: string;
  before(async () => {
    world = await openWorld();
    world.secrets.add(PLANTED);
    file = await world.iamFile('app');
  });
  after(() => world.close());

  const identities: readonly (readonly [string, ErrorCode, () => string, number?])[] = [
    ['that others can read', 'identity-too-open', () => newAgeIdentity(), 0o644],
    ['that the group can write', 'identity-too-open', () => newAgeIdentity(), 0o620],
    ['that is empty', 'identity-invalid', () => ''],
    ['that is no key', 'identity-invalid', () => `${PLANTED}\n`],
    ['that is a public key', 'identity-invalid', () => 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN5SWUGwgXD8T309mZZOqGiWzGDQgV1yxXUkfuKfE2mw me@here\n'],
    ['with a typo in the key', 'identity-invalid', () => newAgeIdentity().replace(/.\n$/, 'B\n')],
    ['that is an RSA key', 'identity-invalid', () => generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).privateKey],
    ['that is an elliptic-curve key', 'identity-invalid', () => generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'sec1', format: 'pem' } }).privateKey],
    ['that is huge', 'input-too-large', () => PLANTED.repeat(10_000)],
  ];
  for (const [what, code, content, mode = 0o600] of identities) {
    it(`one ${what}: ${code}`, async () => {
      const text = content();
      const identity = await world.write('keys/bad', text, mode);
      const [secret] = /(?<=AGE-SECRET-KEY-1)\w+/.exec(text) ?? [];
      if (secret !== undefined) world.secrets.add(secret);
      await world.refused(code, ['key', 'show', '--identity', identity]);
      await world.refused(code, ['create', 'iam', file, '--identity', identity]);
      await world.refused(code, ['list'].concat(['--repository', world.repository]).length > 0 ? ['decrypt', 'vault', 'x', '-i', identity] : []).catch((error: unknown) => { assert.match(String(error), /item-not-found/); });
    });
  }

  it('one that is missing, or a directory', async () => {
    await world.refused('identity-missing', ['create', 'iam', file, '-i', world.at('nowhere')]);
    await world.refused('input-unreadable', ['create', 'iam', file, '-i', world.at('home')]);
  });

  it("one that is not an admin's: not-an-admin", async () => {
    await world.refused('not-an-admin', ['create', 'iam', file, '--identity', world.at('keys', 'files01')]);
    await world.refused('not-an-admin', ['plan', 'iam', file, '--identity', await world.write('keys/age', newAgeIdentity(), 0o600)]);
  });
});

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
  const cases: readonly (readonly [string, readonly ErrorCode[], Readonly<Partial<Record<'item' | 'keys', Edit>>>])[] = [
    ['the item cut off', ['item-digest-mismatch', 'document-invalid'], { item: cut }],
    ['the item empty', ['item-digest-mismatch', 'document-invalid'], { item: () => '' }],
    ['the keys cut off', ['document-invalid'], { keys: cut }],
    ['the keys empty', ['document-invalid'], { keys: () => '' }],
    ['a ciphertext changed', ['item-digest-mismatch'], { item: (text) => flip(text, /"data": *\{?[^}]*?"[A-Za-z0-9+/_-]{40}/) }],
    ['a sealed key changed', ['sealed-key-unopenable', 'document-not-canonical', 'document-invalid'], { keys: (text) => flip(text, /"sealed_key": ?"[A-Za-z0-9+/_-]{20}/) }],
    ['the generation changed', ['signature-invalid'], { keys: (text) => text.replace(/"generation": ?2/, (found) => found.replace('2', '3')) }],
    ['the query changed', ['signature-invalid'], { keys: (text) => text.replace(QUERY, 'role:everybody') }],
    ['a recipient taken away', ['recipients-digest-mismatch'], { keys: (text) => text.replace(/^ *\{[^\n]*"files02"[^\n]*\},?\n/m, '').replace(/,(\n *\])/, '$1') }],
    ['a recipient renamed', ['recipients-digest-mismatch', 'document-not-canonical'], { keys: (text) => text.replace('"files02"', '"files03"') }],
    ['spaces added', ['document-not-canonical'], { keys: (text) => text.replace('{', '{ ') }],
    ['a byte order mark', ['document-invalid', 'document-not-canonical'], { keys: (text) => `\uFEFF${text}` }],
    ['Windows line ends', ['document-not-canonical'], { keys: (text) => text.replaceAll('\n', '\r\n') }],
    ['Windows line ends in the item', ['item-digest-mismatch'], { item: (text) => text.replaceAll('\n', '\r\n') }],
    ['an unknown field', ['document-invalid', 'document-not-canonical'], { keys: (text) => text.replace('{', '{"extra": 1,') }],
    ['a format of the future', ['format-unsupported'], { keys: (text) => text.replace(/("format": ?)(\d+|"[^"]*?)(\d*)("?)/, (_, name: string, value: string, __, quote: string) => (quote === '' ? `${name}99` : `${name}${value}99"`)) }],
    ['__proto__', ['document-invalid', 'document-not-canonical'], { keys: (text) => text.replace('{', '{"__proto__": {},') }],
  ];
  async function restore(): Promise<void> {
    await rm(bag, { recursive: true });
    await cp(world.at('good'), bag, { recursive: true });
  }
  for (const [what, codes, edits] of cases) {
    it(`${what}: ${codes[0] ?? ''}`, async () => {
      for (const [which, edit] of Object.entries(edits)) {
        const path = join(bag, which === 'item' ? `${item}.json` : `${item}_keys.json`);
        const before = await readFile(path, 'utf8');
        const edited = edit(before);
        assert.notEqual(edited, before, 'the edit changes nothing');
        await writeFile(path, edited);
      }
      const end = await world.run(['decrypt', 'vault', item, '--json']);
      const { error } = shaped('error', end.stdout) as { error: { code: ErrorCode } };
      assert.ok(codes.includes(error.code), describeEnd(end));
      await world.refused(error.code, ['decrypt', 'vault', item]);
      await world.refused(error.code, ['decrypt', 'vault', item, '--identity', world.at('keys', 'files02')]);
      const { accounts } = await world.result('create iam', ['create', 'iam', 'iam-json-data/app.json', '--yes'], { exitCode: end.exitCode ?? 0 }) as { accounts: { error: { code: string } }[] };
      assert.equal(accounts[0]?.error.code, error.code);
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

  it('a vault that is a link to elsewhere is not written to', async () => {
    await mkdir(world.at('elsewhere'));
    await symlink(world.at('elsewhere'), world.at('repository', 'data_bags', 'linked'));
    const end = await world.run(['create', 'iam', await world.iamFile('linked', { vault: 'linked' }), '--json']);
    assert.notEqual(end.exitCode, 0, describeEnd(end));
    assert.deepEqual([...(await world.tree()).keys()].filter((path) => path.startsWith('elsewhere/')), []);
    await rm(world.at('repository', 'data_bags', 'linked'));
  });

  it('one of both files missing', async () => {
    for (const name of [`${item}.json`, `${item}_keys.json`]) {
      await rm(join(bag, name));
      const end = await world.run(['decrypt', 'vault', item, '--json']);
      assert.notEqual(end.exitCode, 0);
      const { error } = shaped('error', end.stdout) as { error: { code: string } };
      assert.match(error.code, /^(item-not-found|document-invalid|store-conflict|item-digest-mismatch)$/);
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
    await world.refused('input-invalid', ['create', 'iam', 'iam-json-data/app.json']);
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

describe('vault sandbox', () => {
  let world: World;
  before(async () => { world = await openWorld({ empty: true }); });
  after(() => world.close());

  it('does not begin where it cannot', async () => {
    const cwd = world.directory;
    const taken = createServer();
    await new Promise<void>((resolve) => { taken.listen(0, '127.0.0.1', resolve); });
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await world.refused('usage', ['sandbox', '--port', String(port)], { cwd });
    taken.close();
    await world.refused('usage', ['sandbox', '--port', '70000'], { cwd });
    await world.refused('usage', ['sandbox', '--config-file', world.at('aws', 'config')], { cwd });
    await world.refused('usage', ['sandbox', '--propagation-delay', 'soon'], { cwd });
    await world.refused('usage', ['sandbox', '--throttle', '10'], { cwd });
    await world.refused('usage', ['sandbox', '--account', 'a\nb'], { cwd });
    await world.refused('usage', ['sandbox', '--account', 'a', '--account', 'a'], { cwd });
    await world.refused('usage', ['sandbox', '--state', await world.write('state.json', '{')], { cwd });
  });
});
