/**
 * The errors that the sandbox answers with, and their HTTP status.
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
 */
const STATUS = {
  AccessDenied: 403,
  ConcurrentModification: 409,
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  ExpiredToken: 403,
  IncompleteSignature: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  InvalidInput: 400,
  LimitExceeded: 409,
  MalformedPolicyDocument: 400,
  MalformedQueryString: 404,
  MissingAction: 400,
  MissingAuthenticationToken: 403,
  NoSuchEntity: 404,
  RequestEntityTooLarge: 413,
  ServiceFailure: 500,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  Throttling: 400,
  UnsupportedMediaType: 415,
  UnsupportedMethod: 405,
  ValidationError: 400,
} as const;

/** What stands in `<Code>`; the SDK makes `error.name` of it, for a modelled error with the suffix `Exception`. */
export type ApiErrorCode = keyof typeof STATUS;

export const API_ERROR_CODES = Object.keys(STATUS) as [ApiErrorCode, ...ApiErrorCode[]];

/** Thrown by an action and answered as an ErrorResponse. The message may quote the request, never a secret. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

export function noSuchEntity(kind: 'user' | 'group' | 'policy' | 'Access Key', name: string): ApiError {
  return new ApiError('NoSuchEntity', `The ${kind} with ${kind === 'Access Key' ? 'id' : 'name'} ${name} cannot be found.`);
}
