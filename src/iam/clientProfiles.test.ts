// Every form of profile, from the file to the request: real files, the real SDK, a loopback server in AWS's place.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { inspect } from 'node:util';
import { readAwsProfiles } from '../config/awsProfiles.ts';
import { VaultError } from '../errors.ts';
import { openAccount, type AccountOptions } from './client.ts';
import { failure, identityReply, roleReply, startFakeAws, type Reply, type Seen } from './clientFakeAws.testing.ts';

const home = await mkdtemp(join(tmpdir(), 'client-profiles-'));
const configFile = join(home, '.aws', 'config');
const credentialsFile = join(home, '.aws', 'credentials');
await mkdir(join(home, '.aws', 'sso', 'cache'), { recursive: true });

let refuse: string | undefined;
const aws = await startFakeAws(answer);
let before = 0;
after(async () => {
  await aws.close();
  await rm(home, { recursive: true });
});

// The SDK's providers read the process's own environment. It names another profile, other keys and no endpoint of ours.
for (const name of Object.keys(process.env).filter((key) => key.startsWith('AWS_'))) Reflect.deleteProperty(process.env, name);
Object.assign(process.env, { HOME: home, AWS_PROFILE: 'other', AWS_ACCESS_KEY_ID: 'ENVIRONMENT', AWS_SECRET_ACCESS_KEY: 's', AWS_ROLE_SESSION_NAME: 'other' });

beforeEach(() => {
  refuse = undefined;
  before = aws.seen.length;
});

function answer(seen: Seen): Reply {
  if (seen.action === refuse) return failure('AccessDenied', 403);
  switch (seen.action) {
    case 'AssumeRole': return roleReply(seen.action, `ROLE-${seen.keyId ?? ''}`);
    case 'AssumeRoleWithWebIdentity': return roleReply(seen.action, `WEB-${seen.parameters.get('WebIdentityToken') ?? ''}`);
    case 'GET /federation/credentials':
      return {
        status: 200,
        body: JSON.stringify({ roleCredentials: {
          accessKeyId: `SSO-${String(seen.headers['x-amz-sso_bearer_token'])}`, secretAccessKey: 's', sessionToken: 't', expiration: Date.now() + 3_600_000,
        } }),
      };
    case 'GET /container': return machineReply('CONTAINER');
    case 'PUT /latest/api/token': return { status: 200, body: 'token' };
    case 'GET /latest/meta-data/iam/security-credentials/': return { status: 200, body: 'role' };
    case 'GET /latest/meta-data/iam/security-credentials/role': return machineReply('INSTANCE');
    default: return identityReply();
  }
}

function machineReply(keyId: string): Reply {
  const expiration = new Date(Date.now() + 3_600_000).toISOString();
  return { status: 200, body: JSON.stringify({ Code: 'Success', AccessKeyId: keyId, SecretAccessKey: 's', Token: 't', Expiration: expiration }) };
}

async function call(name: string, config: string, credentials = '', options: AccountOptions = {}): Promise<string> {
  await writeFile(configFile, `[profile other]\nendpoint_url = http://127.0.0.1:9\nregion = xx-other-1\n${config}`);
  await writeFile(credentialsFile, credentials);
  const account = openAccount((await readAwsProfiles()).profile(name), { maxAttempts: 1, ...options });
  try {
    await account.getCallerIdentity();
  } finally {
    account.close();
  }
  return aws.seen.slice(before).map((seen) => `${seen.action} ${seen.keyId ?? '-'}`).join(', ');
}

async function refused(work: Promise<unknown>): Promise<VaultError> {
  const error: unknown = await work.then(() => undefined, (e: unknown) => e);
  assert.ok(error instanceof VaultError, inspect(error));
  return error;
}

const at = `endpoint_url = ${aws.url}\nregion = eu-central-1\n`;
const keys = (id: string): string => `aws_access_key_id = ${id}\naws_secret_access_key = TOPSECRET\n`;

test('[profile NAME]', async () => {
  assert.equal(await call('x', `[profile x]\n${at}${keys('PROFILE')}`), 'GetCallerIdentity PROFILE');
  assert.equal(aws.seen.at(-1)?.region, 'eu-central-1');
});

test('bare [NAME] in the config file', async () => {
  assert.equal(await call('an-aws-account-name', `[an-aws-account-name]\n${at}${keys('BARE')}`), 'GetCallerIdentity BARE');
});

test('keys in the credentials file, with and without a section in the config file', async () => {
  assert.equal(await call('x', `[profile x]\n${at}`, `[x]\n${keys('SHARED')}`), 'GetCallerIdentity SHARED');
  assert.equal(await call('y', '', `[y]\n${at}${keys('ALONE')}`), 'GetCallerIdentity SHARED, GetCallerIdentity ALONE');
});

for (const [header, name] of [
  ['profile a.b', 'a.b'], ['a.b', 'a.b'], ['profile my name', 'my name'], ['profile "my name"', 'my name'], ['my name', 'my name'], ['default', 'default'],
] as const) {
  test(`names: [${header}]`, async () => {
    assert.equal(await call(name, `[${header}]\n${at}${keys('NAMED')}`), 'GetCallerIdentity NAMED');
  });
}

