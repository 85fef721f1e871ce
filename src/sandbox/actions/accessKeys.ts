import * as z from 'zod';
import { ApiError, noSuchEntity } from '../apiError.ts';
import { makeId, makeSecret } from '../identifiers.ts';
import { element, list, timestamp } from '../protocol.ts';
import { SecretText } from '../secretText.ts';
import { findKey, keysOf, page, type AccessKey } from '../state.ts';
import { command, creation, query, type Action } from './action.ts';
import { accessKeyId, paging, truncation, userName } from './parameters.ts';
import { namedUserOrCaller } from './users.ts';

export const accessKeyActions: readonly Action[] = [
  creation('CreateAccessKey', z.object({ UserName: userName.optional() }), (context, input) => {
    const { state, account, now, random, limits } = context;
    const user = namedUserOrCaller(context, input.UserName);
    if (keysOf(state, account, user.name).length >= limits.accessKeysPerUser) {
      throw new ApiError('LimitExceeded', `Cannot exceed quota for AccessKeysPerUser: ${String(limits.accessKeysPerUser)}`);
    }
    const secret = makeSecret(random);
    const key: AccessKey = {
      id: makeId('AKIA', random),
      secret: new SecretText(secret),
      accountId: account.id,
      owner: { kind: 'user', userName: user.name },
      seeded: false,
      createdAt: now,
      status: 'Active',
      deletedAt: undefined,
      lastUsed: undefined,
    };
    state.accessKeys.set(key.id, key);
    return [
      element('AccessKey', [
        element('UserName', user.name),
        element('AccessKeyId', key.id),
        element('Status', key.status),
        element('SecretAccessKey', secret),
        element('CreateDate', timestamp(now)),
      ]),
    ];
  }),

  query('ListAccessKeys', z.object({ UserName: userName.optional(), ...paging }), (context, input) => {
    const user = namedUserOrCaller(context, input.UserName);
    const { items, marker } = page(keysOf(context.state, context.account, user.name), (key) => key.id, input);
    const members = items.map((key) => [
      element('UserName', user.name),
      element('AccessKeyId', key.id),
      element('Status', key.status),
      element('CreateDate', timestamp(key.createdAt)),
    ]);
    return [list('AccessKeyMetadata', members), ...truncation(marker)];
  }),

  command(
    'UpdateAccessKey',
    z.object({ UserName: userName.optional(), AccessKeyId: accessKeyId, Status: z.enum(['Active', 'Inactive']) }),
    (context, input) => {
      const user = namedUserOrCaller(context, input.UserName);
      findKey(context.state, context.account, user.name, input.AccessKeyId).status = input.Status;
    },
  ),

  command('DeleteAccessKey', z.object({ UserName: userName.optional(), AccessKeyId: accessKeyId }), (context, input) => {
    const user = namedUserOrCaller(context, input.UserName);
    findKey(context.state, context.account, user.name, input.AccessKeyId).deletedAt = context.now;
  }),

  query('GetAccessKeyLastUsed', z.object({ AccessKeyId: accessKeyId }), ({ state, account }, input) => {
    const key = state.accessKeys.get(input.AccessKeyId);
    if (key?.accountId !== account.id || key.owner.kind !== 'user' || key.deletedAt !== undefined) {
      throw noSuchEntity('Access Key', input.AccessKeyId);
    }
    const { lastUsed } = key;
    return [
      element('UserName', key.owner.userName),
      element('AccessKeyLastUsed', [
        lastUsed === undefined ? undefined : element('LastUsedDate', timestamp(lastUsed.at)),
        element('ServiceName', lastUsed?.service ?? 'N/A'),
        element('Region', lastUsed?.region ?? 'N/A'),
      ]),
    ];
  }),
];
