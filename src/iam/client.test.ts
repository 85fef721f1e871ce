// The client against a loopback server in AWS's place, through the real SDK.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { promisify, inspect } from 'node:util';
import type { AwsProfile } from '../config/awsProfile.ts';
import { VaultError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { openAccount, type AccountOptions, type AwsAccount } from './client.ts';
import { failure, identityReply, startFakeAws, success, type FakeAws, type Reply, type Seen } from './clientFakeAws.testing.ts';

const PACE = { delayScale: 0, leastRate: 1000 };

async function open(
  t: TestContext,
  answer: (seen: Seen, index: number) => Reply,
  options: AccountOptions = {},
): Promise<{ aws: FakeAws; account: AwsAccount }> {
  const aws = await startFakeAws(answer);
  const profile: AwsProfile = {
    name: 'test', endpoints: { iam: aws.url, sts: aws.url }, fips: false, dualStack: false,
    credentials: { kind: 'static', accessKeyId: 'OPERATOR', secretAccessKey: new Secret('s') },
  };
  const account = openAccount(profile, { pace: PACE, ...options });
  t.after(() => {
    account.close();
    return aws.close();
  });
  return { aws, account };
}

async function refused(work: Promise<unknown>): Promise<VaultError> {
  const error: unknown = await work.then(() => undefined, (e: unknown) => e);
  assert.ok(error instanceof VaultError, inspect(error));
  return error;
}

const WHEN = '<CreateDate>2026-01-02T03:04:05Z</CreateDate>';
const USER = `<User><Path>/p/</Path><UserName>u</UserName><UserId>AIDA</UserId><Arn>arn:aws:iam::1:user/p/u</Arn>${WHEN}</User>`;
const GROUP = '<Group><Path>/</Path><GroupName>g</GroupName><GroupId>AGPA</GroupId><Arn>arn:aws:iam::1:group/g</Arn></Group>';
const KEY = `<AccessKey><UserName>u</UserName><AccessKeyId>AKIAEXAMPLE000000001</AccessKeyId><Status>Active</Status><SecretAccessKey>TOPSECRET</SecretAccessKey>${WHEN}</AccessKey>`;

test('importing the client does not load the SDK', async () => {
  const script = `
    import { createRequire } from 'node:module';
    const loaded = () => Object.keys(createRequire('/').cache).some((file) => /@aws-sdk|@smithy/.test(file));
    const { openAccount } = await import(${JSON.stringify(new URL('./client.ts', import.meta.url).href)});
    const account = openAccount({ name: 'x', endpoints: {}, fips: false, dualStack: false, credentials: { kind: 'sdk', sdk: { profile: 'x' } } });
    const before = loaded();
    await account.getUser('u').catch(() => undefined);
    process.stdout.write(JSON.stringify([before, loaded()]));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  assert.equal(stdout, '[false,true]');
});

test('a user with tags and boundary; nobody', async (t) => {
  const tags = '<Tags><member><Key>__proto__</Key><Value>1</Value></member><member><Key>a</Key><Value></Value></member></Tags>';
  const boundary = '<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>arn:b</PermissionsBoundaryArn></PermissionsBoundary>';
  const { account, aws } = await open(t, (seen) =>
    seen.parameters.get('UserName') === 'u' ? success('GetUser', USER.replace('</User>', `${tags}${boundary}</User>`)) : failure('NoSuchEntity', 404));
  const user = await account.getUser('u');
  assert.deepEqual(Object.entries(user?.tags ?? {}), [['__proto__', '1'], ['a', '']]);
  assert.deepEqual([user?.path, user?.permissionsBoundary, user?.createDate], ['/p/', 'arn:b', new Date('2026-01-02T03:04:05Z')]);
  assert.equal(await account.getUser('v'), undefined);
  assert.equal(await account.getGroup('v'), undefined);
  assert.equal(await account.getGroupPolicy('v', 'p'), undefined);
  assert.deepEqual(account.calls, { GetUser: 2, GetGroup: 1, GetGroupPolicy: 1 });
  assert.equal(aws.seen[0]?.keyId, 'OPERATOR');
});

test('writes say what they mean on the wire', async (t) => {
  const { account, aws } = await open(t, (seen) =>
    seen.action === 'CreateUser' ? success('CreateUser', USER) : seen.action === 'CreateGroup' ? success('CreateGroup', GROUP) : success(seen.action));
  await account.createUser({ name: 'u', path: '/p/', tags: { k: 'v' }, permissionsBoundary: 'arn:aws:iam::1:policy/boundary' });
  await account.tagUser('u', { k: 'v' });
  await account.untagUser('u', ['k']);
  await account.putUserPermissionsBoundary('u', 'arn:aws:iam::1:policy/boundary');
  await account.deleteUserPermissionsBoundary('u');
  await account.createGroup({ name: 'g' });
  await account.putGroupPolicy('g', 'p', '{}');
  await account.deleteGroupPolicy('g', 'p');
  await account.attachGroupPolicy('g', 'arn:aws:iam::1:policy/attached');
  await account.detachGroupPolicy('g', 'arn:aws:iam::1:policy/attached');
  await account.addUserToGroup('u', 'g');
  await account.removeUserFromGroup('u', 'g');
  await account.updateAccessKey('u', 'AKIAEXAMPLE000000001', 'Inactive');
  await account.deleteAccessKey('u', 'AKIAEXAMPLE000000001');
  await account.deleteGroup('g');
  await account.deleteUser('u');
  assert.deepEqual(aws.seen.map(({ parameters }) => {
    const { Action, Version: _version, ...rest } = Object.fromEntries(parameters);
    return [Action, ...Object.entries(rest).sort().map(([, value]) => value)].join(' ');
  }), [
    'CreateUser /p/ arn:aws:iam::1:policy/boundary k v u', 'TagUser k v u', 'UntagUser k u',
    'PutUserPermissionsBoundary arn:aws:iam::1:policy/boundary u', 'DeleteUserPermissionsBoundary u',
    'CreateGroup g', 'PutGroupPolicy g {} p', 'DeleteGroupPolicy g p',
    'AttachGroupPolicy g arn:aws:iam::1:policy/attached', 'DetachGroupPolicy g arn:aws:iam::1:policy/attached',
    'AddUserToGroup g u', 'RemoveUserFromGroup g u',
    'UpdateAccessKey AKIAEXAMPLE000000001 Inactive u', 'DeleteAccessKey AKIAEXAMPLE000000001 u', 'DeleteGroup g', 'DeleteUser u',
  ]);
});

test('all pages; pages that never end', async (t) => {
  const page = (seen: Seen): Reply => {
    const first = seen.parameters.get('Marker') === null;
    const more = first ? '<IsTruncated>true</IsTruncated><Marker>m</Marker>' : '<IsTruncated>false</IsTruncated>';
    return success('GetGroup', `${GROUP}<Users><member><UserName>${first ? 'a' : 'b'}</UserName></member></Users>${more}`);
  };
  const honest = await open(t, page);
  assert.deepEqual((await honest.account.getGroup('g'))?.users, ['a', 'b']);
  const endless = await open(t, () => success('ListGroupPolicies', '<PolicyNames/><IsTruncated>true</IsTruncated><Marker>m</Marker>'));
  const error = await refused(endless.account.listGroupPolicies('g'));
  assert.deepEqual([error.code, error.details['reason']], ['aws-refused', 'reply-invalid']);
});

test('policy documents are decoded; what cannot be is an error', async (t) => {
  const { account } = await open(t, (seen) => {
    const document = seen.parameters.get('PolicyName') === 'p' ? encodeURIComponent('{"a":"ü%"}') : '%ZZ';
    return success('GetGroupPolicy', `<GroupName>g</GroupName><PolicyName>p</PolicyName><PolicyDocument>${document}</PolicyDocument>`);
  });
  assert.equal(await account.getGroupPolicy('g', 'p'), '{"a":"ü%"}');
  assert.equal((await refused(account.getGroupPolicy('g', 'q'))).details['reason'], 'reply-invalid');
});

test('access keys: list, last use', async (t) => {
  const { account } = await open(t, (seen) => seen.action === 'ListAccessKeys'
    ? success('ListAccessKeys', `<AccessKeyMetadata><member><AccessKeyId>AKIAEXAMPLE000000001</AccessKeyId><Status>Inactive</Status>${WHEN}</member></AccessKeyMetadata>`)
    : success('GetAccessKeyLastUsed', '<UserName>u</UserName><AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName></AccessKeyLastUsed>'));
  assert.deepEqual(await account.listAccessKeys('u'), [{ id: 'AKIAEXAMPLE000000001', status: 'Inactive', createDate: new Date('2026-01-02T03:04:05Z') }]);
  assert.equal(await account.getAccessKeyLastUsed('AKIAEXAMPLE000000001'), undefined);
});

test('hostile replies: fields missing, no XML, HTML', async (t) => {
  for (const [body, code] of [
    [success('GetUser', '<User><UserName>u</UserName></User>'), 'aws-refused'],
    [success('GetUser'), 'aws-refused'],
    [{ status: 200, body: 'no <XML' }, 'aws-unreachable'],
    [{ status: 502, body: '<html>bad gateway</html>' }, 'aws-unreachable'],
    [{ status: 403, body: '<html>proxy</html>' }, 'aws-unreachable'],
  ] as const) {
    const { account } = await open(t, () => body, { maxAttempts: 1 });
    assert.equal((await refused(account.getUser('u'))).code, code, inspect(body));
  }
});

test('what AWS refuses says what, where and why, printably', async (t) => {
  const { account } = await open(t, () => failure('AccessDenied', 403, `no \u0085 ${'x'.repeat(5000)}`));
  const error = await refused(account.createUser({ name: 'u' }));
  assert.deepEqual(
    [error.code, error.details['awsCode'], error.details['action'], error.details['account'], error.details['httpStatus'], error.details['requestId'], error.details['ambiguous']],
    ['aws-refused', 'AccessDenied', 'iam:CreateUser', 'test', 403, 'request-1', false],
  );
  assert.ok(error.hint?.includes('iam:CreateUser'));
  assert.ok(error.message.length < 700 && !error.message.includes('\u0085'));
});

test('codes of the profile\'s own keys', async (t) => {
  const { account } = await open(t, () => failure('InvalidClientTokenId', 403));
  assert.equal((await refused(account.getUser('u'))).code, 'aws-credentials');
});

test('reads are repeated: throttling, resets, 5xx', async (t) => {
  const bad: Reply[] = [failure('Throttling'), 'reset', failure('ServiceUnavailable', 503), failure('InternalFailure', 500)];
  const { account, aws } = await open(t, (_seen, index) => bad[index] ?? success('GetUser', USER));
  assert.equal((await account.getUser('u'))?.name, 'u');
  assert.equal(aws.seen.length, 5);
  assert.deepEqual(account.calls, { GetUser: 5 });
});

test('throttled to the end', async (t) => {
  const { account, aws } = await open(t, () => failure('Throttling'), { maxAttempts: 3 });
  assert.equal((await refused(account.getUser('u'))).code, 'aws-throttled');
  assert.equal(aws.seen.length, 3);
});

test('a lost reply to CreateUser gives EntityAlreadyExists', async (t) => {
  const { account } = await open(t, (_seen, index) => (index === 0 ? 'reset' : failure('EntityAlreadyExists', 409)));
  assert.equal((await refused(account.createUser({ name: 'u' }))).details['awsCode'], 'EntityAlreadyExists');
});

test('createAccessKey: throttling is waited out', async (t) => {
  const { account, aws } = await open(t, (_seen, index) => (index < 2 ? failure('Throttling') : success('CreateAccessKey', KEY)));
  const key = await account.createAccessKey('u');
  assert.deepEqual([key.id, key.secret.reveal(), aws.seen.length], ['AKIAEXAMPLE000000001', 'TOPSECRET', 3]);
  assert.doesNotMatch(inspect(key, { showHidden: true }) + JSON.stringify(key), /TOPSECRET/);
});

for (const [why, reply] of [
  ['a reset', 'reset'],
  ['a server error', failure('InternalFailure', 500)],
  ['a server error with a code that the SDK repeats', failure('RequestTimeout', 503)],
  ['a gateway', { status: 502, body: '<html/>' }],
  ['a reply without the secret', success('CreateAccessKey', KEY.replace(/<SecretAccessKey>.*<\/SecretAccessKey>/, ''))],
  ['half a reply', { status: 200, body: `<CreateAccessKeyResponse><CreateAccessKeyResult>${KEY}` }],
] as const) {
  test(`createAccessKey after ${why}: never repeated, known to be unknown, and quiet about it`, async (t) => {
    const { account, aws } = await open(t, () => reply);
    const error = await refused(account.createAccessKey('u'));
    assert.deepEqual([error.code, error.details['ambiguous'], aws.seen.length], ['aws-unreachable', true, 1]);
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /TOPSECRET/);
  });
}

test('createAccessKey: silence ends at the deadline, or at the request\'s own', async (t) => {
  for (const options of [{ deadlineMs: 1000 }, { requestTimeoutMs: 1000 }]) {
    const { account, aws } = await open(t, () => 'silence', options);
    const error = await refused(account.createAccessKey('u'));
    assert.deepEqual([error.code, error.details['ambiguous'], error.details['errno'], aws.seen.length], ['aws-unreachable', true, 'ETIMEDOUT', 1]);
  }
});

test('createAccessKey: the quota of two keys is a refusal, at once, and no reason to slow down', async (t) => {
  const { account, aws } = await open(t, () => failure('LimitExceeded', 409), { pace: { delayScale: 1, leastRate: 0.001 } });
  const error = await refused(account.createAccessKey('u'));
  assert.deepEqual([error.code, error.details['awsCode'], error.details['ambiguous'], aws.seen.length], ['aws-refused', 'LimitExceeded', false, 1]);
  await refused(account.createAccessKey('u'));
});

test('nothing listening: certainly not done', async (t) => {
  const { account, aws } = await open(t, () => 'silence', { maxAttempts: 1 });
  await aws.close();
  const error = await refused(account.createAccessKey('u'));
  assert.deepEqual([error.code, error.details['ambiguous'], error.details['errno']], ['aws-unreachable', false, 'ECONNREFUSED']);
});

test('an abort while a key is being made says that it is unknown; before, that it is not', async (t) => {
  const controller = new AbortController();
  const { account, aws } = await open(t, () => 'silence', { signal: controller.signal });
  const arrived = aws.arrival();
  const work = refused(account.createAccessKey('u'));
  await arrived;
  controller.abort();
  const error = await work;
  assert.deepEqual([error.code, error.details['ambiguous']], ['interrupted', true]);
  const later = await refused(account.createAccessKey('u'));
  assert.deepEqual([later.code, later.details['ambiguous'], aws.seen.length], ['interrupted', false, 1]);
});

test('no more calls at once than allowed', async (t) => {
  const { account, aws } = await open(t, () => 'silence', { concurrency: 2 });
  let arrived = aws.arrival();
  const work = ['a', 'b', 'c', 'd'].map((user) => refused(account.getUser(user)));
  while (aws.seen.length < 2) {
    await arrived;
    arrived = aws.arrival();
  }
  account.close();
  assert.deepEqual((await Promise.all(work)).map((error) => error.code), Array<string>(4).fill('interrupted'));
  assert.equal(aws.seen.length, 2);
});

test('tryAccessKey signs with the new key', async (t) => {
  const replies: Reply[] = [failure('InvalidClientTokenId', 403), failure('SignatureDoesNotMatch', 403), identityReply()];
  const { account, aws } = await open(t, (_seen, index) => replies[index] ?? failure('InternalFailure', 500), { maxAttempts: 1 });
  const key = { id: 'AKIANEW', secret: new Secret('s') };
  assert.deepEqual(await account.tryAccessKey(key), { ok: false, code: 'not-yet', awsCode: 'InvalidClientTokenId' });
  assert.deepEqual(await account.tryAccessKey(key), { ok: false, code: 'refused', awsCode: 'SignatureDoesNotMatch' });
  assert.deepEqual(await account.tryAccessKey(key), { ok: true, arn: 'arn:aws:iam::123456789012:user/ops', account: '123456789012' });
  assert.equal((await refused(account.tryAccessKey(key))).code, 'aws-unreachable');
  assert.deepEqual(aws.seen.map((seen) => seen.keyId), Array<string>(4).fill('AKIANEW'));
  assert.equal((await refused(account.getCallerIdentity())).code, 'aws-unreachable');
  assert.equal(aws.seen.at(-1)?.keyId, 'OPERATOR');
});

test('AWS\'s clock', async (t) => {
  const { account } = await open(t, () => identityReply());
  assert.equal(account.serverTime(), undefined);
  await account.getCallerIdentity();
  assert.ok(Math.abs((account.serverTime()?.getTime() ?? 0) - Date.now()) < 5000);
});
