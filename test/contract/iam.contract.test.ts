/**
 * One list of cases about IAM and STS, run against our sandbox and against moto, an implementation that is not ours, both
 * over HTTP with the real SDK. Errors are compared by name, never by text.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeleteGroupPolicyCommand,
  DeleteUserCommand,
  DeleteUserPermissionsBoundaryCommand,
  DetachGroupPolicyCommand,
  GetAccessKeyLastUsedCommand,
  GetGroupCommand,
  GetGroupPolicyCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListAttachedGroupPoliciesCommand,
  ListGroupPoliciesCommand,
  ListGroupsCommand,
  ListGroupsForUserCommand,
  ListUserTagsCommand,
  ListUsersCommand,
  PutGroupPolicyCommand,
  PutUserPermissionsBoundaryCommand,
  RemoveUserFromGroupCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateAccessKeyCommand,
  type Tag,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { seedAccounts, serveSandbox, type RunningSandbox } from '../../src/sandbox/server.ts';
import { startMoto } from '../scripts/motoServer.ts';
import { skipWithout } from '../scripts/peers.ts';

/**
 * Where moto does otherwise than the sandbox, which follows AWS's documentation. `moto` is what it does, so that the case
 * fails, and the entry goes, once moto does as AWS does. `ok` means that the call succeeds.
 */
const differences: Readonly<Record<string, { readonly moto: string; readonly reason: string }>> = {
  'tags-twice': { moto: 'ok', reason: 'TagUser of moto overwrites; API_TagUser: a key may stand once' },
  'tags-case': { moto: 'ok', reason: 'as before; API_TagUser: keys are not case-sensitive' },
  'tag-key-length': { moto: 'ok', reason: 'TagUser of moto does not validate; API_Tag: 128 characters' },
  'tag-value-length': { moto: 'ok', reason: 'TagUser of moto does not validate; API_Tag: 256 characters' },
  'tag-key-characters': { moto: 'ok', reason: 'TagUser of moto does not validate; API_Tag: pattern' },
  'tags-limit': { moto: 'ok', reason: 'moto counts the tags of one request only; quotas: 50 per user' },
  'user-name-case': { moto: 'ok', reason: 'moto compares names with case; quotas: names are not distinguished by case' },
  'group-name-case': { moto: 'ok', reason: 'as before' },
  'put-boundary': { moto: 'Error', reason: 'moto does not implement PutUserPermissionsBoundary and answers 500' },
  'delete-boundary': { moto: 'Error', reason: 'moto does not implement DeleteUserPermissionsBoundary and answers 500' },
  boundary: { moto: 'fails', reason: 'moto ignores the boundary of CreateUser and does not implement changing it' },
  'delete-user-member': { moto: 'ok', reason: 'moto deletes a user that is in a group; API_DeleteUser: remove it first' },
  'delete-user-has-key': { moto: 'ok', reason: 'moto deletes a user that has access keys; API_DeleteUser: delete them first' },
  'delete-group-has-member': { moto: 'ok', reason: 'moto deletes it; API_DeleteGroup: it must be empty' },
  'delete-group-has-inline': { moto: 'ok', reason: 'moto deletes it; API_DeleteGroup: it must have no policies' },
  'delete-group-has-attached': { moto: 'ok', reason: 'moto deletes it; API_DeleteGroup: it must have no attached policies' },
  'groups-per-user-limit': { moto: 'ok', reason: 'moto has no such limit; quotas: 10' },
  'inline-policy-limit': { moto: 'ok', reason: 'moto has no such limit; quotas: 5,120 characters, white space not counted' },
  'policy-principal': { moto: 'ok', reason: 'moto lets Principal pass; grammar: not in an identity-based policy' },
  'policy-sid': { moto: 'ok', reason: 'moto lets any Sid pass; grammar: letters and digits' },
  'policy-without-version': { moto: 'MalformedPolicyDocumentException', reason: 'moto wants 2012-10-17; grammar: Version is optional and means 2008-10-17' },
  'get-group-pages': { moto: '1', reason: 'moto gives all users at once; API_GetGroup: MaxItems' },
  'user-name-length': { moto: 'ok', reason: 'moto does not validate names; API_CreateUser: 64 characters' },
  'user-name-characters': { moto: 'ok', reason: 'moto does not validate names; API_CreateUser: pattern' },
  'group-name-length': { moto: 'ok', reason: 'moto does not validate names; API_CreateGroup: 128 characters' },
  'group-name-characters': { moto: 'ok', reason: 'moto does not validate names; API_CreateGroup: pattern' },
  path: { moto: 'ok', reason: 'moto does not validate paths; API_CreateUser: pattern' },
};

