import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ApiError } from '../apiError.ts';
import { makeId, makeSecret } from '../identifiers.ts';
import { element, timestamp, type XmlElement } from '../protocol.ts';
import { SecretText } from '../secretText.ts';
import type { AccessKey, KeyOwner } from '../state.ts';
import { creation, query, type Action, type ActionContext } from './action.ts';
import { wholeNumber } from './parameters.ts';

type SessionOwner = Exclude<KeyOwner, { kind: 'user' }>;

const ROLE_ARN = /^arn:aws:iam::([0-9]{12}):role\/(?:[\u0021-\u007E]+\/)?([\w+=,.@-]{1,64})$/;

/** Makes temporary credentials and returns them as `<Credentials>`. */
function makeSession(
  { state, now, random }: ActionContext,
  accountId: string,
  owner: Omit<SessionOwner, 'token' | 'expiresAt'>,
  seconds: number,
): XmlElement {
  const secret = makeSecret(random);
  const token = Buffer.from(random(192)).toString('base64');
  const expiresAt = now + seconds * 1000;
  const key: AccessKey = {
    id: makeId('ASIA', random),
    secret: new SecretText(secret),
    accountId,
    owner: { ...owner, expiresAt, token: new SecretText(token) },
    seeded: false,
    createdAt: now,
    status: 'Active',
    deletedAt: undefined,
    lastUsed: undefined,
  };
  state.accessKeys.set(key.id, key);
  return element('Credentials', [
    element('AccessKeyId', key.id),
    element('SecretAccessKey', secret),
    element('SessionToken', token),
    element('Expiration', timestamp(expiresAt)),
  ]);
}

/** A role has the same id whenever it is assumed. */
function roleId(arn: string): string {
  return makeId('AROA', (size) => createHash('sha256').update(arn).digest().subarray(0, size));
}

export const stsActions: readonly Action[] = [
  {
    ...query('GetCallerIdentity', z.object({}), ({ account, caller }) => [
      element('Arn', caller.arn),
      element('UserId', caller.userId),
      element('Account', account.id),
    ]),
    permitted: 'everyone',
  },

  {
    ...creation('GetSessionToken', z.object({ DurationSeconds: wholeNumber(900, 129_600).default(43_200) }), (context, input) => {
      const { account, caller } = context;
      if (caller.key.owner.kind !== 'user') {
        throw new ApiError('AccessDenied', 'Cannot call GetSessionToken with session credentials');
      }
      const owner = { kind: 'user-session', arn: caller.arn, userId: caller.userId, administrator: caller.administrator } as const;
      return [makeSession(context, account.id, owner, input.DurationSeconds)];
    }),
    permitted: 'everyone',
  },

  /** Any role of any account of this sandbox exists and trusts everyone here; its session may do what its caller may. */
  {
    ...creation(
      'AssumeRole',
      z.object({
        RoleArn: z.string().min(20).max(2048),
        RoleSessionName: z
          .string()
          .min(2)
          .max(64)
          .regex(/^[\w+=,.@-]*$/),
        DurationSeconds: wholeNumber(900, 43_200).default(3600),
      }),
      (context, input) => {
        const { state, caller } = context;
        const [, accountId, roleName] = ROLE_ARN.exec(input.RoleArn) ?? [];
        if (accountId === undefined || roleName === undefined) {
          throw new ApiError('ValidationError', `${input.RoleArn} is invalid`);
        }
        if (!state.accounts.has(accountId)) {
          throw new ApiError('AccessDenied', `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${input.RoleArn}`);
        }
        const arn = `arn:aws:sts::${accountId}:assumed-role/${roleName}/${input.RoleSessionName}`;
        const userId = `${roleId(input.RoleArn)}:${input.RoleSessionName}`;
        const owner = { kind: 'role-session', arn, userId, administrator: caller.administrator } as const;
        return [
          makeSession(context, accountId, owner, input.DurationSeconds),
          element('AssumedRoleUser', [element('AssumedRoleId', userId), element('Arn', arn)]),
        ];
      },
    ),
    permitted: 'everyone',
  },
];
