import pLimit from 'p-limit';
import type * as z from 'zod';
import type { AwsProfile } from '../config/awsProfile.ts';
import { VaultError } from '../errors.ts';
import { awsFailure, isDefinitelyNotDone, replyInvalid, type AwsContext } from './awsErrors.ts';
import type { AwsCredentials } from './clientProcess.ts';
import { openSdk, type Action, type ActionInputs, type AttemptObserver, type ClientChoice, type SdkClients, type SdkOptions } from './clientSdk.ts';

export interface WireOptions extends SdkOptions {
  readonly concurrency: number;
  readonly deadlineMs: number;
}

/** Asks AWS and checks what it answers. All failures are VaultErrors, as {@link awsFailure} makes them. */
export interface Wire {
  /** A call that may be repeated, and its reply. */
  ask<A extends IamAction, S extends z.ZodType>(action: A, input: ActionInputs[A], reply: S): Promise<z.output<S>>;
  /** A call that may be repeated, where the reply says nothing. */
  tell<A extends IamAction>(action: A, input: ActionInputs[A]): Promise<void>;
  /**
   * A call that is never repeated where AWS may have done it, and that ends `deadlineMs` after its turn has come.
   * `onTurn` is awaited then, before anything is sent.
   * Where it stays unknown whether AWS did it, the error is aws-unreachable or interrupted with `details.ambiguous` true.
   */
  askOnce<A extends IamAction, S extends z.ZodType>(action: A, input: ActionInputs[A], reply: S, onTurn?: () => Promise<void>): Promise<z.output<S>>;
  /** sts:GetCallerIdentity, as the profile or by other credentials. */
  identify<S extends z.ZodType>(reply: S, credentials?: AwsCredentials): Promise<z.output<S>>;
  /** AWS's clock, by its last reply; undefined before the first. */
  serverTime(): Date | undefined;
  /** HTTP requests sent so far, by action; a repetition counts again. */
  readonly calls: Readonly<Record<string, number>>;
  close(): void;
}

type IamAction = Exclude<Action, 'GetCallerIdentity'>;

/** What happens when a call's turn among those of the account has come, and how long it may take from then on. */
interface Turn {
  readonly onTurn?: (() => Promise<void>) | undefined;
  readonly deadlineMs?: number;
}

type Send = (clients: SdkClients, observer: AttemptObserver, signal: AbortSignal) => Promise<unknown>;

/** Does nothing yet: the SDK is loaded by the first call. */
export function openWire(profile: AwsProfile, options: WireOptions): Wire {
  const limit = pLimit(options.concurrency);
  const calls = new Map<string, number>();
  const closing = new AbortController();
  let clockOffset: number | undefined;
  let clients: Promise<SdkClients> | undefined;

  async function perform(service: 'iam' | 'sts', action: Action, send: Send, { onTurn, deadlineMs }: Turn = {}): Promise<unknown> {
    /** A request left, and no reply has said yet that it was not done. */
    let open = false;
    const observer: AttemptObserver = {
      sent: () => {
        open = true;
        calls.set(action, (calls.get(action) ?? 0) + 1);
      },
      replied: (date) => {
        const time = date === undefined ? Number.NaN : Date.parse(date);
        if (!Number.isNaN(time)) clockOffset = time - Date.now();
      },
      failed: (error) => {
        if (isDefinitelyNotDone(error)) open = false;
      },
    };
    return limit(async () => {
      await onTurn?.();
      const deadline = new AbortController();
      const timer = deadlineMs === undefined ? undefined : setTimeout(() => { deadline.abort(); }, deadlineMs);
      const interrupt = options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
      const signal = AbortSignal.any([interrupt, deadline.signal]);
      try {
        signal.throwIfAborted();
        clients ??= openSdk(profile, options);
        return await orAborted(clients.then((sdk) => send(sdk, observer, signal)), signal);
      } catch (error) {
        const context: AwsContext = { action: `${service}:${action}`, account: profile.name, ambiguous: open };
        if (interrupt.aborted) throw interrupted(context);
        throw awsFailure(deadline.signal.aborted ? new DeadlineError(deadlineMs ?? 0) : error, context, profile.endpoints[service]);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  function checked<S extends z.ZodType>(service: 'iam' | 'sts', action: Action, schema: S, output: unknown, ambiguous: boolean): z.output<S> {
    const result = schema.safeParse(output);
    if (result.success) return result.data;
    const missing = result.error.issues.map((issue) => issue.path.join('.') || 'everything');
    throw replyInvalid({ action: `${service}:${action}`, account: profile.name, ambiguous }, missing);
  }

  const iam = (choice: ClientChoice, action: IamAction, input: ActionInputs[IamAction], turn?: Turn): Promise<unknown> =>
    perform('iam', action, (sdk, observer, signal) => sdk.send(choice, action, input, observer, signal), turn);

  return {
    ask: async (action, input, reply) => checked('iam', action, reply, await iam('iam', action, input), false),
    tell: async (action, input) => {
      await iam('iam', action, input);
    },
    askOnce: async (action, input, reply, onTurn) =>
      checked('iam', action, reply, await iam('once', action, input, { onTurn, deadlineMs: options.deadlineMs }), true),
    identify: async (reply, credentials) => {
      const output = await perform('sts', 'GetCallerIdentity', (sdk, observer, signal) =>
        credentials === undefined ? sdk.send('sts', 'GetCallerIdentity', {}, observer, signal) : sdk.identify(credentials, observer, signal));
      return checked('sts', 'GetCallerIdentity', reply, output, false);
    },
    serverTime: () => (clockOffset === undefined ? undefined : new Date(Date.now() + clockOffset)),
    get calls() {
      return Object.fromEntries(calls);
    },
    close: () => {
      closing.abort();
      void clients?.then((sdk) => { sdk.destroy(); }, () => undefined);
    },
  };
}

/** The SDK obtains credentials and waits for its rate limit without looking at the signal everywhere. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => { reject(new Error('aborted')); };
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly code = 'ETIMEDOUT';

  constructor(milliseconds: number) {
    super(`no answer within ${String(milliseconds)} ms`);
  }
}

function interrupted(context: AwsContext): VaultError {
  return new VaultError('interrupted', `${context.action} in account ${JSON.stringify(context.account)} was interrupted.`, { details: { ...context } });
}