const POLICY = '{"Version":"2012-10-17","Statement":[{"Sid":"A1","Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::b/ü +&\'()*!~%"}]}';

/** An endpoint in its first state. */
interface Subject {
  readonly kind: 'sandbox' | 'moto';
  readonly iam: IAMClient;
  /** A managed policy of the account, called `contract`. */
  readonly managedPolicy: string;
  sts(credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): STSClient;
}

interface ContractCase {
  readonly name: string;
  /** Entry of the table for a case that moto fails as a whole. */
  readonly difference?: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** The name of the error that `call` fails with, or `ok`. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.name : 'not an Error';
  }
}

/** Asserts `actual`; where `difference` names an entry of the table, what moto gives is what stands there. */
function expectValue(subject: Subject, actual: string | undefined, expected: string, difference?: string): void {
  const other = difference === undefined ? undefined : differences[difference];
  assert.equal(actual, subject.kind === 'moto' && other !== undefined ? other.moto : expected, difference);
}

/** Asserts how `call` ends: with the error of this name, or `ok`. */
async function expectOutcome(subject: Subject, call: Promise<unknown>, expected: string, difference?: string): Promise<void> {
  expectValue(subject, await outcomeOf(call), expected, difference);
}

async function makeGroup({ iam }: Subject, name: string, ...members: string[]): Promise<void> {
  await iam.send(new CreateGroupCommand({ GroupName: name }));
  for (const member of members) {
    await iam.send(new CreateUserCommand({ UserName: member }));
    await iam.send(new AddUserToGroupCommand({ GroupName: name, UserName: member }));
  }
}

function sorted(tags: readonly Tag[] | undefined): string[] {
  return (tags ?? []).map(({ Key, Value }) => `${Key ?? ''}=${Value ?? ''}`).sort();
}

