import * as z from 'zod';
import { VaultError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { awsCodeOf } from './awsErrors.ts';
import { everyPage, PAGE_FIELDS, TEXT, WHEN } from './clientReplies.ts';
import type { Wire } from './clientWire.ts';

export type AccessKeyStatus = 'Active' | 'Inactive';

export interface AccessKey {
  readonly id: string;
  readonly status: AccessKeyStatus;
  readonly createDate: Date;
}

export interface NewAccessKey {
  readonly id: string;
  readonly secret: Secret;
  readonly createDate: Date;
}

export interface CallerIdentity {
  readonly arn: string;
  /** Twelve digits. */
  readonly account: string;
  readonly userId: string;
}

/** `not-yet`: AWS does not know the key, as for some seconds after it was created, or for good once it is inactive or deleted. */
export type KeyTrial =
  | { readonly ok: true; readonly arn: string; readonly account: string }
  | { readonly ok: false; readonly code: 'not-yet' | 'refused'; readonly awsCode: string };

export interface KeyCalls {
  getCallerIdentity(): Promise<CallerIdentity>;
  listAccessKeys(user: string): Promise<AccessKey[]>;
  /**
   * Never repeated unless AWS has refused it.
   * @throws VaultError aws-refused with awsCode LimitExceeded where the user has two keys;
   *   aws-unreachable or interrupted with `details.ambiguous` true where a key may exist whose secret is lost. It was
   *   then created no earlier than this call's start and, but for a request still on its way, no later than its end,
   *   which is `deadlineMs` or less after its turn among the account's calls. `onTurn` is awaited when that has come;
   *   where it rejects, nothing is sent.
   */
  createAccessKey(user: string, onTurn?: () => Promise<void>): Promise<NewAccessKey>;
  updateAccessKey(user: string, id: string, status: AccessKeyStatus): Promise<void>;
  deleteAccessKey(user: string, id: string): Promise<void>;
  /** Undefined where it was never used. */
  getAccessKeyLastUsed(id: string): Promise<Date | undefined>;
  /** One sts:GetCallerIdentity signed with the key; the caller repeats it as long as it is patient. */
  tryAccessKey(key: { readonly id: string; readonly secret: Secret }): Promise<KeyTrial>;
}

/**
 * Seen while IAM spreads a new key. GetCallerIdentity needs no permission, so being denied it means the same.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (changes are not immediately visible)
 */
const NOT_YET = new Set(['InvalidClientTokenId', 'UnrecognizedClient', 'InvalidAccessKeyId', 'AuthFailure', 'AccessDenied']);

/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html */
const KEY_ID = z.string().regex(/^\w{16,128}$/);

const KEYS_PAGE = z.object({
  ...PAGE_FIELDS,
  AccessKeyMetadata: z.array(z.object({ AccessKeyId: KEY_ID, Status: z.enum(['Active', 'Inactive']), CreateDate: WHEN })).default([]),
});
const NEW_KEY = z.object({ AccessKey: z.object({ AccessKeyId: KEY_ID, SecretAccessKey: TEXT, CreateDate: WHEN.optional() }) });
const LAST_USED = z.object({ AccessKeyLastUsed: z.object({ LastUsedDate: WHEN.optional() }).optional() });
const IDENTITY = z.object({ Arn: TEXT, Account: z.string().regex(/^\d{12}$/), UserId: TEXT });

export function keyCalls(wire: Wire): KeyCalls {
  return {
    getCallerIdentity: async () => {
      const { Arn, Account, UserId } = await wire.identify(IDENTITY);
      return { arn: Arn, account: Account, userId: UserId };
    },
    listAccessKeys: async (user) => {
      const pages = await everyPage((Marker) => wire.ask('ListAccessKeys', { UserName: user, Marker }, KEYS_PAGE));
      return pages.flatMap((page) => page.AccessKeyMetadata)
        .map(({ AccessKeyId, Status, CreateDate }) => ({ id: AccessKeyId, status: Status, createDate: CreateDate }));
    },
    createAccessKey: async (user, onTurn) => {
      const { AccessKey: key } = await wire.askOnce('CreateAccessKey', { UserName: user }, NEW_KEY, onTurn);
      return {
        id: key.AccessKeyId,
        secret: new Secret(key.SecretAccessKey),
        createDate: key.CreateDate ?? wire.serverTime() ?? new Date(),
      };
    },
    updateAccessKey: (user, id, status) => wire.tell('UpdateAccessKey', { UserName: user, AccessKeyId: id, Status: status }),
    deleteAccessKey: (user, id) => wire.tell('DeleteAccessKey', { UserName: user, AccessKeyId: id }),
    getAccessKeyLastUsed: async (id) =>
      (await wire.ask('GetAccessKeyLastUsed', { AccessKeyId: id }, LAST_USED)).AccessKeyLastUsed?.LastUsedDate,
    tryAccessKey: async ({ id, secret }) => {
      try {
        const { Arn, Account } = await wire.identify(IDENTITY, { accessKeyId: id, secretAccessKey: secret.reveal() });
        return { ok: true, arn: Arn, account: Account };
      } catch (error) {
        const awsCode = awsCodeOf(error);
        // Throttled, or not reached: that says nothing about the key.
        if (awsCode === undefined || !(error instanceof VaultError) || (error.code !== 'aws-refused' && error.code !== 'aws-credentials')) {
          throw error;
        }
        return { ok: false, code: NOT_YET.has(awsCode) ? 'not-yet' : 'refused', awsCode };
      }
    },
  };
}
