import * as z from 'zod';
import { ApiError } from '../apiError.ts';
import { makeId } from '../identifiers.ts';
import { element, list, timestamp, type XmlElement } from '../protocol.ts';
import { arnOf, findUser, groupsOf, keysOf, page, type Account, type User } from '../state.ts';
import { command, creation, query, type Action, type ActionContext } from './action.ts';
import { newUserName, paging, path, pathPrefix, policyArn, tagKeys, tags, truncation, userName } from './parameters.ts';
import { checkManagedPolicy } from './policies.ts';

/** A user as lists show it: without tags and boundary. */
export function describeUser(account: Account, user: User): XmlElement[] {
  return [
    element('Path', user.path),
    element('UserName', user.name),
    element('UserId', user.id),
    element('Arn', arnOf(account, 'user', user)),
    element('CreateDate', timestamp(user.createdAt)),
  ];
}

/** A user as CreateUser and GetUser show it. */
function describeUserInFull(account: Account, user: User): XmlElement {
  return element('User', [
    ...describeUser(account, user),
    user.permissionsBoundary === undefined
      ? undefined
      : element('PermissionsBoundary', [
          element('PermissionsBoundaryType', 'Policy'),
          element('PermissionsBoundaryArn', user.permissionsBoundary),
        ]),
    user.tags.size === 0 ? undefined : tagList(user.tags),
  ]);
}

function tagList(pairs: Iterable<readonly [string, string]>): XmlElement {
  return list('Tags', Array.from(pairs, ([key, value]) => [element('Key', key), element('Value', value)]));
}

/**
 * The tags of `before` with `changes` set. IAM compares keys of tags without regard to case and keeps the case it saw last.
 * @throws ApiError InvalidInput, LimitExceeded
 */
function withTags(
  before: ReadonlyMap<string, string>,
  changes: readonly { readonly Key: string; readonly Value: string }[],
  limit: number,
): Map<string, string> {
  const names = changes.map(({ Key }) => Key.toLowerCase());
  if (new Set(names).size !== names.length) {
    throw new ApiError('InvalidInput', 'Duplicate tag keys found. Please note that Tag keys are case insensitive.');
  }
  const after = new Map([...before].filter(([key]) => !names.includes(key.toLowerCase())));
  for (const { Key, Value } of changes) after.set(Key, Value);
  if (after.size > limit) throw new ApiError('LimitExceeded', `The number of tags has reached the maximum limit of ${String(limit)}.`);
  return after;
}

/** The user that a request names, or the caller's own where it names none. */
export function namedUserOrCaller(context: ActionContext, name: string | undefined): User {
  if (name !== undefined) return findUser(context.account, name);
  const { user } = context.caller;
  if (user === undefined) throw new ApiError('ValidationError', 'Must specify userName when calling with non-User credentials');
  return user;
}

export const userActions: readonly Action[] = [
  creation(
    'CreateUser',
    z.object({ UserName: newUserName, Path: path.default('/'), PermissionsBoundary: policyArn.optional(), Tags: tags.optional() }),
    ({ account, now, random, limits }, input) => {
      const key = input.UserName.toLowerCase();
      if (account.users.has(key)) throw new ApiError('EntityAlreadyExists', `User with name ${input.UserName} already exists.`);
      if (account.users.size >= limits.usersPerAccount) {
        throw new ApiError('LimitExceeded', `Cannot exceed quota for UsersPerAccount: ${String(limits.usersPerAccount)}`);
      }
      if (input.PermissionsBoundary !== undefined) checkManagedPolicy(account, input.PermissionsBoundary);
      const user: User = {
        name: input.UserName,
        path: input.Path,
        id: makeId('AIDA', random),
        createdAt: now,
        tags: withTags(new Map(), input.Tags ?? [], limits.tagsPerUser),
        permissionsBoundary: input.PermissionsBoundary,
        administrator: false,
      };
      account.users.set(key, user);
      return [describeUserInFull(account, user)];
    },
  ),

  query('GetUser', z.object({ UserName: userName.optional() }), (context, input) => [
    describeUserInFull(context.account, namedUserOrCaller(context, input.UserName)),
  ]),

  query('ListUsers', z.object({ PathPrefix: pathPrefix, ...paging }), ({ account }, input) => {
    const users = [...account.users.values()].filter((user) => user.path.startsWith(input.PathPrefix));
    const { items, marker } = page(users, (user) => user.name.toLowerCase(), input);
    return [list('Users', items.map((user) => describeUser(account, user))), ...truncation(marker)];
  }),

  command('DeleteUser', z.object({ UserName: userName }), ({ state, account }, input) => {
    const user = findUser(account, input.UserName);
    if (keysOf(state, account, user.name).length > 0) {
      throw new ApiError('DeleteConflict', 'Cannot delete entity, must delete access keys first.');
    }
    if (groupsOf(account, user.name).length > 0) {
      throw new ApiError('DeleteConflict', 'Cannot delete entity, must remove users from group first.');
    }
    account.users.delete(user.name.toLowerCase());
  }),

  command('TagUser', z.object({ UserName: userName, Tags: tags }), ({ account, limits }, input) => {
    const user = findUser(account, input.UserName);
    const after = withTags(user.tags, input.Tags, limits.tagsPerUser);
    user.tags.clear();
    for (const [key, value] of after) user.tags.set(key, value);
  }),

  command('UntagUser', z.object({ UserName: userName, TagKeys: tagKeys }), ({ account }, input) => {
    const user = findUser(account, input.UserName);
    const names = new Set(input.TagKeys.map((key) => key.toLowerCase()));
    for (const key of [...user.tags.keys()]) if (names.has(key.toLowerCase())) user.tags.delete(key);
  }),

  query('ListUserTags', z.object({ UserName: userName, ...paging }), ({ account }, input) => {
    const user = findUser(account, input.UserName);
    const { items, marker } = page([...user.tags], ([key]) => key, input);
    return [tagList(items), ...truncation(marker)];
  }),

  command(
    'PutUserPermissionsBoundary',
    z.object({ UserName: userName, PermissionsBoundary: policyArn }),
    ({ account }, input) => {
      const user = findUser(account, input.UserName);
      checkManagedPolicy(account, input.PermissionsBoundary);
      user.permissionsBoundary = input.PermissionsBoundary;
    },
  ),

  command('DeleteUserPermissionsBoundary', z.object({ UserName: userName }), ({ account }, input) => {
    const user = findUser(account, input.UserName);
    if (user.permissionsBoundary === undefined) {
      throw new ApiError('NoSuchEntity', `The user with name ${user.name} has no permissions boundary.`);
    }
    user.permissionsBoundary = undefined;
  }),
];