const cases: readonly ContractCase[] = [
  {
    name: 'the whole life of a user, a group, a policy and an access key',
    run: async (subject) => {
      const { iam } = subject;
      const { User } = await iam.send(new CreateUserCommand({ UserName: 'app', Path: '/vault/', Tags: [{ Key: 'made-by', Value: 'vault' }] }));
      assert.match(User?.Arn ?? '', /^arn:aws:iam::[0-9]{12}:user\/vault\/app$/);
      assert.equal(User?.Path, '/vault/');
      assert.ok(User.CreateDate instanceof Date);
      const { Group } = await iam.send(new CreateGroupCommand({ GroupName: 'app', Path: '/vault/' }));
      assert.match(Group?.Arn ?? '', /^arn:aws:iam::[0-9]{12}:group\/vault\/app$/);
      await iam.send(new PutGroupPolicyCommand({ GroupName: 'app', PolicyName: 'app', PolicyDocument: POLICY }));
      await iam.send(new AddUserToGroupCommand({ GroupName: 'app', UserName: 'app' }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'app' }));
      assert.match(AccessKey?.AccessKeyId ?? '', /^AKIA[A-Z0-9]{16}$/);
      assert.equal(AccessKey?.SecretAccessKey?.length, 40);
      assert.equal(AccessKey.Status, 'Active');
      assert.equal(AccessKey.UserName, 'app');

      const seen = await iam.send(new GetGroupCommand({ GroupName: 'app' }));
      assert.deepEqual(seen.Users?.map(({ UserName }) => UserName), ['app']);
      assert.equal((await iam.send(new GetUserCommand({ UserName: 'app' }))).User?.UserId, User.UserId);

      await iam.send(new DeleteAccessKeyCommand({ UserName: 'app', AccessKeyId: AccessKey.AccessKeyId }));
      await iam.send(new RemoveUserFromGroupCommand({ GroupName: 'app', UserName: 'app' }));
      await iam.send(new DeleteGroupPolicyCommand({ GroupName: 'app', PolicyName: 'app' }));
      await iam.send(new DeleteGroupCommand({ GroupName: 'app' }));
      await iam.send(new DeleteUserCommand({ UserName: 'app' }));
      await expectOutcome(subject, iam.send(new GetUserCommand({ UserName: 'app' })), 'NoSuchEntityException');
      await expectOutcome(subject, iam.send(new GetGroupCommand({ GroupName: 'app' })), 'NoSuchEntityException');
    },
  },
  {
    name: 'tags are set, replaced, removed and listed',
    run: async ({ iam }) => {
      await iam.send(new CreateUserCommand({ UserName: 'u', Tags: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '' }] }));
      await iam.send(new TagUserCommand({ UserName: 'u', Tags: [{ Key: 'a', Value: '2' }, { Key: 'c:d/é', Value: 'x y+z=@_.-' }] }));
      const listed = await iam.send(new ListUserTagsCommand({ UserName: 'u' }));
      assert.deepEqual(sorted(listed.Tags), ['a=2', 'b=', 'c:d/é=x y+z=@_.-']);
      assert.equal(listed.IsTruncated, false);
      await iam.send(new UntagUserCommand({ UserName: 'u', TagKeys: ['a', 'absent'] }));
      assert.deepEqual(sorted((await iam.send(new GetUserCommand({ UserName: 'u' }))).User?.Tags), ['b=', 'c:d/é=x y+z=@_.-']);
    },
  },
  {
    name: 'tags that break the rules are refused',
    run: async (subject) => {
      const { iam } = subject;
      await iam.send(new CreateUserCommand({ UserName: 'u' }));
      const tag = (...Tags: Tag[]) => iam.send(new TagUserCommand({ UserName: 'u', Tags }));
      await expectOutcome(subject, tag({ Key: 'a', Value: '1' }, { Key: 'a', Value: '2' }), 'InvalidInputException', 'tags-twice');
      await expectOutcome(subject, tag({ Key: 'a', Value: '1' }, { Key: 'A', Value: '2' }), 'InvalidInputException', 'tags-case');
      await expectOutcome(subject, tag({ Key: 'a'.repeat(129), Value: '1' }), 'ValidationError', 'tag-key-length');
      await expectOutcome(subject, tag({ Key: 'a', Value: '1'.repeat(257) }), 'ValidationError', 'tag-value-length');
      await expectOutcome(subject, tag({ Key: 'a!', Value: '1' }), 'ValidationError', 'tag-key-characters');
      const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${String(index)}`, Value: '' }));
      await tag(...many);
      await expectOutcome(subject, tag({ Key: 'one-more', Value: '' }), 'LimitExceededException', 'tags-limit');
    },
  },
  {
    name: 'what exists is not created again, whatever its case',
    run: async (subject) => {
      const { iam } = subject;
      await makeGroup(subject, 'g', 'u');
      const taken = 'EntityAlreadyExistsException';
      await expectOutcome(subject, iam.send(new CreateUserCommand({ UserName: 'u' })), taken);
      await expectOutcome(subject, iam.send(new CreateGroupCommand({ GroupName: 'g' })), taken);
      await expectOutcome(subject, iam.send(new CreateUserCommand({ UserName: 'U' })), taken, 'user-name-case');
      await expectOutcome(subject, iam.send(new CreateGroupCommand({ GroupName: 'G' })), taken, 'group-name-case');
    },
  },
  {
    name: 'what can be repeated changes nothing',
    run: async (subject) => {
      const { iam } = subject;
      await makeGroup(subject, 'g', 'u');
      await iam.send(new AddUserToGroupCommand({ GroupName: 'g', UserName: 'u' }));
      assert.equal((await iam.send(new GetGroupCommand({ GroupName: 'g' }))).Users?.length, 1);
      const put = () => iam.send(new PutGroupPolicyCommand({ GroupName: 'g', PolicyName: 'p', PolicyDocument: POLICY }));
      await put();
      await put();
      assert.deepEqual((await iam.send(new ListGroupPoliciesCommand({ GroupName: 'g' }))).PolicyNames, ['p']);
      const attach = () => iam.send(new AttachGroupPolicyCommand({ GroupName: 'g', PolicyArn: subject.managedPolicy }));
      await attach();
      await attach();
      const { AttachedPolicies } = await iam.send(new ListAttachedGroupPoliciesCommand({ GroupName: 'g' }));
      assert.deepEqual(AttachedPolicies, [{ PolicyName: 'contract', PolicyArn: subject.managedPolicy }]);
      await iam.send(new DetachGroupPolicyCommand({ GroupName: 'g', PolicyArn: subject.managedPolicy }));
      assert.deepEqual((await iam.send(new ListAttachedGroupPoliciesCommand({ GroupName: 'g' }))).AttachedPolicies ?? [], []);
    },
  },
  {
    name: 'what does not exist is NoSuchEntity',
    run: async (subject) => {
      const { iam } = subject;
      await makeGroup(subject, 'g', 'u');
      await iam.send(new CreateUserCommand({ UserName: 'other' }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'other' }));
      const absentKey = 'AKIAABSENTABSENT2345';
      const othersKey = AccessKey?.AccessKeyId ?? '';
      const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['get-user', () => iam.send(new GetUserCommand({ UserName: 'no' }))],
        ['delete-user', () => iam.send(new DeleteUserCommand({ UserName: 'no' }))],
        ['tag-user', () => iam.send(new TagUserCommand({ UserName: 'no', Tags: [{ Key: 'a', Value: 'b' }] }))],
        ['untag-user', () => iam.send(new UntagUserCommand({ UserName: 'no', TagKeys: ['a'] }))],
        ['list-user-tags', () => iam.send(new ListUserTagsCommand({ UserName: 'no' }))],
        ['list-groups-for-user', () => iam.send(new ListGroupsForUserCommand({ UserName: 'no' }))],
        ['put-boundary', () => iam.send(new PutUserPermissionsBoundaryCommand({ UserName: 'no', PermissionsBoundary: subject.managedPolicy }))],
        ['delete-boundary', () => iam.send(new DeleteUserPermissionsBoundaryCommand({ UserName: 'no' }))],
        ['get-group', () => iam.send(new GetGroupCommand({ GroupName: 'no' }))],
        ['delete-group', () => iam.send(new DeleteGroupCommand({ GroupName: 'no' }))],
        ['add-to-no-group', () => iam.send(new AddUserToGroupCommand({ GroupName: 'no', UserName: 'u' }))],
        ['add-no-user', () => iam.send(new AddUserToGroupCommand({ GroupName: 'g', UserName: 'no' }))],
        ['remove-no-member', () => iam.send(new RemoveUserFromGroupCommand({ GroupName: 'g', UserName: 'other' }))],
        ['put-policy', () => iam.send(new PutGroupPolicyCommand({ GroupName: 'no', PolicyName: 'p', PolicyDocument: POLICY }))],
        ['get-policy', () => iam.send(new GetGroupPolicyCommand({ GroupName: 'g', PolicyName: 'no' }))],
        ['delete-policy', () => iam.send(new DeleteGroupPolicyCommand({ GroupName: 'g', PolicyName: 'no' }))],
        ['list-policies', () => iam.send(new ListGroupPoliciesCommand({ GroupName: 'no' }))],
        ['attach', () => iam.send(new AttachGroupPolicyCommand({ GroupName: 'g', PolicyArn: 'arn:aws:iam::999999999999:policy/x' }))],
        ['detach', () => iam.send(new DetachGroupPolicyCommand({ GroupName: 'g', PolicyArn: subject.managedPolicy }))],
        ['list-attached', () => iam.send(new ListAttachedGroupPoliciesCommand({ GroupName: 'no' }))],
        ['create-key', () => iam.send(new CreateAccessKeyCommand({ UserName: 'no' }))],
        ['list-keys', () => iam.send(new ListAccessKeysCommand({ UserName: 'no' }))],
        ['delete-key', () => iam.send(new DeleteAccessKeyCommand({ UserName: 'u', AccessKeyId: absentKey }))],
        ['delete-key-of-other', () => iam.send(new DeleteAccessKeyCommand({ UserName: 'u', AccessKeyId: othersKey }))],
        ['update-key', () => iam.send(new UpdateAccessKeyCommand({ UserName: 'u', AccessKeyId: absentKey, Status: 'Inactive' }))],
        ['key-last-used', () => iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: absentKey }))],
      ];
      for (const [name, call] of calls) await expectOutcome(subject, call(), 'NoSuchEntityException', name);
    },
  },
  {
    name: 'what is in use is not deleted',
    run: async (subject) => {
      const { iam } = subject;
      const conflict = 'DeleteConflictException';
      await makeGroup(subject, 'has-member', 'member');
      await makeGroup(subject, 'has-inline');
      await iam.send(new PutGroupPolicyCommand({ GroupName: 'has-inline', PolicyName: 'p', PolicyDocument: POLICY }));
      await makeGroup(subject, 'has-attached');
      await iam.send(new AttachGroupPolicyCommand({ GroupName: 'has-attached', PolicyArn: subject.managedPolicy }));
      await iam.send(new CreateUserCommand({ UserName: 'has-key' }));
      await iam.send(new CreateAccessKeyCommand({ UserName: 'has-key' }));
      for (const UserName of ['member', 'has-key']) {
        await expectOutcome(subject, iam.send(new DeleteUserCommand({ UserName })), conflict, `delete-user-${UserName}`);
      }
      for (const GroupName of ['has-member', 'has-inline', 'has-attached']) {
        await expectOutcome(subject, iam.send(new DeleteGroupCommand({ GroupName })), conflict, `delete-group-${GroupName}`);
      }
    },
  },
  {
    name: 'a user has two access keys at most, and in ten groups at most',
    run: async (subject) => {
      const { iam } = subject;
      await iam.send(new CreateUserCommand({ UserName: 'u' }));
      const create = () => iam.send(new CreateAccessKeyCommand({ UserName: 'u' }));
      await create();
      await create();
      await expectOutcome(subject, create(), 'LimitExceededException', 'access-keys-limit');
      for (let index = 0; index < 11; index += 1) {
        const GroupName = `g${String(index)}`;
        await iam.send(new CreateGroupCommand({ GroupName }));
        const add = iam.send(new AddUserToGroupCommand({ GroupName, UserName: 'u' }));
        if (index < 10) await add;
        else await expectOutcome(subject, add, 'LimitExceededException', 'groups-per-user-limit');
      }
    },
  },
  {
    name: 'the inline policies of a group have 5,120 characters at most, white space not counted',
    run: async (subject) => {
      const { iam } = subject;
      await makeGroup(subject, 'g');
      const ofSize = (size: number, spaces: number): string => {
        const frame = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::"}]}';
        return frame.replace('"}]}', `${'x'.repeat(size - frame.length)}"}]}${' '.repeat(spaces)}`);
      };
      const put = (PolicyName: string, PolicyDocument: string) =>
        iam.send(new PutGroupPolicyCommand({ GroupName: 'g', PolicyName, PolicyDocument }));
      await expectOutcome(subject, put('one', ofSize(4980, 1000)), 'ok', 'inline-policy-white-space');
      await expectOutcome(subject, put('one', ofSize(5000, 0)), 'ok');
      await expectOutcome(subject, put('two', ofSize(121, 0)), 'LimitExceededException', 'inline-policy-limit');
      await expectOutcome(subject, put('two', ofSize(120, 0)), 'ok');
    },
  },
  {
    name: 'a malformed policy is refused',
    run: async (subject) => {
      const { iam } = subject;
      await makeGroup(subject, 'g');
      const Version = '2012-10-17';
      const good = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
      const documents: readonly (readonly [string, unknown])[] = [
        ['policy-empty', {}],
        ['policy-no-statement', { Version: '2012-10-17' }],
        ['policy-version', { Version: '2013-10-17', Statement: [good] }],
        ['policy-unknown-element', { Version, Statement: [good], Extra: 1 }],
        ['policy-unknown-statement-element', { Version, Statement: [{ ...good, Extra: 1 }] }],
        ['policy-effect', { Version, Statement: [{ ...good, Effect: 'allow' }] }],
        ['policy-no-effect', { Version, Statement: [{ Action: 's3:*', Resource: '*' }] }],
        ['policy-no-action', { Version, Statement: [{ Effect: 'Allow', Resource: '*' }] }],
        ['policy-two-actions', { Version, Statement: [{ ...good, NotAction: 's3:*' }] }],
        ['policy-no-resource', { Version, Statement: [{ Effect: 'Allow', Action: 's3:*' }] }],
        ['policy-action-vendor', { Version, Statement: [{ ...good, Action: 'GetObject' }] }],
        ['policy-resource-arn', { Version, Statement: [{ ...good, Resource: 'bucket' }] }],
        ['policy-principal', { Version, Statement: [{ ...good, Principal: '*' }] }],
        ['policy-sid', { Version, Statement: [{ ...good, Sid: 'a b' }] }],
        ['policy-sid-twice', { Version, Statement: [{ ...good, Sid: 'a' }, { ...good, Sid: 'a' }] }],
      ];
      const put = (PolicyDocument: string) =>
        iam.send(new PutGroupPolicyCommand({ GroupName: 'g', PolicyName: 'p', PolicyDocument }));
      await expectOutcome(subject, put('{'), 'MalformedPolicyDocumentException', 'policy-no-json');
      for (const [name, document] of documents) {
        await expectOutcome(subject, put(JSON.stringify(document)), 'MalformedPolicyDocumentException', name);
      }
      await expectOutcome(subject, put(JSON.stringify({ Statement: good })), 'ok', 'policy-without-version');
      await put(JSON.stringify({ Version: '2012-10-17', Id: 'x', Statement: [{ Effect: 'Deny', NotAction: ['iam:*'], NotResource: ['arn:aws:s3:::a'] }] }));
    },
  },
  {
    name: 'a policy document comes back URL-encoded and equal',
    run: async (subject) => {
      const { iam } = subject;
      await makeGroup(subject, 'g');
      await iam.send(new PutGroupPolicyCommand({ GroupName: 'g', PolicyName: 'p', PolicyDocument: POLICY }));
      const { PolicyDocument = '', GroupName, PolicyName } = await iam.send(new GetGroupPolicyCommand({ GroupName: 'g', PolicyName: 'p' }));
      assert.ok(PolicyDocument.startsWith('%7B'));
      assert.equal(decodeURIComponent(PolicyDocument), POLICY);
      assert.deepEqual([GroupName, PolicyName], ['g', 'p']);
    },
  },
  {
    name: 'lists come in pages, each item once',
    run: async (subject) => {
      const { iam } = subject;
      const names = Array.from({ length: 5 }, (_, index) => `u${String(index)}`);
      await makeGroup(subject, 'g', ...names);
      const pages: string[][] = [];
      let Marker: string | undefined;
      do {
        const part = await iam.send(new GetGroupCommand({ GroupName: 'g', MaxItems: 2, ...(Marker === undefined ? {} : { Marker }) }));
        pages.push((part.Users ?? []).map(({ UserName }) => UserName ?? ''));
        Marker = part.IsTruncated === true ? part.Marker : undefined;
        assert.equal(part.Group?.GroupName, 'g');
      } while (Marker !== undefined);
      assert.deepEqual(pages.flat().sort(), names);
      expectValue(subject, String(pages.length), '3', 'get-group-pages');
    },
  },
  {
    name: 'users, groups and memberships are listed, by path too',
    run: async (subject) => {
      const { iam } = subject;
      for (const UserName of ['b', 'a']) await iam.send(new CreateUserCommand({ UserName, Path: '/x/' }));
      await iam.send(new CreateUserCommand({ UserName: 'c', Path: '/y/' }));
      const { Users } = await iam.send(new ListUsersCommand({ PathPrefix: '/x/' }));
      assert.deepEqual(Users?.map(({ UserName }) => UserName).sort(), ['a', 'b']);
      await makeGroup(subject, 'g1');
      await makeGroup(subject, 'g2');
      assert.deepEqual((await iam.send(new ListGroupsCommand({}))).Groups?.map(({ GroupName }) => GroupName), ['g1', 'g2']);
      await iam.send(new AddUserToGroupCommand({ GroupName: 'g2', UserName: 'a' }));
      const { Groups } = await iam.send(new ListGroupsForUserCommand({ UserName: 'a' }));
      assert.deepEqual(Groups?.map(({ GroupName }) => GroupName), ['g2']);
    },
  },
  {
    name: 'access keys are listed without secrets, switched off and on, and deleted',
    run: async (subject) => {
      const { iam } = subject;
      await iam.send(new CreateUserCommand({ UserName: 'u' }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'u' }));
      const key = { UserName: 'u', AccessKeyId: AccessKey?.AccessKeyId };
      const status = async () => (await iam.send(new ListAccessKeysCommand({ UserName: 'u' }))).AccessKeyMetadata?.map(({ Status }) => Status);
      await iam.send(new UpdateAccessKeyCommand({ ...key, Status: 'Inactive' }));
      assert.deepEqual(await status(), ['Inactive']);
      await iam.send(new UpdateAccessKeyCommand({ ...key, Status: 'Active' }));
      assert.deepEqual(await status(), ['Active']);
      const used = await iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: key.AccessKeyId }));
      assert.equal(used.UserName, 'u');
      assert.equal(used.AccessKeyLastUsed?.LastUsedDate, undefined);
      expectValue(subject, used.AccessKeyLastUsed?.ServiceName, 'N/A', 'never-used-service');
      await iam.send(new DeleteAccessKeyCommand(key));
      assert.deepEqual(await status(), []);
      await expectOutcome(subject, iam.send(new DeleteAccessKeyCommand(key)), 'NoSuchEntityException');
    },
  },
  {
    name: 'a permissions boundary is set at creation, changed and removed',
    difference: 'boundary',
    run: async (subject) => {
      const { iam } = subject;
      const boundary = async () => (await iam.send(new GetUserCommand({ UserName: 'u' }))).User?.PermissionsBoundary?.PermissionsBoundaryArn;
      await iam.send(new CreateUserCommand({ UserName: 'u', PermissionsBoundary: subject.managedPolicy }));
      assert.equal(await boundary(), subject.managedPolicy);
      const other = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
      await iam.send(new PutUserPermissionsBoundaryCommand({ UserName: 'u', PermissionsBoundary: other }));
      assert.equal(await boundary(), other);
      await iam.send(new DeleteUserPermissionsBoundaryCommand({ UserName: 'u' }));
      assert.equal(await boundary(), undefined);
    },
  },
  {
    name: 'names that break the rules are refused',
    run: async (subject) => {
      const { iam } = subject;
      const create = (UserName: string) => iam.send(new CreateUserCommand({ UserName }));
      await expectOutcome(subject, create('x'.repeat(64)), 'ok');
      await expectOutcome(subject, create('x'.repeat(65)), 'ValidationError', 'user-name-length');
      await expectOutcome(subject, create('a b'), 'ValidationError', 'user-name-characters');
      const group = (GroupName: string) => iam.send(new CreateGroupCommand({ GroupName }));
      await expectOutcome(subject, group('x'.repeat(129)), 'ValidationError', 'group-name-length');
      await expectOutcome(subject, group('a/b'), 'ValidationError', 'group-name-characters');
      await expectOutcome(subject, iam.send(new CreateUserCommand({ UserName: 'p', Path: 'no-slash' })), 'ValidationError', 'path');
    },
  },
  {
    name: 'GetCallerIdentity says whose a new access key is',
    run: async ({ iam, sts }) => {
      const { User } = await iam.send(new CreateUserCommand({ UserName: 'u', Path: '/p/' }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'u' }));
      const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
      const identity = await sts(credentials).send(new GetCallerIdentityCommand({}));
      assert.equal(identity.Arn, User?.Arn);
      assert.equal(identity.UserId, User?.UserId);
      assert.equal(identity.Account, User?.Arn?.split(':')[4]);
    },
  },
  {
    name: 'AssumeRole and GetSessionToken give temporary credentials',
    run: async ({ sts }) => {
      const { Account = '' } = await sts().send(new GetCallerIdentityCommand({}));
      const RoleArn = `arn:aws:iam::${Account}:role/deploy`;
      const assumed = await sts().send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test', DurationSeconds: 900 }));
      const arn = `arn:aws:sts::${Account}:assumed-role/deploy/test`;
      assert.equal(assumed.AssumedRoleUser?.Arn, arn);
      assert.match(assumed.Credentials?.AccessKeyId ?? '', /^ASIA/);
      assert.ok((assumed.Credentials?.Expiration?.getTime() ?? 0) > Date.now());
      const credentials = {
        accessKeyId: assumed.Credentials?.AccessKeyId ?? '',
        secretAccessKey: assumed.Credentials?.SecretAccessKey ?? '',
        sessionToken: assumed.Credentials?.SessionToken ?? '',
      };
      assert.equal((await sts(credentials).send(new GetCallerIdentityCommand({}))).Arn, arn);
      const session = await sts().send(new GetSessionTokenCommand({ DurationSeconds: 900 }));
      assert.ok(session.Credentials?.SessionToken);
    },
  },
];