test('CRLF, comments, a byte order mark', async () => {
  const text = `# c\r\n[profile x] ; c\r\n${`${at}${keys('CRLF')}`.replaceAll('\n', ' # c\r\n')}`;
  assert.equal(await call('x', text), 'GetCallerIdentity CRLF');
  await writeFile(configFile, `\uFEFF[x]\r\n${at}${keys('MARK')}`);
  const account = openAccount((await readAwsProfiles()).profile('x'));
  await account.getCallerIdentity();
  account.close();
  assert.equal(aws.seen.at(-1)?.keyId, 'MARK');
});

test('role_arn with source_profile', async () => {
  const role = `[profile r]\n${at}role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = s\nexternal_id = e\nrole_session_name = n\nduration_seconds = 900\n`;
  assert.equal(await call('r', `${role}[profile s]\n${keys('SOURCE')}`), 'AssumeRole SOURCE, GetCallerIdentity ROLE-SOURCE');
  const { parameters } = aws.seen[before] ?? assert.fail();
  assert.deepEqual(
    ['RoleArn', 'ExternalId', 'RoleSessionName', 'DurationSeconds'].map((key) => parameters.get(key)),
    ['arn:aws:iam::123456789012:role/r', 'e', 'n', '900'],
  );
});

test('role_arn whose source is a bare section, and bare itself', async () => {
  const config = `[r]\n${at}role_arn = a\nsource_profile = my source.x\n[my source.x]\n${keys('BARESOURCE')}`;
  assert.equal(await call('r', config), 'AssumeRole BARESOURCE, GetCallerIdentity ROLE-BARESOURCE');
});

test('a chain of roles, and a role that is its own source', async () => {
  const config = `[profile r]\n${at}role_arn = a\nsource_profile = q\n[profile q]\nrole_arn = b\nsource_profile = q\n${keys('SELF')}`;
  assert.equal(await call('r', config), 'AssumeRole SELF, GetCallerIdentity ROLE-SELF');
  before = aws.seen.length;
  assert.equal(await call('q', `[profile q]\n${at}role_arn = b\nsource_profile = q\n${keys('SELF')}`), 'AssumeRole SELF, GetCallerIdentity ROLE-SELF');
  before = aws.seen.length;
  const chain = `[profile r]\n${at}role_arn = a\nsource_profile = q\n[q]\nrole_arn = b\nsource_profile = p\n[p]\n${keys('P')}`;
  assert.equal(await call('r', chain), 'AssumeRole P, AssumeRole ROLE-P, GetCallerIdentity ROLE-ROLE-P');
});

test('one AssumeRole for all clients of an account', async () => {
  await writeFile(configFile, `[profile r]\n${at}role_arn = a\nsource_profile = s\n[s]\n${keys('S')}`);
  const account = openAccount((await readAwsProfiles()).profile('r'));
  await Promise.all([account.getCallerIdentity(), account.deleteUser('u'), account.getCallerIdentity()]);
  account.close();
  assert.equal(aws.seen.slice(before).filter((seen) => seen.action === 'AssumeRole').length, 1);
});

test('mfa_serial: refused without a prompt, asked with one', async () => {
  const config = `[profile r]\n${at}role_arn = a\nsource_profile = s\nmfa_serial = device\n[s]\n${keys('S')}`;
  const error = await refused(call('r', config));
  assert.deepEqual([error.code, error.details['reason']], ['aws-credentials', 'mfa']);
  assert.equal(aws.seen.length, before);
  await call('r', config, '', { mfaCode: (serial) => Promise.resolve(serial === 'device' ? '123456' : '') });
  assert.equal(aws.seen[before]?.parameters.get('TokenCode'), '123456');
});

test('credential_source = Environment', async () => {
  const config = `[profile r]\n${at}role_arn = a\ncredential_source = Environment\n`;
  assert.equal(await call('r', config), 'AssumeRole ENVIRONMENT, GetCallerIdentity ROLE-ENVIRONMENT');
});

