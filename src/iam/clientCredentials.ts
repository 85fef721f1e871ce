import type { AwsCredentialSource, AwsProfile } from '../config/awsProfile.ts';
import { VaultError } from '../errors.ts';
import { awsFault, printable, shellWord } from './awsErrors.ts';
import { CredentialProcessError, runCredentialProcess, type AwsCredentials } from './clientProcess.ts';

/** The SDK's package of credential providers. */
type Providers = typeof import('@aws-sdk/credential-providers');

/** Asks a person for the code that the device `serial` shows. */
export type MfaPrompt = (serial: string) => Promise<string>;

/** What the clients that the providers make for themselves shall use. */
export interface ProviderContext {
  readonly profile: AwsProfile;
  readonly region: string;
  readonly http: { readonly connectionTimeout: number; readonly requestTimeout: number; readonly throwOnRequestTimeout: true };
  readonly maxAttempts: number;
  readonly mfaCode?: MfaPrompt;
  readonly signal?: AbortSignal;
}

/** Renewed this long before they expire. */
const RENEW_EARLY_MS = 5 * 60_000;

/**
 * A provider of a profile's credentials, shared by all clients of the account: whoever asks first causes the one
 * AssumeRole or process, and the answer is kept until shortly before it expires.
 * It rejects with VaultError aws-credentials.
 */
export function credentialsOf(providers: Providers, context: ProviderContext): () => Promise<AwsCredentials> {
  let current: Promise<AwsCredentials> | undefined;
  let expires = Number.POSITIVE_INFINITY;
  const renew = async (): Promise<AwsCredentials> => {
    try {
      const credentials = await obtain(context.profile.credentials, providers, context);
      expires = credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
      return credentials;
    } catch (error) {
      current = undefined;
      throw credentialFailure(error, context.profile);
    }
  };
  return () => {
    if (current === undefined || expires - Date.now() < RENEW_EARLY_MS) {
      expires = Number.POSITIVE_INFINITY;
      current = renew();
    }
    return current;
  };
}

async function obtain(source: AwsCredentialSource, providers: Providers, context: ProviderContext): Promise<AwsCredentials> {
  const { profile, region } = context;
  // The SDK would otherwise look for endpoints in the profile that AWS_PROFILE names; ours have been read already.
  const common = { requestHandler: context.http, maxAttempts: context.maxAttempts, ignoreConfiguredEndpointUrls: true };
  const sts = {
    ...common, region, useFipsEndpoint: profile.fips, useDualstackEndpoint: profile.dualStack,
    ...(profile.endpoints.sts === undefined ? {} : { endpoint: profile.endpoints.sts }),
  };
  switch (source.kind) {
    case 'static':
      return {
        accessKeyId: source.accessKeyId,
        secretAccessKey: source.secretAccessKey.reveal(),
        ...(source.sessionToken === undefined ? {} : { sessionToken: source.sessionToken.reveal() }),
      };
    case 'assume-role': {
      const { mfaCode } = context;
      if (source.mfaSerial !== undefined && mfaCode === undefined) throw mfaUnsupported(profile);
      const own = await obtain(source.source, providers, context);
      return providers.fromTemporaryCredentials({
        masterCredentials: own,
        params: {
          RoleArn: source.roleArn,
          RoleSessionName: source.sessionName ?? `iam-vault-${String(Date.now())}`,
          ...(source.externalId === undefined ? {} : { ExternalId: source.externalId }),
          ...(source.mfaSerial === undefined ? {} : { SerialNumber: source.mfaSerial }),
          ...(source.durationSeconds === undefined ? {} : { DurationSeconds: source.durationSeconds }),
        },
        ...(mfaCode === undefined ? {} : { mfaCodeProvider: mfaCode }),
        clientConfig: sts,
      })();
    }
    case 'web-identity':
      return providers.fromTokenFile({
        webIdentityTokenFile: source.tokenFile,
        roleArn: source.roleArn,
        // Absent, the SDK would take AWS_ROLE_SESSION_NAME.
        roleSessionName: source.sessionName ?? `iam-vault-${String(Date.now())}`,
        clientConfig: sts,
      })();
    case 'environment':
      return providers.fromEnv()();
    case 'instance-metadata':
      return providers.fromInstanceMetadata({ timeout: 1000, maxRetries: 2 })();
    case 'container':
      return containerCredentials(providers);
    case 'process':
      return runCredentialProcess(source.command, context.signal);
    case 'sso':
      return singleSignOn(source, providers, context, common);
    case 'sdk':
      return providers.fromIni({
        profile: source.sdk.profile,
        configFilepath: source.sdk.configFile,
        filepath: source.sdk.credentialsFile,
        ignoreCache: true,
        clientConfig: { ...common, region },
      })();
  }
}