/** No retries: an error is to be seen as it was sent. */
const connection = (endpoint: string) => ({ endpoint, region: 'us-east-1', maxAttempts: 1 });

interface Operator {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function subjectAt(kind: Subject['kind'], url: string, operator: Operator, accountId: string): Subject {
  return {
    kind,
    managedPolicy: `arn:aws:iam::${accountId}:policy/contract`,
    iam: new IAMClient({ ...connection(url), credentials: operator }),
    sts: (credentials = operator) => new STSClient({ ...connection(url), credentials }),
  };
}

describe('IAM contract: sandbox', () => {
  for (const { name, run } of cases) {
    it(name, async () => {
      const server: RunningSandbox = await serveSandbox({ accounts: seedAccounts(['one']) });
      try {
        const [account] = server.accounts;
        assert.ok(account);
        await run(subjectAt('sandbox', server.url, account, account.id));
      } finally {
        await server.close();
      }
    });
  }
});

describe('IAM contract: moto', { skip: skipWithout('moto_server') }, () => {
  let url = '';
  let stop = (): Promise<void> => Promise.resolve();

  before(async () => {
    ({ url, stop } = await startMoto());
  });

  after(() => stop());

  for (const { name, difference, run } of cases) {
    it(name, async () => {
      await fetch(`${url}/moto-api/reset`, { method: 'POST' });
      const operator = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any' };
      const subject = subjectAt('moto', url, operator, '123456789012');
      await subject.iam.send(new CreatePolicyCommand({ PolicyName: 'contract', PolicyDocument: POLICY }));
      if (difference === undefined) await run(subject);
      else await assert.rejects(run(subject), differences[difference]?.reason);
    });
  }
});
