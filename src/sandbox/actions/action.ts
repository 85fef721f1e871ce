import type { z } from 'zod';
import type { RandomBytes } from '../identifiers.ts';
import type { Limits } from '../limits.ts';
import { readParameters, type QueryRequest, type XmlElement } from '../protocol.ts';
import type { Account, AccessKey, State, User } from '../state.ts';

/** Who signed the request. */
export interface Caller {
  readonly arn: string;
  readonly userId: string;
  /** The IAM user, where the credentials are a user's own or a session of it; undefined for a role. */
  readonly user: User | undefined;
  readonly key: AccessKey;
  /** May call every action. Everyone else may call those that need no permission. */
  readonly administrator: boolean;
}

export interface ActionContext {
  readonly state: State;
  /** The account of the caller. */
  readonly account: Account;
  readonly caller: Caller;
  readonly request: QueryRequest;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly random: RandomBytes;
  readonly limits: Limits;
}

/** One action of the API: it changes the state and returns what stands in its result, or throws ApiError and changes nothing. */
export interface Action {
  readonly name: string;
  /** Whether the state has to be saved after it. */
  readonly writes: boolean;
  /** `everyone` needs no permission at AWS either. */
  readonly permitted: 'everyone' | 'administrators';
  readonly run: (context: ActionContext) => readonly XmlElement[] | undefined;
}

/** An action that changes something and returns nothing. */
export function command<T extends z.ZodType>(
  name: string,
  parameters: T,
  run: (context: ActionContext, parameters: z.infer<T>) => void,
): Action {
  return {
    name,
    writes: true,
    permitted: 'administrators',
    run: (context) => {
      run(context, readParameters(context.request, parameters));
      return undefined;
    },
  };
}

/** An action that makes something and returns it. */
export function creation<T extends z.ZodType>(
  name: string,
  parameters: T,
  run: (context: ActionContext, parameters: z.infer<T>) => readonly XmlElement[],
): Action {
  return {
    name,
    writes: true,
    permitted: 'administrators',
    run: (context) => run(context, readParameters(context.request, parameters)),
  };
}

/** An action that only reads. */
export function query<T extends z.ZodType>(
  name: string,
  parameters: T,
  run: (context: ActionContext, parameters: z.infer<T>) => readonly XmlElement[],
): Action {
  return { ...creation(name, parameters, run), writes: false };
}
