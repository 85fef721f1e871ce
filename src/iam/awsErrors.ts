import { VaultError, type ErrorDetails } from '../errors.ts';

/** Longest part of a message of AWS's that is passed on, in characters. */
const MAX_MESSAGE = 500;

/** What the wire says when it asks for fewer requests. IAM sends Throttling; proxies and other endpoints send the others. */
const THROTTLING = new Set([
  'Throttling', 'Throttled', 'RequestLimitExceeded', 'RequestThrottled', 'TooManyRequests', 'SlowDown', 'BandwidthLimitExceeded',
  'PriorRequestNotComplete',
]);

/** The credentials themselves were refused, whatever the action. */
const CREDENTIALS_REFUSED = new Set([
  'InvalidClientTokenId', 'UnrecognizedClient', 'ExpiredToken', 'SignatureDoesNotMatch', 'IncompleteSignature', 'MissingAuthenticationToken',
  'InvalidAccessKeyId', 'RequestExpired',
]);

const ACCESS_DENIED = new Set(['AccessDenied', 'UnauthorizedOperation']);

/** No request left this machine: nothing was listening, or there was no address to send to. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** What an error of the SDK says, in plain fields. */
export interface AwsFault {
  /** As on the wire, without the suffix Exception; absent where no AWS error was received. */
  readonly awsCode: string | undefined;
  readonly message: string | undefined;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;
  /** Node's error code, where the network failed. */
  readonly errno: string | undefined;
  /** AWS answered with an error of the caller's (4xx and a code): what was asked for was not done. */
  readonly refused: boolean;
  /** The SDK has learnt the right time from this refusal. */
  readonly clockCorrected: boolean;
}

/** Reads what the SDK throws; never fails, whatever `error` is. */
export function awsFault(error: unknown): AwsFault {
  const fields = record(error);
  const metadata = record(fields['$metadata']);
  const wire = record(fields['Error']);
  const httpStatus = number(metadata['httpStatusCode']);
  const replied = httpStatus !== undefined && httpStatus >= 400;
  // Without a code in the body the SDK invents a name; that is no word of AWS's.
  const written = replied ? text(wire['Code']) ?? text(fields['Code']) : undefined;
  const awsCode = written?.replace(/(?<=.)Exception$/, '');
  return {
    awsCode: awsCode === undefined ? undefined : printable(awsCode, 128),
    message: awsCode === undefined ? undefined : printable(text(fields['message']) ?? '', MAX_MESSAGE),
    httpStatus,
    requestId: printableOrNone(text(metadata['requestId']) ?? text(fields['RequestId'])),
    errno: text(fields['code']) ?? text(record(fields['cause'])['code']),
    refused: awsCode !== undefined && httpStatus !== undefined && httpStatus < 500,
    clockCorrected: metadata['clockSkewCorrected'] === true,
  };
}

export function isThrottled(fault: AwsFault): boolean {
  return (fault.awsCode !== undefined && THROTTLING.has(fault.awsCode)) || fault.httpStatus === 429;
}

/** True where it is certain that AWS did not do what was asked for. */
export function isDefinitelyNotDone(error: unknown): boolean {
  const fault = awsFault(error);
  return fault.refused || isThrottled(fault) || (fault.httpStatus === undefined && fault.errno !== undefined && NEVER_SENT.has(fault.errno));
}

/** Where a failure happened. */
export interface AwsContext {
  /** As AWS names it, with the service: `iam:GetUser`. */
  readonly action: string;
  /** The profile's name. */
  readonly account: string;
  /** A request was sent and nobody knows whether AWS did it. */
  readonly ambiguous: boolean;
}

/**
 * The error for a failed call: `aws-refused`, `aws-throttled`, `aws-credentials` or `aws-unreachable`, with
 * `details: { action, account, ambiguous, awsCode?, httpStatus?, requestId?, errno? }`.
 * An error that came with a reply is not kept as the cause: it carries the reply's text, and CreateAccessKey's is a secret.
 * @param endpoint the URL that requests go to, where it is not AWS's own
 */
