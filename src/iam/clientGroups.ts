import * as z from 'zod';
import { VaultError } from '../errors.ts';
import { awsCodeOf } from './awsErrors.ts';
import { everyPage, PAGE_FIELDS, TEXT } from './clientReplies.ts';
import type { Wire } from './clientWire.ts';

export interface IamGroup {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
}

export interface IamGroupMembers extends IamGroup {
  /** Names of all members. */
  readonly users: readonly string[];
}

export interface AttachedPolicy {
  readonly name: string;
  readonly arn: string;
}

export interface GroupCalls {
  /** Undefined where there is no such group. */
  getGroup(name: string): Promise<IamGroupMembers | undefined>;
  /** @throws VaultError aws-refused with awsCode EntityAlreadyExists */
  createGroup(group: { readonly name: string; readonly path?: string | undefined }): Promise<IamGroup>;
  deleteGroup(name: string): Promise<void>;
  /** Adding a member again is no error. */
  addUserToGroup(user: string, group: string): Promise<void>;
  removeUserFromGroup(user: string, group: string): Promise<void>;
  /** The inline policy's text, as JSON; undefined where group or policy is not there. */
  getGroupPolicy(group: string, policy: string): Promise<string | undefined>;
  putGroupPolicy(group: string, policy: string, document: string): Promise<void>;
  deleteGroupPolicy(group: string, policy: string): Promise<void>;
  /** Names of all inline policies. */
  listGroupPolicies(group: string): Promise<string[]>;
  listAttachedGroupPolicies(group: string): Promise<AttachedPolicy[]>;
  attachGroupPolicy(group: string, policyArn: string): Promise<void>;
  detachGroupPolicy(group: string, policyArn: string): Promise<void>;
}

const GROUP = z.object({ GroupName: TEXT, Path: TEXT, Arn: TEXT });
const GROUP_REPLY = z.object({ Group: GROUP });
const MEMBERS_PAGE = z.object({ ...PAGE_FIELDS, Group: GROUP, Users: z.array(z.object({ UserName: TEXT })).default([]) });
const POLICY_NAMES_PAGE = z.object({ ...PAGE_FIELDS, PolicyNames: z.array(TEXT).default([]) });
const ATTACHED_PAGE = z.object({
  ...PAGE_FIELDS,
  AttachedPolicies: z.array(z.object({ PolicyName: TEXT, PolicyArn: TEXT })).default([]),
});
/** IAM's limit for a group's inline policies together is 5,120 characters; percent-encoding at most triples them. */
const POLICY_REPLY = z.object({ PolicyDocument: z.string().min(1).max(1 << 20) });

/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html */
export function groupCalls(wire: Wire, account: string): GroupCalls {
  return {
    getGroup: async (name) => {
      const pages = await orUndefined(everyPage((Marker) => wire.ask('GetGroup', { GroupName: name, Marker }, MEMBERS_PAGE)));
      const first = pages?.[0];
      if (pages === undefined || first === undefined) return undefined;
      return { ...toGroup(first.Group), users: pages.flatMap((page) => page.Users.map((user) => user.UserName)) };
    },
    createGroup: async ({ name, path }) =>
      toGroup((await wire.ask('CreateGroup', { GroupName: name, Path: path }, GROUP_REPLY)).Group),
    deleteGroup: (name) => wire.tell('DeleteGroup', { GroupName: name }),
    addUserToGroup: (user, group) => wire.tell('AddUserToGroup', { UserName: user, GroupName: group }),
    removeUserFromGroup: (user, group) => wire.tell('RemoveUserFromGroup', { UserName: user, GroupName: group }),
    getGroupPolicy: async (group, policy) => {
      const reply = await orUndefined(wire.ask('GetGroupPolicy', { GroupName: group, PolicyName: policy }, POLICY_REPLY));
      return reply === undefined ? undefined : decodeDocument(reply.PolicyDocument, account);
    },
    putGroupPolicy: (group, policy, document) =>
      wire.tell('PutGroupPolicy', { GroupName: group, PolicyName: policy, PolicyDocument: document }),
    deleteGroupPolicy: (group, policy) => wire.tell('DeleteGroupPolicy', { GroupName: group, PolicyName: policy }),
    listGroupPolicies: async (group) => {
      const pages = await everyPage((Marker) => wire.ask('ListGroupPolicies', { GroupName: group, Marker }, POLICY_NAMES_PAGE));
      return pages.flatMap((page) => page.PolicyNames);
    },
    listAttachedGroupPolicies: async (group) => {
      const pages = await everyPage((Marker) => wire.ask('ListAttachedGroupPolicies', { GroupName: group, Marker }, ATTACHED_PAGE));
      return pages.flatMap((page) => page.AttachedPolicies.map(({ PolicyName, PolicyArn }) => ({ name: PolicyName, arn: PolicyArn })));
    },
    attachGroupPolicy: (group, policyArn) => wire.tell('AttachGroupPolicy', { GroupName: group, PolicyArn: policyArn }),
    detachGroupPolicy: (group, policyArn) => wire.tell('DetachGroupPolicy', { GroupName: group, PolicyArn: policyArn }),
  };
}

function toGroup(group: z.output<typeof GROUP>): IamGroup {
  return { name: group.GroupName, path: group.Path, arn: group.Arn };
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (awsCodeOf(error) === 'NoSuchEntity') return undefined;
    throw error;
  }
}

/**
 * IAM sends policy documents percent-encoded (RFC 3986).
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html
 */
function decodeDocument(encoded: string, account: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new VaultError('aws-refused', 'The policy document in AWS\'s reply is not percent-encoded text.', {
      cause,
      details: { action: 'iam:GetGroupPolicy', account, reason: 'reply-invalid', missing: ['PolicyDocument'] },
    });
  }
}
