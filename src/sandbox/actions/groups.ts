import * as z from 'zod';
import { ApiError } from '../apiError.ts';
import { makeId } from '../identifiers.ts';
import { element, list, timestamp, type XmlElement } from '../protocol.ts';
import { arnOf, findGroup, findUser, groupsOf, page, type Account, type Group } from '../state.ts';
import { command, creation, query, type Action } from './action.ts';
import { groupName, paging, path, pathPrefix, truncation, userName } from './parameters.ts';
import { describeUser } from './users.ts';

function describeGroup(account: Account, group: Group): XmlElement[] {
  return [
    element('Path', group.path),
    element('GroupName', group.name),
    element('GroupId', group.id),
    element('Arn', arnOf(account, 'group', group)),
    element('CreateDate', timestamp(group.createdAt)),
  ];
}

const nameOf = ({ name }: { readonly name: string }): string => name.toLowerCase();

export const groupActions: readonly Action[] = [
  creation('CreateGroup', z.object({ GroupName: groupName, Path: path.default('/') }), ({ account, now, random, limits }, input) => {
    const key = input.GroupName.toLowerCase();
    if (account.groups.has(key)) throw new ApiError('EntityAlreadyExists', `Group with name ${input.GroupName} already exists.`);
    if (account.groups.size >= limits.groupsPerAccount) {
      throw new ApiError('LimitExceeded', `Cannot exceed quota for GroupsPerAccount: ${String(limits.groupsPerAccount)}`);
    }
    const group: Group = {
      name: input.GroupName,
      path: input.Path,
      id: makeId('AGPA', random),
      createdAt: now,
      members: new Set(),
      inlinePolicies: new Map(),
      attachedPolicies: new Set(),
    };
    account.groups.set(key, group);
    return [element('Group', describeGroup(account, group))];
  }),

  query('GetGroup', z.object({ GroupName: groupName, ...paging }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    const members = [...group.members].map((name) => findUser(account, name));
    const { items, marker } = page(members, nameOf, input);
    return [
      element('Group', describeGroup(account, group)),
      list('Users', items.map((user) => describeUser(account, user))),
      ...truncation(marker),
    ];
  }),

  query('ListGroups', z.object({ PathPrefix: pathPrefix, ...paging }), ({ account }, input) => {
    const groups = [...account.groups.values()].filter((group) => group.path.startsWith(input.PathPrefix));
    const { items, marker } = page(groups, nameOf, input);
    return [list('Groups', items.map((group) => describeGroup(account, group))), ...truncation(marker)];
  }),

  query('ListGroupsForUser', z.object({ UserName: userName, ...paging }), ({ account }, input) => {
    const user = findUser(account, input.UserName);
    const { items, marker } = page(groupsOf(account, user.name), nameOf, input);
    return [list('Groups', items.map((group) => describeGroup(account, group))), ...truncation(marker)];
  }),

  command('DeleteGroup', z.object({ GroupName: groupName }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    if (group.members.size > 0) throw new ApiError('DeleteConflict', 'Cannot delete entity, must remove users from group first.');
    if (group.inlinePolicies.size > 0) throw new ApiError('DeleteConflict', 'Cannot delete entity, must delete policies first.');
    if (group.attachedPolicies.size > 0) throw new ApiError('DeleteConflict', 'Cannot delete entity, must detach all policies first.');
    account.groups.delete(group.name.toLowerCase());
  }),

  command('AddUserToGroup', z.object({ GroupName: groupName, UserName: userName }), ({ account, limits }, input) => {
    const group = findGroup(account, input.GroupName);
    const user = findUser(account, input.UserName);
    if (group.members.has(user.name)) return;
    if (groupsOf(account, user.name).length >= limits.groupsPerUser) {
      throw new ApiError('LimitExceeded', `Cannot exceed quota for GroupsPerUser: ${String(limits.groupsPerUser)}`);
    }
    group.members.add(user.name);
  }),

  command('RemoveUserFromGroup', z.object({ GroupName: groupName, UserName: userName }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    const user = findUser(account, input.UserName);
    if (!group.members.delete(user.name)) throw new ApiError('NoSuchEntity', `The user ${user.name} is not in the group ${group.name}.`);
  }),
];