export function awsFailure(error: unknown, context: AwsContext, endpoint?: string): VaultError {
  if (error instanceof VaultError) return error;
  const fault = awsFault(error);
  const where = `${context.action} in account ${JSON.stringify(context.account)}`;
  const details = defined({
    ...context,
    awsCode: fault.awsCode,
    httpStatus: fault.httpStatus,
    requestId: fault.requestId,
    errno: fault.errno,
  });
  const said = `${fault.awsCode ?? 'no code'}${fault.message === undefined || fault.message === '' ? '' : `: ${fault.message}`}`;
  if (isThrottled(fault)) {
    return new VaultError('aws-throttled', `${where} was throttled by AWS, again and again (${said}).`, {
      hint: 'Run the same command again later; it continues where it stopped.',
      details,
    });
  }
  if (fault.awsCode !== undefined && CREDENTIALS_REFUSED.has(fault.awsCode)) {
    return new VaultError('aws-credentials', `AWS does not accept the credentials of profile ${JSON.stringify(context.account)} (${said}).`, {
      hint: `Check them with: aws sts get-caller-identity --profile ${shellWord(context.account)}`,
      details,
    });
  }
  if (fault.refused) {
    return new VaultError('aws-refused', `AWS refused ${where} (${said}).`, { hint: refusedHint(fault, context), details });
  }
  const what = fault.httpStatus === undefined
    ? `no reply (${fault.errno ?? errorName(error)})`
    : `HTTP status ${String(fault.httpStatus)}${fault.awsCode === undefined ? '' : `, ${said}`}`;
  const url = fault.httpStatus === undefined ? originOf(endpoint) : undefined;
  return new VaultError('aws-unreachable', `${where} failed: ${what}${url === undefined ? '' : ` from ${url.origin}`}.`, {
    hint: context.ambiguous ? 'It is not known whether AWS did it; running the same command again finds out.'
      : url !== undefined && /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname) ? 'Is the sandbox running? The endpoint_url of the profile is this machine.' : undefined,
    details,
    cause: fault.httpStatus === undefined ? error : undefined,
  });
}

/** A reply that lacks what AWS documents. `missing` are paths into the reply; values are never shown. */
export function replyInvalid(context: AwsContext, missing: readonly string[]): VaultError {
  return new VaultError(
    context.ambiguous ? 'aws-unreachable' : 'aws-refused',
    `The reply to ${context.action} in account ${JSON.stringify(context.account)} is not what AWS documents: ${missing.join(', ')}.`,
    { hint: 'Is endpoint_url right?', details: { ...context, reason: 'reply-invalid', missing } },
  );
}

/** AWS's code of a failed call: `NoSuchEntity`, `EntityAlreadyExists`, `LimitExceeded`, … */
export function awsCodeOf(error: unknown): string | undefined {
  return error instanceof VaultError ? text(error.details['awsCode']) : awsFault(error).awsCode;
}

function refusedHint(fault: AwsFault, context: AwsContext): string | undefined {
  if (fault.awsCode !== undefined && ACCESS_DENIED.has(fault.awsCode)) {
    return `The identity of profile ${JSON.stringify(context.account)} needs the permission ${context.action}.`;
  }
  return undefined;
}

/** Control and invisible characters escaped, cut to `max` characters. */
export function printable(value: string, max = MAX_MESSAGE): string {
  const cut = value.length > max ? `${value.slice(0, max)}…` : value;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** For a hint that can be pasted into a shell. */
export function shellWord(value: string): string {
  const shown = printable(value, 128);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}

/** Of a URL that may hold a password, and may be none. */
function originOf(endpoint: string | undefined): URL | undefined {
  return endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}

function printableOrNone(value: string | undefined): string | undefined {
  return value === undefined ? undefined : printable(value, 128);
}

function defined(details: Readonly<Record<string, unknown>>): ErrorDetails {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
