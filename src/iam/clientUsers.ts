import * as z from 'zod';
import { awsCodeOf } from './awsErrors.ts';
import { everyPage, PAGE_FIELDS, TEXT, WHEN } from './clientReplies.ts';
import type { Wire } from './clientWire.ts';

export type Tags = Readonly<Record<string, string>>;

export interface IamUser {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly createDate: Date;
  /** Without prototype: a tag may have any name. */
  readonly tags: Tags;
  /** ARN of the policy. */
  readonly permissionsBoundary?: string;
}

export interface NewUser {
  readonly name: string;
  readonly path?: string | undefined;
  readonly tags?: Tags | undefined;
  readonly permissionsBoundary?: string | undefined;
}

export interface UserCalls {
  /** Undefined where there is no such user. */
  getUser(name: string): Promise<IamUser | undefined>;
  /** @throws VaultError aws-refused with awsCode EntityAlreadyExists, also where an earlier attempt's reply was lost */
  createUser(user: NewUser): Promise<IamUser>;
  tagUser(name: string, tags: Tags): Promise<void>;
  untagUser(name: string, keys: readonly string[]): Promise<void>;
  putUserPermissionsBoundary(name: string, policyArn: string): Promise<void>;
  deleteUserPermissionsBoundary(name: string): Promise<void>;
  /** @throws VaultError aws-refused with awsCode DeleteConflict while it has keys, groups or policies */
  deleteUser(name: string): Promise<void>;
  /** Names of all groups that the user is in. */
  listGroupsForUser(name: string): Promise<string[]>;
}

const TAGS = z.array(z.object({ Key: TEXT, Value: z.string() })).optional();

const USER = z.object({
  UserName: TEXT,
  Path: TEXT,
  Arn: TEXT,
  CreateDate: WHEN,
  Tags: TAGS,
  PermissionsBoundary: z.object({ PermissionsBoundaryArn: TEXT }).optional(),
});

const USER_REPLY = z.object({ User: USER });
const GROUPS_PAGE = z.object({ ...PAGE_FIELDS, Groups: z.array(z.object({ GroupName: TEXT })).default([]) });

/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html */
export function userCalls(wire: Wire): UserCalls {
  return {
    getUser: async (name) => {
      try {
        return toUser((await wire.ask('GetUser', { UserName: name }, USER_REPLY)).User);
      } catch (error) {
        if (awsCodeOf(error) === 'NoSuchEntity') return undefined;
        throw error;
      }
    },
    createUser: async ({ name, path, tags, permissionsBoundary }) => {
      const reply = await wire.ask('CreateUser', {
        UserName: name,
        Path: path,
        Tags: tags === undefined || Object.keys(tags).length === 0 ? undefined : toTagList(tags),
        PermissionsBoundary: permissionsBoundary,
      }, USER_REPLY);
      return toUser(reply.User);
    },
    tagUser: (name, tags) => wire.tell('TagUser', { UserName: name, Tags: toTagList(tags) }),
    untagUser: (name, keys) => wire.tell('UntagUser', { UserName: name, TagKeys: [...keys] }),
    putUserPermissionsBoundary: (name, policyArn) =>
      wire.tell('PutUserPermissionsBoundary', { UserName: name, PermissionsBoundary: policyArn }),
    deleteUserPermissionsBoundary: (name) => wire.tell('DeleteUserPermissionsBoundary', { UserName: name }),
    deleteUser: (name) => wire.tell('DeleteUser', { UserName: name }),
    listGroupsForUser: async (name) => {
      const pages = await everyPage((Marker) => wire.ask('ListGroupsForUser', { UserName: name, Marker }, GROUPS_PAGE));
      return pages.flatMap((page) => page.Groups.map((group) => group.GroupName));
    },
  };
}

function toUser(user: z.output<typeof USER>): IamUser {
  const boundary = user.PermissionsBoundary?.PermissionsBoundaryArn;
  const tags = Object.create(null) as Record<string, string>;
  for (const { Key, Value } of user.Tags ?? []) tags[Key] = Value;
  return {
    name: user.UserName,
    path: user.Path,
    arn: user.Arn,
    createDate: user.CreateDate,
    tags,
    ...(boundary === undefined ? {} : { permissionsBoundary: boundary }),
  };
}

function toTagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
