import type * as Iam from '@aws-sdk/client-iam';
import type * as Sts from '@aws-sdk/client-sts';
import type { AwsProfile } from '../config/awsProfile.ts';
import { credentialsOf, type MfaPrompt } from './clientCredentials.ts';
import { dateOf } from './clientDate.ts';
import type { AwsCredentials } from './clientProcess.ts';
import { mayRepeat, mayRepeatOnce, withPolicy } from './retryPolicy.ts';

/** The actions that the tool uses, and what each is asked with. */
export interface ActionInputs {
  GetUser: Iam.GetUserCommandInput;
  CreateUser: Iam.CreateUserCommandInput;
  DeleteUser: Iam.DeleteUserCommandInput;
  TagUser: Iam.TagUserCommandInput;
  UntagUser: Iam.UntagUserCommandInput;
  PutUserPermissionsBoundary: Iam.PutUserPermissionsBoundaryCommandInput;
  DeleteUserPermissionsBoundary: Iam.DeleteUserPermissionsBoundaryCommandInput;
  GetGroup: Iam.GetGroupCommandInput;
  CreateGroup: Iam.CreateGroupCommandInput;
  DeleteGroup: Iam.DeleteGroupCommandInput;
  ListGroupsForUser: Iam.ListGroupsForUserCommandInput;
  AddUserToGroup: Iam.AddUserToGroupCommandInput;
  RemoveUserFromGroup: Iam.RemoveUserFromGroupCommandInput;
  GetGroupPolicy: Iam.GetGroupPolicyCommandInput;
  PutGroupPolicy: Iam.PutGroupPolicyCommandInput;
  DeleteGroupPolicy: Iam.DeleteGroupPolicyCommandInput;
  ListGroupPolicies: Iam.ListGroupPoliciesCommandInput;
  ListAttachedGroupPolicies: Iam.ListAttachedGroupPoliciesCommandInput;
  AttachGroupPolicy: Iam.AttachGroupPolicyCommandInput;
  DetachGroupPolicy: Iam.DetachGroupPolicyCommandInput;
  ListAccessKeys: Iam.ListAccessKeysCommandInput;
  CreateAccessKey: Iam.CreateAccessKeyCommandInput;
  UpdateAccessKey: Iam.UpdateAccessKeyCommandInput;
  DeleteAccessKey: Iam.DeleteAccessKeyCommandInput;
  GetAccessKeyLastUsed: Iam.GetAccessKeyLastUsedCommandInput;
  GetCallerIdentity: Sts.GetCallerIdentityCommandInput;
}

export type Action = keyof ActionInputs;

/** Called around every single HTTP request of a command, retries included. */
export interface AttemptObserver {
  /** The next thing to happen is that the request leaves. */
  sent(): void;
  /** `date` is the reply's Date header. */
  replied(date: string | undefined): void;
  failed(error: unknown): void;
}

/** Which client: `once` shares everything with `iam` but never repeats what may have been done. */
export type ClientChoice = 'iam' | 'once' | 'sts';

/** The SDK's clients of one account, sharing credentials, connections and one adaptive rate limit. */
export interface SdkClients {
  send<A extends Action>(choice: ClientChoice, action: A, input: ActionInputs[A], observer: AttemptObserver, signal: AbortSignal): Promise<unknown>;
  /** sts:GetCallerIdentity signed by other credentials, over the same endpoint and connections. */
  identify(credentials: AwsCredentials, observer: AttemptObserver, signal: AbortSignal): Promise<unknown>;
  destroy(): void;
}

export interface SdkOptions {
  readonly maxAttempts: number;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** The SDK's waits before a repetition (up to 50 ms, after throttling up to 1 s, doubling) times this. */
  readonly delayScale: number;
  /** Requests a second below which throttling does not push the account. */
  readonly leastRate: number;
  readonly mfaCode?: MfaPrompt;
  readonly signal?: AbortSignal;
}

