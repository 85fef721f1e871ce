import type { AwsProfile } from '../config/awsProfile.ts';
import type { MfaPrompt } from './clientCredentials.ts';
import { groupCalls, type GroupCalls } from './clientGroups.ts';
import { keyCalls, type KeyCalls } from './clientKeys.ts';
import { userCalls, type UserCalls } from './clientUsers.ts';
import { openWire } from './clientWire.ts';

export type { AttachedPolicy, IamGroup, IamGroupMembers } from './clientGroups.ts';
export type { AccessKey, AccessKeyStatus, CallerIdentity, KeyTrial, NewAccessKey } from './clientKeys.ts';
export type { IamUser, NewUser, Tags } from './clientUsers.ts';

export interface AccountOptions {
  /** Aborts whatever is under way and whatever comes after; calls then reject with `interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** Calls in flight at once. Default 5. */
  readonly concurrency?: number | undefined;
  /** Requests per call, the first included. Default: the profile's max_attempts, or 8. */
  readonly maxAttempts?: number | undefined;
  /** Longest duration of one createAccessKey. Default 30,000. */
  readonly deadlineMs?: number | undefined;
  /** Default 5,000. */
  readonly connectionTimeoutMs?: number | undefined;
  /** Per request. Default 20,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Asked for the code of a role's mfa_serial; without it, such a profile fails with aws-credentials. */
  readonly mfaCode?: MfaPrompt | undefined;
  /** For tests against servers that throttle on purpose: scales the waits, and raises the rate that throttling leaves. */
  readonly pace?: { readonly delayScale: number; readonly leastRate: number } | undefined;
}

/**
 * One AWS account, as a profile gives access to it: exactly the calls that the tool makes.
 * Failures are VaultErrors: aws-refused, aws-throttled, aws-unreachable, aws-credentials, interrupted; `details` has
 * action, account, ambiguous and, where AWS answered, awsCode, httpStatus and requestId.
 */
export interface AwsAccount extends UserCalls, GroupCalls, KeyCalls {
  /** The profile's name. */
  readonly name: string;
  /** AWS's clock, by the Date header of its last reply (whole seconds); undefined before the first. */
  serverTime(): Date | undefined;
  /** HTTP requests sent so far by action (`GetUser`); a repetition counts again. */
  readonly calls: Readonly<Record<string, number>>;
  /** Aborts what is under way and closes the connections. */
  close(): void;
}

/** IAM's throttling is per account and unpublished; from here up, the adaptive rate finds the rest. */
const PACE = { delayScale: 1, leastRate: 1 } as const;

/**
 * Opens an account. Nothing is loaded or sent before the first call. All calls through one AwsAccount share its
 * connections, credentials, concurrency and adaptive rate limit, so open each account once.
 */
export function openAccount(profile: AwsProfile, options: AccountOptions = {}): AwsAccount {
  const wire = openWire(profile, {
    concurrency: options.concurrency ?? 5,
    maxAttempts: options.maxAttempts ?? profile.maxAttempts ?? 8,
    deadlineMs: options.deadlineMs ?? 30_000,
    connectionTimeoutMs: options.connectionTimeoutMs ?? 5_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 20_000,
    ...(options.pace ?? PACE),
    ...(options.mfaCode === undefined ? {} : { mfaCode: options.mfaCode }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return {
    name: profile.name,
    ...userCalls(wire),
    ...groupCalls(wire, profile.name),
    ...keyCalls(wire),
    serverTime: () => wire.serverTime(),
    get calls() {
      return wire.calls;
    },
    close: () => {
      wire.close();
    },
  };
}