test('credential_source = EcsContainer and Ec2InstanceMetadata', async () => {
  const config = (source: string): string => `[profile r]\n${at}role_arn = a\ncredential_source = ${source}\n`;
  Object.assign(process.env, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container`, AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.url });
  assert.equal(await call('r', config('EcsContainer')), 'GET /container -, AssumeRole CONTAINER, GetCallerIdentity ROLE-CONTAINER');
  before = aws.seen.length;
  assert.match(await call('r', config('Ec2InstanceMetadata')), /, AssumeRole INSTANCE, GetCallerIdentity ROLE-INSTANCE$/);
});

test('credential_process, in a section of either kind', async () => {
  const reply = JSON.stringify({ Version: 1, AccessKeyId: 'PROCESS', SecretAccessKey: 's', SessionToken: 't', Expiration: new Date(Date.now() + 3_600_000) });
  const script = join(home, 'credentials.json');
  await writeFile(script, reply);
  assert.equal(await call('p', `[profile p]\n${at}credential_process = cat "${script}"\n`), 'GetCallerIdentity PROCESS');
  before = aws.seen.length;
  assert.equal(await call('my p', `[my p]\n${at}credential_process = cat '${script}'; true\n`), 'GetCallerIdentity PROCESS');
});

test('credential_process that fails: its exit code, and nothing that it says', async () => {
  for (const [command, exitCode] of [
    ['echo TOPSECRET; echo TOPSECRET >&2; exit 7', 7],
    ['echo "{TOPSECRET"', undefined],
    ['echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"TOPSECRET\\"}"', undefined],
  ] as const) {
    const error = await refused(call('p', `[profile p]\n${at}credential_process = ${command}\n`));
    assert.deepEqual([error.code, error.details['exitCode']], ['aws-credentials', exitCode]);
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /TOPSECRET/);
  }
});

async function cacheToken(id: string, token: string, expires: number): Promise<void> {
  const name = createHash('sha1').update(id).digest('hex');
  await writeFile(
    join(home, '.aws', 'sso', 'cache', `${name}.json`),
    JSON.stringify({ startUrl: 'https://sso.example', accessToken: token, expiresAt: new Date(Date.now() + expires).toISOString() }),
  );
}

const LEGACY = 'sso_start_url = https://sso.example\nsso_region = eu-central-1\nsso_account_id = 123456789012\nsso_role_name = ops\n';
const SESSION = 'sso_session = my-sso\nsso_account_id = 123456789012\nsso_role_name = ops\n';
const MY_SSO = '[sso-session my-sso]\nsso_region = eu-central-1\nsso_start_url = https://sso.example\n';

test('SSO with a session, in sections that the SDK finds and that it does not', async () => {
  await cacheToken('my-sso', 'SESSION', 3_600_000);
  for (const header of ['profile s', 'profile s.t', 'profile my s', 's']) {
    before = aws.seen.length;
    const name = header.replace(/^profile /, '');
    assert.equal(
      await call(name, `[${header}]\n${at}${SESSION}${MY_SSO}`),
      'GET /federation/credentials -, GetCallerIdentity SSO-SESSION', header,
    );
  }
  assert.equal(aws.seen[before]?.parameters.get('role_name'), 'ops');
});

test('SSO, the legacy form', async () => {
  await cacheToken('https://sso.example', 'LEGACY', 3_600_000);
  assert.equal(await call('s', `[profile s]\n${at}${LEGACY}`), 'GET /federation/credentials -, GetCallerIdentity SSO-LEGACY');
});

test('SSO, the portal at an endpoint of its own', async () => {
  await cacheToken('my-sso', 'SESSION', 3_600_000);
  const config = `[profile s]\nservices = v\n${SESSION}${MY_SSO}[services v]\nsso =\n  endpoint_url = ${aws.url}\nsts =\n  endpoint_url = ${aws.url}\n`;
  assert.equal(await call('s', config), 'GET /federation/credentials -, GetCallerIdentity SSO-SESSION');
});

test('SSO, not signed in any more, or never', async () => {
  await cacheToken('https://sso.example', 'TOPSECRET', -1000);
  await cacheToken('my-sso', 'TOPSECRET', -1000);
  for (const config of [`[profile s]\n${at}${LEGACY}`, `[profile s]\n${at}${SESSION}${MY_SSO}`, `[profile s]\n${at}${SESSION}${MY_SSO}`.replaceAll('my-sso', 'never')]) {
    const error = await refused(call('s', config));
    assert.equal(error.code, 'aws-credentials');
    assert.match(error.hint ?? '', /aws sso login --profile s$/);
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /TOPSECRET/);
  }
});

test('web_identity_token_file', async () => {
  const tokenFile = join(home, 'token');
  await writeFile(tokenFile, 'TOKEN');
  const config = `[profile w]\n${at}role_arn = a\nweb_identity_token_file = ${tokenFile}\n`;
  assert.equal(await call('w', config), 'AssumeRoleWithWebIdentity -, GetCallerIdentity WEB-TOKEN');
  assert.notEqual(aws.seen[before]?.parameters.get('RoleSessionName'), 'other');
  const error = await refused(call('w', config.replace(tokenFile, `${tokenFile}-missing`)));
  assert.deepEqual([error.code, error.details['errno']], ['aws-credentials', 'ENOENT']);
});

test('endpoints by service', async () => {
  const other = await startFakeAws(() => identityReply());
  const config = `[profile x]\n${keys('X')}services = my.services\nendpoint_url = http://127.0.0.1:9\n[services my.services]\niam =\n  endpoint_url = ${aws.url}\nsts =\n  endpoint_url = ${other.url}\n`;
  assert.equal(await call('x', config), '');
  assert.equal(other.seen.length, 1);
  await other.close();
});

test('a role that may not be assumed', async () => {
  refuse = 'AssumeRole';
  const error = await refused(call('r', `[profile r]\n${at}role_arn = a\nsource_profile = s\n[s]\n${keys('S')}`));
  assert.deepEqual([error.code, error.details['awsCode']], ['aws-credentials', 'AccessDenied']);
});