/** ECS says where its endpoint is by one of two variables; each provider knows both, the newer one also EKS's. */
async function containerCredentials(providers: Providers): Promise<AwsCredentials> {
  try {
    return await providers.fromHttp({})();
  } catch {
    return providers.fromContainerMetadata({ timeout: 1000, maxRetries: 2 })();
  }
}

type SingleSignOn = Extract<AwsCredentialSource, { kind: 'sso' }>;

/**
 * With `ssoSession` the SDK reads the profile again, from the file, and may renew the cached token at the OIDC service.
 * Without, it only reads the cached token, from a file named by a hash of `ssoStartUrl` and uses that text for nothing
 * else; AWS names a session's file by the session. So a session in a section that the SDK does not find works too, as
 * long as its token lasts. The same where the portal has an endpoint of its own, for the SDK would send a refresh there.
 */
function singleSignOn(source: SingleSignOn, providers: Providers, context: ProviderContext, common: object): Promise<AwsCredentials> {
  const { sso, ssoOidc } = context.profile.endpoints;
  const renewable = source.session !== undefined && source.sdk !== undefined && sso === ssoOidc ? source.sdk : undefined;
  const parameters = {
    ssoAccountId: source.accountId,
    ssoRegion: source.ssoRegion,
    ssoRoleName: source.roleName,
    ignoreCache: true,
    clientConfig: { ...common, region: source.ssoRegion, ...(sso === undefined ? {} : { endpoint: sso }) },
  };
  if (renewable === undefined || source.session === undefined) {
    return providers.fromSSO({ ...parameters, ssoStartUrl: source.session ?? source.startUrl })();
  }
  return providers.fromSSO({
    ...parameters,
    ssoStartUrl: source.startUrl,
    ssoSession: source.session,
    profile: renewable.profile,
    configFilepath: renewable.configFile,
    filepath: renewable.credentialsFile,
  })();
}

function mfaUnsupported(profile: AwsProfile): VaultError {
  return new VaultError('aws-credentials', `Profile ${JSON.stringify(profile.name)} needs a code of an MFA device, which cannot be asked for here.`, {
    hint: 'Use a session made beforehand (aws sts get-session-token), AWS IAM Identity Center, or a credential_process.',
    details: { account: profile.name, kind: profile.credentials.kind, reason: 'mfa' },
  });
}

/** Nothing of a provider's own text is passed on unless AWS said it, or the SDK's own sentence that is known to hold no value. */
function credentialFailure(error: unknown, profile: AwsProfile): VaultError {
  if (error instanceof VaultError) return error;
  const fault = awsFault(error);
  const { kind } = profile.credentials;
  const name = error instanceof Error ? error.name : 'unknown';
  const exitCode = error instanceof CredentialProcessError ? error.exitCode : undefined;
  const reason =
    error instanceof CredentialProcessError ? error.message
    : fault.awsCode !== undefined ? `${fault.awsCode}: ${fault.message ?? ''}`
    : kind === 'sso' && error instanceof Error ? printable(error.message)
    : fault.errno ?? name;
  return new VaultError('aws-credentials', `Profile ${JSON.stringify(profile.name)} (${kind}) gives no credentials: ${reason}.`, {
    hint: credentialHint(profile),
    details: {
      account: profile.name, kind,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(fault.awsCode === undefined ? {} : { awsCode: fault.awsCode }),
      ...(fault.errno === undefined ? {} : { errno: fault.errno }),
    },
  });
}

function credentialHint(profile: AwsProfile): string | undefined {
  const word = shellWord(profile.name);
  switch (profile.credentials.kind) {
    case 'sso': return `Sign in again with: aws sso login --profile ${word}`;
    case 'sdk': return `Sign in again with: aws login --profile ${word}`;
    case 'process': return 'Run the profile\'s credential_process by hand to see what it says.';
    case 'assume-role':
    case 'web-identity': return 'Check role_arn and that the role\'s trust policy allows this identity.';
    case 'environment': return 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
    default: return undefined;
  }
}
