import { VaultError } from '../errors.ts';
import { awsFault, isThrottled } from './awsErrors.ts';

/** The part of the SDK's RetryStrategyV2 that is used here. `Token` is the strategy's own. */
export interface RetryStrategy<Token = unknown, Info extends RetryInfo = RetryInfo> {
  acquireInitialRetryToken(scope: string): Promise<Token>;
  /** Waits as long as the strategy wants, or rejects where there shall be no retry. */
  refreshRetryTokenForRetry(token: Token, info: Info): Promise<Token>;
  recordSuccess(token: Token): void;
}

export interface RetryInfo {
  readonly error?: unknown;
}

/**
 * For calls that may be repeated: reads, and writes that name what they write (a repeated CreateUser that had succeeded
 * gives EntityAlreadyExists, which the caller resolves by looking again).
 *
 * The SDK counts every error named LimitExceededException as throttling. IAM's is a quota (two access keys, so many
 * groups): waiting does not help, and slowing down the whole account for it would be wrong.
 */
export function mayRepeat(error: unknown): boolean {
  return !(error instanceof VaultError) && awsFault(error).awsCode !== 'LimitExceeded';
}

/**
 * For CreateAccessKey, where a repetition after a lost reply would leave a key that nobody knows of: only when AWS has
 * said that it did not do it, for a reason that passes. A signature that was refused for the clock's sake was refused too.
 */
export function mayRepeatOnce(error: unknown): boolean {
  if (!mayRepeat(error)) return false;
  const fault = awsFault(error);
  return isThrottled(fault) || (fault.refused && fault.clockCorrected);
}

/** `shared` with its rate limit and its waiting, for the errors that `mayRetry` allows. */
export function withPolicy<Token, Info extends RetryInfo>(
  shared: RetryStrategy<Token, Info>,
  mayRetry: (error: unknown) => boolean,
): RetryStrategy<Token, Info> {
  return {
    acquireInitialRetryToken: (scope) => shared.acquireInitialRetryToken(scope),
    refreshRetryTokenForRetry: async (token, info) => {
      if (!mayRetry(info.error)) throw new Error('not to be retried');
      return shared.refreshRetryTokenForRetry(token, info);
    },
    recordSuccess: (token) => {
      shared.recordSuccess(token);
    },
  };
}