/** What both services' clients are, as far as they are used here. */
interface AnyClient {
  send(command: AnyCommand, options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  destroy(): void;
}

interface AnyCommand {
  readonly middlewareStack: { add(middleware: AttemptMiddleware, options: { step: 'finalizeRequest'; priority: 'low'; name: string }): void };
}

type AttemptHandler = (args: unknown) => Promise<{ readonly response: unknown }>;
type AttemptMiddleware = (next: AttemptHandler) => AttemptHandler;

/** IAM is one service for the world; this is where its requests are signed for unless the profile says another partition. */
const DEFAULT_REGION = 'us-east-1';

/**
 * Loads the SDK, which takes tens of milliseconds, and makes the clients. No request is sent yet.
 * Every setting that the SDK would look up by AWS_PROFILE is given, so that the environment cannot redirect an account.
 */
export async function openSdk(profile: AwsProfile, options: SdkOptions): Promise<SdkClients> {
  const { iamSdk, stsSdk, providers, retry } = await import('./clientPackages.ts');
  const { maxAttempts } = options;
  const region = profile.region ?? DEFAULT_REGION;
  const http = {
    connectionTimeout: options.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    throwOnRequestTimeout: true, // Without it, the SDK writes a warning and goes on waiting.
  } as const;
  const credentials = credentialsOf(providers, {
    profile, region, http, maxAttempts,
    ...(options.mfaCode === undefined ? {} : { mfaCode: options.mfaCode }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const backoff = new FullJitter(options.delayScale);
  const adaptive = new retry.AdaptiveRetryStrategy(maxAttempts, {
    maxAttempts,
    backoff,
    rateLimiter: new retry.DefaultRateLimiter({ minFillRate: options.leastRate }),
  });
  const common = {
    region, credentials, maxAttempts,
    retryMode: 'adaptive',
    defaultsMode: 'standard',
    ignoreConfiguredEndpointUrls: true,
    useFipsEndpoint: profile.fips,
    useDualstackEndpoint: profile.dualStack,
  } as const;
  const repeating = withPolicy(adaptive, mayRepeat);
  const atIam = profile.endpoints.iam === undefined ? {} : { endpoint: profile.endpoints.iam };
  const atSts = profile.endpoints.sts === undefined ? {} : { endpoint: profile.endpoints.sts };
  const iam = new iamSdk.IAMClient({ ...common, ...atIam, requestHandler: http, retryStrategy: repeating });
  const { requestHandler } = iam.config;
  const once = new iamSdk.IAMClient({ ...common, ...atIam, requestHandler, retryStrategy: withPolicy(adaptive, mayRepeatOnce) });
  const sts = new stsSdk.STSClient({ ...common, ...atSts, requestHandler, retryStrategy: repeating });
  const clients: Readonly<Record<ClientChoice, AnyClient>> = { iam: iam as AnyClient, once: once as AnyClient, sts: sts as AnyClient };
  const commands = { ...iamSdk, ...stsSdk } as unknown as Readonly<Record<`${Action}Command`, new (input: object) => AnyCommand>>;

  const send = (client: AnyClient, action: Action, input: object, observer: AttemptObserver, signal: AbortSignal): Promise<unknown> => {
    const command = new commands[`${action}Command`](input);
    command.middlewareStack.add(observing(observer), { step: 'finalizeRequest', priority: 'low', name: 'iamVaultAttempt' });
    return client.send(command, { abortSignal: signal });
  };
  return {
    send: (choice, action, input, observer, signal) => send(clients[choice], action, input, observer, signal),
    identify: (own, observer, signal) => {
      // Not destroyed after use: that would close the connections that it shares.
      const client = new stsSdk.STSClient({ ...common, ...atSts, requestHandler, retryStrategy: repeating, credentials: own });
      return send(client as AnyClient, 'GetCallerIdentity', {}, observer, signal);
    },
    destroy: () => {
      iam.destroy();
    },
  };
}

/** Sits behind retrying and signing, so it sees every request just before it leaves. */
function observing(observer: AttemptObserver): AttemptMiddleware {
  return (next) => async (args) => {
    observer.sent();
    try {
      const result = await next(args);
      observer.replied(dateOf(result.response));
      return result;
    } catch (error) {
      observer.replied(dateOf(typeof error === 'object' && error !== null && '$response' in error ? error.$response : undefined));
      observer.failed(error);
      throw error;
    }
  };
}

/** The SDK's own waiting, scaled. */
class FullJitter {
  readonly #scale: number;
  #base = 0;

  constructor(scale: number) {
    this.#scale = scale;
  }

  setDelayBase(milliseconds: number): void {
    this.#base = milliseconds * this.#scale;
  }

  computeNextBackoffDelay(completed: number): number {
    return Math.floor(Math.random() * Math.min(this.#base * 2 ** completed, 20_000));
  }
}
