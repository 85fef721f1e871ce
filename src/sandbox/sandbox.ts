import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { addAccounts, type SandboxAccount } from './accounts.ts';
import { accessKeyActions } from './actions/accessKeys.ts';
import type { Action } from './actions/action.ts';
import { groupActions } from './actions/groups.ts';
import { policyActions } from './actions/policies.ts';
import { stsActions } from './actions/sts.ts';
import { userActions } from './actions/users.ts';
import { ApiError, type ApiErrorCode } from './apiError.ts';
import { authenticate } from './authenticate.ts';
import { createFaultSwitches, type Effect, type Faults, type FaultsChange } from './faults.ts';
import { createHolds, type HeldCall, type HoldEnd, type Release } from './holds.ts';
import { makeRequestId, type RandomBytes } from './identifiers.ts';
import { encodeError, encodeReply, parseQueryRequest, type QueryRequest, type Service } from './protocol.ts';
import { parseSignature, type SignedRequest } from './signature.ts';
import type { State } from './state.ts';
import { summarize, type StateSummary } from './summary.ts';

export type SandboxRequest = SignedRequest;

/** `dropped`: the connection is to be broken off without a reply. */
export type SandboxReply =
  | { readonly kind: 'reply'; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | { readonly kind: 'dropped' };

/** One call, as `GET /_sandbox/calls` shows it. */
export interface Call {
  /** Counts from 1. */
  readonly number: number;
  /** ISO 8601 */
  readonly time: string;
  readonly service: Service | undefined;
  readonly action: string | undefined;
  /** Name of the account that the access key is of, whether or not the signature was right. */
  readonly account: string | undefined;
  /** ARN of the caller; undefined where the call got no further than that. */
  caller: string | undefined;
  /** The parameters UserName and GroupName. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** `pending` until it is carried out, `never` where it never will be; a call whose reply was lost can still be `ok`. */
  outcome: 'pending' | 'ok' | 'never' | ApiErrorCode;
  reply: 'pending' | 'sent' | 'lost';
}

/** Passed in so that tests can decide what time it is. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  delay(milliseconds: number): Promise<void>;
}

export interface SandboxOptions {
  readonly accounts: readonly SandboxAccount[];
  readonly faults?: FaultsChange;
  /** What the sandbox goes on from; it is changed in place. Empty where it is left out. */
  readonly state?: State;
  /** Makes `state` durable; a call that changed it is answered after that. */
  readonly save?: () => Promise<void>;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** IAM and STS for a number of accounts, with no network of its own. */
export interface Sandbox {
  /** The accounts with the access keys that work: those of the state, where it has them already. */
  readonly accounts: readonly SandboxAccount[];
  /**
   * Answers one request; what is wrong with it is answered too, never thrown.
   * @param clientGone fires when the client has closed the connection: a call that is held ends then
   */
  handle(request: SandboxRequest, clientGone?: AbortSignal): Promise<SandboxReply>;
  faults(): Faults;
  /** @throws ZodError where the change has the wrong shape */
  setFaults(change: FaultsChange): Faults;
  held(): HeldCall[];
  waitForHeld(signal?: AbortSignal): Promise<HeldCall[]>;
  release(release?: Release): number;
  /** The last 10,000 calls, oldest first. */
  calls(): readonly Call[];
  /** Accounts, users, groups and access keys, without secrets. */
  summary(): StateSummary;
}

const MAX_CALLS = 10_000;

const SYSTEM_CLOCK: Clock = { now: () => Date.now(), delay: (milliseconds) => delay(milliseconds) };

const ACTIONS: Record<Service, ReadonlyMap<string, Action>> = {
  iam: byName([...userActions, ...groupActions, ...policyActions, ...accessKeyActions]),
  sts: byName(stsActions),
};

function byName(actions: readonly Action[]): ReadonlyMap<string, Action> {
  return new Map(actions.map((action) => [action.name, action]));
}

/** @throws SandboxSetupError accounts-invalid */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { clock = SYSTEM_CLOCK, random = randomBytes } = options;
  const state = options.state ?? { accounts: new Map(), accessKeys: new Map() };
  const accounts = addAccounts(state, options.accounts, clock.now(), random);
  const switches = createFaultSwitches(options.faults ?? {});
  const holds = createHolds();
  const calls: Call[] = [];
  let callCount = 0;

  function record(query: QueryRequest | undefined, account: string | undefined): Call {
    const call: Call = {
      number: (callCount += 1),
      time: new Date(clock.now()).toISOString(),
      service: query?.service,
      action: query?.action,
      account,
      caller: undefined,
      user: textOf(query?.parameters['UserName']),
      group: textOf(query?.parameters['GroupName']),
      outcome: 'pending',
      reply: 'pending',
    };
    calls.push(call);
    if (calls.length > MAX_CALLS) calls.shift();
    return call;
  }

  /** Everything up to the reply: who is it, may they, do it, make it durable. */
  async function carryOut(request: SandboxRequest, query: QueryRequest, call: Call): Promise<string> {
    const action = ACTIONS[query.service].get(query.action);
    if (action === undefined) {
      throw new ApiError('InvalidAction', `Could not find operation ${query.action} for service ${query.service}`);
    }
    const now = clock.now();
    const { account, caller, claim } = authenticate(state, request, now, switches.current().propagationDelayMs);
    call.caller = caller.arn;
    if (claim.service !== query.service) {
      throw new ApiError('SignatureDoesNotMatch', `Credential should be scoped to correct service: '${query.service}'.`);
    }
    if (!switches.admit(account.id, now)) throw new ApiError('Throttling', 'Rate exceeded');
    if (caller.key.owner.kind === 'user-session' && query.service === 'iam') {
      // Without MFA: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
      throw new ApiError('InvalidClientTokenId', 'The security token included in the request is invalid');
    }
    if (action.permitted === 'administrators' && !caller.administrator) {
      throw new ApiError('AccessDenied', `User: ${caller.arn} is not authorized to perform: ${query.service}:${query.action}`);
    }
    caller.key.lastUsed = { at: now, service: query.service, region: claim.region };
    const result = action.run({ state, account, caller, request: query, now, random, limits: switches.limits() });
    if (action.writes) await options.save?.();
    return encodeReply(query, result, makeRequestId(random));
  }

  async function answer(call: Call, service: Service | undefined, work: () => Promise<string>): Promise<SandboxReply> {
    try {
      const body = await work();
      call.outcome = 'ok';
      return reply(200, body, clock.now());
    } catch (thrown) {
      const error = thrown instanceof ApiError ? thrown : new ApiError('InternalFailure', 'The sandbox failed.');
      call.outcome = error.code;
      return reply(error.status, encodeError(error, service, makeRequestId(random)), clock.now());
    }
  }

  return {
    accounts,

    async handle(request, clientGone) {
      let query: QueryRequest;
      try {
        query = readRequest(request);
      } catch (thrown) {
        const call = record(undefined, undefined);
        call.reply = 'sent';
        return answer(call, undefined, () => Promise.reject(thrown instanceof Error ? thrown : new Error('unknown')));
      }
      const account = claimedAccount(state, request);
      const effect = switches.effectOn(query.action, account);
      const call = record(query, account);
      const { latencyMs } = switches.current();
      if (latencyMs > 0) await clock.delay(latencyMs);

      const hold = (when: 'before' | 'after'): Promise<HoldEnd> =>
        holds.hold({ action: query.action, account, when }, clientGone);
      const lose = (): SandboxReply => {
        if (call.outcome === 'pending') call.outcome = 'never';
        call.reply = 'lost';
        return { kind: 'dropped' };
      };

      if (effect.kind === 'beforeReply') return lose();
      if (isHold(effect, 'before') && (await hold('before')) !== 'released') return lose();
      const answered = await answer(call, query.service, () =>
        effect.kind === 'fail'
          ? Promise.reject(new ApiError(effect.code, effect.code === 'Throttling' ? 'Rate exceeded' : 'The sandbox was told to fail.'))
          : carryOut(request, query, call),
      );
      if (effect.kind === 'lostReply') return lose();
      if (isHold(effect, 'after') && (await hold('after')) !== 'released') return lose();
      call.reply = 'sent';
      return answered;
    },

    faults: switches.current,
    setFaults: switches.change,
    held: holds.held,
    waitForHeld: holds.waitForHeld,
    release: holds.release,
    calls: () => calls,
    summary: () => summarize(state),
  };
}

function isHold(effect: Effect, when: 'before' | 'after'): boolean {
  return effect.kind === 'hold' && effect.when === when;
}

function readRequest(request: SandboxRequest): QueryRequest {
  if (request.method !== 'POST') throw new ApiError('UnsupportedMethod', 'The sandbox takes POST requests only.');
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) {
    throw new ApiError('UnsupportedMediaType', 'The body must be application/x-www-form-urlencoded.');
  }
  return parseQueryRequest(request.body);
}

/** The account of the access key that a request names, before anything is verified; for counting and for the log. */
function claimedAccount(state: State, request: SandboxRequest): string | undefined {
  try {
    const key = state.accessKeys.get(parseSignature(request.headers).accessKeyId);
    return key && state.accounts.get(key.accountId)?.name;
  } catch {
    return undefined;
  }
}

/** The date is what clients correct their clocks by. */
function reply(status: number, body: string, now: number): SandboxReply {
  return { kind: 'reply', status, headers: { 'content-type': 'text/xml; charset=utf-8', 'date': new Date(now).toUTCString() }, body };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
