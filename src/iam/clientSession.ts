import type * as Sts from '@aws-sdk/client-sts';
import { isVaultError, VaultError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { awsFailure, awsFault, replyInvalid, type AwsContext } from './awsErrors.ts';
import { dateOf } from './clientDate.ts';

/** What a session is asked for with. */
export interface SessionRequest {
  /** For messages: whose key it is. */
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly region: string;
  /** In place of AWS's own. */
  readonly endpoint: string | undefined;
  readonly durationSeconds: number;
  /** AssumeRole; without it GetSessionToken. */
  readonly role: { readonly arn: string; readonly sessionName: string; readonly externalId: string | undefined } | undefined;
}

/** Temporary credentials. */
export interface OpenedSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  /** How long they lived when STS made them, by STS's own clock; never more than was asked for. */
  readonly lifeMs: number;
}

const HTTP = {
  connectionTimeout: 5000, requestTimeout: 10_000,
  throwOnRequestTimeout: true, // Without it, the SDK writes a warning and goes on waiting.
} as const;

/** After a lost connection, and after AWS's time was learnt from a refusal; the caller has a patience of its own. */
const MAX_ATTEMPTS = 3;

/**
 * Asks STS for temporary credentials. The SDK is loaded by the first call.
 * @throws VaultError aws-refused, aws-throttled, aws-unreachable, aws-credentials
 */
export async function openSession(request: SessionRequest, signal: AbortSignal): Promise<OpenedSession> {
  const { stsSdk: { STSClient, AssumeRoleCommand, GetSessionTokenCommand } } = await import('./clientPackages.ts');
  const { name, region, endpoint, durationSeconds, role } = request;
  const client = new STSClient({
    region, maxAttempts: MAX_ATTEMPTS, retryMode: 'standard', defaultsMode: 'standard', requestHandler: HTTP,
    credentials: { accessKeyId: request.accessKeyId, secretAccessKey: request.secretAccessKey.reveal() },
    // The environment and the files of whoever started this must not redirect it.
    ignoreConfiguredEndpointUrls: true, useFipsEndpoint: false, useDualstackEndpoint: false, ...(endpoint === undefined ? {} : { endpoint }),
  });
  let date = Number.NaN;
  client.middlewareStack.add((next) => async (args) => {
    const result = await next(args);
    date = Date.parse(dateOf(result.response) ?? '');
    return result;
  }, { step: 'finalizeRequest', priority: 'low', name: 'iamVaultDate' });
  const context: AwsContext = { action: role === undefined ? 'sts:GetSessionToken' : 'sts:AssumeRole', account: name, ambiguous: false };
  try {
    const reply = role === undefined
      ? await client.send(new GetSessionTokenCommand({ DurationSeconds: durationSeconds }), { abortSignal: signal })
      : await client.send(new AssumeRoleCommand({
          RoleArn: role.arn, RoleSessionName: role.sessionName, DurationSeconds: durationSeconds,
          ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
        }), { abortSignal: signal });
    return read(reply.Credentials, date, durationSeconds * 1000, context);
  } catch (error) {
    throw sessionFailure(error, context, endpoint);
  } finally {
    client.destroy();
  }
}

function read(found: Sts.Credentials | undefined, date: number, askedMs: number, context: AwsContext): OpenedSession {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found ?? {};
  const ends = Expiration?.getTime() ?? Number.NaN;
  // By two readings of AWS's clock: this machine's may be wrong by a day.
  const lifeMs = Number.isNaN(date) ? askedMs : Math.min(askedMs, ends - date);
  const missing = Object.entries({ AccessKeyId, SecretAccessKey, SessionToken }).filter(([, value]) => value === undefined || value === '').map(([member]) => `Credentials.${member}`);
  if (!(lifeMs > 0)) missing.push('Credentials.Expiration');
  if (missing.length > 0 || AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) throw replyInvalid(context, missing);
  return { accessKeyId: AccessKeyId, secretAccessKey: new Secret(SecretAccessKey), sessionToken: new Secret(SessionToken), lifeMs };
}

/** Of {@link awsFailure} the code and the facts; its words are for people who run commands with profiles. */
function sessionFailure(error: unknown, context: AwsContext, endpoint: string | undefined): VaultError {
  if (isVaultError(error)) return error;
  const { code, details, cause } = awsFailure(error, context, endpoint);
  const { awsCode, message, httpStatus, errno } = awsFault(error);
  const said = awsCode !== undefined ? `${awsCode}: ${message ?? ''}` : httpStatus !== undefined ? `HTTP status ${String(httpStatus)}` : `no reply (${errno ?? 'unknown reason'})`;
  return new VaultError(code, `${context.action} with the key of ${context.account} failed: ${said}.`, {
    cause, details,
    hint: code === 'aws-credentials' ? 'Was the key deleted or made inactive? Look at what the item holds, and rotate it.' : undefined,
  });
}
