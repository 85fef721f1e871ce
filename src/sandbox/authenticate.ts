import { ApiError } from './apiError.ts';
import type { Caller } from './actions/action.ts';
import { parseSignature, verifySignature, type SignatureClaim, type SignedRequest } from './signature.ts';
import { arnOf, type Account, type AccessKey, type State } from './state.ts';

export interface Authenticated {
  readonly account: Account;
  readonly caller: Caller;
  readonly claim: SignatureClaim;
}

/**
 * Finds out who signed a request: the access key exists, works by now, is active and not expired, and the signature is right.
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 * @throws ApiError MissingAuthenticationToken, IncompleteSignature, InvalidClientTokenId, SignatureDoesNotMatch, ExpiredToken
 */
export function authenticate(state: State, request: SignedRequest, now: number, propagationDelayMs: number): Authenticated {
  const claim = parseSignature(request.headers);
  const key = state.accessKeys.get(claim.accessKeyId);
  if (key === undefined || !works(key, now, propagationDelayMs)) throw unknownToken();
  verifySignature(request, claim, key.secret.reveal(), now);
  const account = state.accounts.get(key.accountId);
  const caller = account && callerOf(account, key, request.headers['x-amz-security-token'], now);
  if (account === undefined || caller === undefined) throw unknownToken();
  return { account, caller, claim };
}

/** Neither a new key nor a deletion is known everywhere at once. */
function works(key: AccessKey, now: number, propagationDelayMs: number): boolean {
  if (key.status === 'Inactive') return false;
  if (key.deletedAt !== undefined && now >= key.deletedAt + propagationDelayMs) return false;
  return key.seeded || key.owner.kind !== 'user' || now >= key.createdAt + propagationDelayMs;
}

function callerOf(account: Account, key: AccessKey, token: string | undefined, now: number): Caller | undefined {
  const { owner } = key;
  if (owner.kind === 'user') {
    const user = account.users.get(owner.userName.toLowerCase());
    if (user === undefined || token !== undefined) return undefined;
    return { arn: arnOf(account, 'user', user), userId: user.id, user, key, administrator: user.administrator };
  }
  // Not compared in constant time: the signature has proved already that the caller holds the session's secret.
  if (token !== owner.token.reveal()) return undefined;
  if (now >= owner.expiresAt) throw new ApiError('ExpiredToken', 'The security token included in the request is expired');
  const user =
    owner.kind === 'user-session' ? [...account.users.values()].find((candidate) => candidate.id === owner.userId) : undefined;
  return { arn: owner.arn, userId: owner.userId, user, key, administrator: owner.administrator };
}

function unknownToken(): ApiError {
  return new ApiError('InvalidClientTokenId', 'The security token included in the request is invalid.');
}
