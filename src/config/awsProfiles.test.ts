import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { VaultError, type ErrorCode } from '../errors.ts';
import { readAwsProfiles } from './awsProfiles.ts';

const root = await mkdtemp(join(tmpdir(), 'aws-profiles-'));
after(() => rm(root, { recursive: true }));
let count = 0;

/** An environment whose two files hold these texts; undefined: no such file. */
async function files(config?: string, credentials?: string, more: Record<string, string> = {}): Promise<NodeJS.ProcessEnv> {
  const directory = join(root, String(count++));
  await mkdir(directory);
  const env = { HOME: directory, AWS_CONFIG_FILE: join(directory, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials'), ...more };
  if (config !== undefined) await writeFile(env.AWS_CONFIG_FILE, config);
  if (credentials !== undefined) await writeFile(env.AWS_SHARED_CREDENTIALS_FILE, credentials);
  return env;
}

async function failure(env: NodeJS.ProcessEnv, name: string): Promise<VaultError> {
  try {
    (await readAwsProfiles(env)).profile(name);
  } catch (error) {
    assert.ok(error instanceof VaultError, inspect(error));
    return error;
  }
  return assert.fail('no error');
}

const KEYS = 'aws_access_key_id = AKIAEXAMPLE000000001\naws_secret_access_key = TOPSECRETTOPSECRET\n';

test('a missing profile names the files searched and the nearest name', async () => {
  const env = await files(`[profile production]\n${KEYS}`);
  const error = await failure(env, 'prodaction');
  assert.equal(error.code, 'profile-not-found');
  assert.equal(error.details['suggestion'], 'production');
  assert.deepEqual(error.details['files'], [env['AWS_CONFIG_FILE'], env['AWS_SHARED_CREDENTIALS_FILE']]);
});

test('no files at all are no profiles', async () => {
  assert.deepEqual((await readAwsProfiles(await files())).names, []);
  for (const name of ['__proto__', 'constructor', 'default', '']) {
    assert.equal((await failure(await files(), name)).code, 'profile-not-found');
  }
});

test('files that cannot be read, or are too large', async () => {
  const env = await files();
  await assert.rejects(readAwsProfiles({ ...env, AWS_CONFIG_FILE: root }), { code: 'input-unreadable' });
  await assert.rejects(readAwsProfiles({ ...env, AWS_CONFIG_FILE: '/dev/zero' }), { code: 'input-too-large' });
  assert.deepEqual((await readAwsProfiles({ ...env, AWS_CONFIG_FILE: '/dev/null' })).names, []);
});

test('names of both files, each once', async () => {
  const profiles = await readAwsProfiles(await files(`[default]\n${KEYS}[profile a.b]\n${KEYS}[services s]\n[sso-session t]\n[bare]\n`, `[a.b]\n${KEYS}[c]\n${KEYS}`));
  assert.deepEqual(profiles.names, ['default', 'a.b', 'bare', 'c']);
});

test('[profile x] hides [x]; the credentials file wins for keys, the config file for settings', async () => {
  const env = await files(
    `[x]\naws_access_key_id = BARE\n[profile x]\nregion = eu-west-1\n${KEYS}`,
    '[x]\naws_access_key_id = FROMCREDENTIALS00\nregion = eu-west-2\n',
  );
  const profile = (await readAwsProfiles(env)).profile('x');
  assert.equal(profile.region, 'eu-west-1');
  assert.equal(profile.credentials.kind === 'static' && profile.credentials.accessKeyId, 'FROMCREDENTIALS00');
});

test('region: the profile before the environment', async () => {
  const env = await files(`[profile a]\nregion = cn-north-1\n${KEYS}[profile b]\n${KEYS}`, undefined, { AWS_REGION: 'eu-west-1' });
  const profiles = await readAwsProfiles(env);
  assert.equal(profiles.profile('a').region, 'cn-north-1');
  assert.equal(profiles.profile('b').region, 'eu-west-1');
});

test('endpoints: variables, then the services section, then the profile', async () => {
  const config = `[profile a]\nendpoint_url = https://all\nservices = s\n${KEYS}[services s]\niam =\n  endpoint_url = https://iam\n`;
  const plain = (await readAwsProfiles(await files(config))).profile('a');
  assert.deepEqual(plain.endpoints, { iam: 'https://iam', sts: 'https://all', sso: 'https://all', ssoOidc: 'https://all' });
  const one = (await readAwsProfiles(await files(config, undefined, { AWS_ENDPOINT_URL_STS: 'https://env' }))).profile('a');
  assert.deepEqual([one.endpoints.iam, one.endpoints.sts], ['https://iam', 'https://env']);
  const all = (await readAwsProfiles(await files(config, undefined, { AWS_ENDPOINT_URL: 'https://env' }))).profile('a');
  assert.equal(all.endpoints.iam, 'https://env');
  const none = (await readAwsProfiles(await files(config, undefined, { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }))).profile('a');
  assert.deepEqual(none.endpoints, {});
});

const INVALID: readonly [why: string, section: string, key: string][] = [
  ['no credentials at all', 'region = eu-west-1', 'aws_access_key_id'],
  ['no secret', 'aws_access_key_id = AKIA', 'aws_secret_access_key'],
  ['no key id', 'aws_secret_access_key = TOPSECRETTOPSECRET', 'aws_access_key_id'],
  ['a control character in a key', 'aws_access_key_id = A\u0007B\naws_secret_access_key = TOPSECRETTOPSECRET', 'aws_access_key_id'],
  ['a role from nowhere', 'role_arn = arn:aws:iam::1:role/r', 'role_arn'],
  ['a role with two sources', 'role_arn = r\nsource_profile = p\ncredential_source = Environment', 'source_profile'],
  ['a role from a profile that is not there', 'role_arn = r\nsource_profile = q', 'source_profile'],
  ['a role that leads to itself', 'role_arn = r\nsource_profile = p', 'source_profile'],
  ['an unknown credential source', 'role_arn = r\ncredential_source = Toaster', 'credential_source'],
  ['a session too short', 'role_arn = r\ncredential_source = Environment\nduration_seconds = 1', 'duration_seconds'],
  ['a session that is not there', 'sso_session = s\nsso_account_id = 1\nsso_role_name = r', 'sso_session'],
  ['half of SSO', 'sso_start_url = http://x\nsso_account_id = 1', 'sso_role_name'],
  ['web identity for no role', 'web_identity_token_file = /t', 'role_arn'],
  ['a region that is a host name', `${KEYS}region = evil.example/`, 'region'],
  ['an endpoint that is not a URL', `${KEYS}endpoint_url = localhost`, 'endpoint_url'],
  ['an endpoint with a password', `${KEYS}endpoint_url = http://u:TOPSECRETTOPSECRET@h`, 'endpoint_url'],
  ['services that are not there', `${KEYS}services = s`, 'services'],
  ['attempts that are no number', `${KEYS}max_attempts = many`, 'max_attempts'],
];

for (const [why, section, key] of INVALID) {
  test(`profile-invalid: ${why}`, async () => {
    const error = await failure(await files(`[profile p]\n${section}\n`), 'p');
    assert.equal(error.code satisfies ErrorCode, 'profile-invalid');
    assert.equal(error.details['key'], key);
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /TOPSECRET/);
  });
}

test('a longer circle of source profiles', async () => {
  const error = await failure(await files('[profile a]\nrole_arn = r\nsource_profile = b\n[b]\nrole_arn = r\nsource_profile = a\n'), 'a');
  assert.equal(error.code, 'profile-invalid');
});

test('a printed profile shows no secret', async () => {
  const config = `[profile a]\naws_session_token = TOPSECRETTOKEN\n${KEYS}[profile b]\ncredential_process = x --password TOPSECRET\n`;
  const profiles = await readAwsProfiles(await files(config));
  for (const name of ['a', 'b']) {
    const profile = profiles.profile(name);
    assert.doesNotMatch(inspect(profile, { depth: 9, showHidden: true }) + JSON.stringify(profile), /TOPSECRET/);
  }
});
