// "Bad input gets a clear error, the stated exit code, and nothing created anywhere": docs/cli.md. That no part of a secret is
// printed is checked by World.run for every one of these runs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { ONE, openWorld, POLICY, QUERY, type World } from '../scripts/cliWorld.ts';
import { newAgeIdentity } from '../scripts/identityFiles.ts';

const PLANTED = 'kV7x+PLANTEDsecretZq3/nobodyMaySeeThis';

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
    ['is cut off in the middle', 'input-not-json', text({ tags: { a: PLANTED } }).slice(0, -60)],
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
    });
  }

  it('is refused by check and plan too', async () => {
    const file = await world.write('repository/iam-json-data/bad.json', `{"user": "${PLANTED}`);
    for (const verb of ['check', 'plan']) await world.refused('input-not-json', [verb, 'iam', file]);
  });

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
    ['a user that would make an item called _keys', { user: 'x_keys' }, 'accounts[0]'],
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
    }
    for (const name of ['../x', '', '__proto__', 'x\u001b[31m']) await world.refused('name-invalid', ['decrypt', '--', name, 'item']);
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
    for (const key of ['', 'x', secret, newAgeIdentity().split('\n')[1] ?? '', `${line.slice(0, -1)}${line.endsWith('q') ? 'p' : 'q'}`, line.toUpperCase(), 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDH', 'ssh-ed25519 AAAA', `ssh-ed25519 ${PLANTED}`]) {
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
      await world.refused(code, ['create', 'iam', file, '--identity', identity]);
    });
  }

  it('is refused by key show too', async () => {
    await world.refused('identity-too-open', ['key', 'show', '--identity', await world.write('keys/open', newAgeIdentity())]);
  });

  it('one that is missing, or a directory', async () => {
    await world.refused('identity-missing', ['create', 'iam', file, '-i', world.at('nowhere')]);
    await world.refused('input-unreadable', ['create', 'iam', file, '-i', world.at('home')]);
  });

  it("one that is not an admin's: not-an-admin", async () => {
    await world.refused('not-an-admin', ['create', 'iam', file, '--identity', world.at('keys', 'files01')]);
    await world.refused('not-an-admin', ['plan', 'iam', file, '--identity', await world.write('keys/age', newAgeIdentity(), 0o600)]);
  });
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
