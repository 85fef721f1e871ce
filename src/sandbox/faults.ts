import * as z from 'zod';
import { API_ERROR_CODES, type ApiErrorCode } from './apiError.ts';
import { DEFAULT_LIMITS, limitsSchema, type Limits } from './limits.ts';

/** Which call a rule is for. Calls are counted as they arrive, retries too, from the moment the rule was set. */
const target = {
  /** Name of an action, or `*` for every action. */
  action: z.string().regex(/^(\*|[A-Za-z]{1,64})$/),
  /** Name of an account; every account where it is left out. */
  account: z.string().min(1).optional(),
  /** 1 is the next call that matches. */
  call: z.int().min(1).default(1),
};

const milliseconds = z.int().min(0).max(3_600_000);

const faultsSchema = z.strictObject({
  /** A new access key is refused for so long, and a deleted one works for so long. */
  propagationDelayMs: milliseconds,
  /** How long every call waits before it is looked at. */
  latencyMs: milliseconds,
  /** A token bucket per account; null for none. */
  throttle: z.strictObject({ ratePerSecond: z.number().positive(), burst: z.int().min(1) }).nullable(),
  /** IAM's quotas, each replacing the default. */
  limits: limitsSchema.partial(),
  /** Calls `call` to `call + times - 1` fail with `code` and are not carried out. */
  fail: z.array(z.strictObject({ ...target, code: z.enum(API_ERROR_CODES), times: z.int().min(1).default(1) })),
  /** The connection breaks off before the action is carried out. */
  beforeReply: z.array(z.strictObject(target)),
  /** The action is carried out, then the connection breaks off with no reply. */
  lostReply: z.array(z.strictObject(target)),
  /** The connection stays open with no reply until the call is released: before the action is carried out, or after. */
  hold: z.array(z.strictObject({ ...target, when: z.enum(['before', 'after']).default('after') })),
});

export const faultsChangeSchema = faultsSchema.partial();

/** Every switch. Rules that have fired are in it no more. */
export type Faults = z.output<typeof faultsSchema>;

/** What `POST /_sandbox/faults` takes: the members that are given replace those that are set, all others stay. */
export type FaultsChange = z.input<typeof faultsChangeSchema>;

/** What happens to one call. */
export type Effect =
  | { readonly kind: 'none' | 'beforeReply' | 'lostReply' }
  | { readonly kind: 'fail'; readonly code: ApiErrorCode }
  | { readonly kind: 'hold'; readonly when: 'before' | 'after' };

export interface FaultSwitches {
  current(): Faults;
  /** @throws ZodError where `change` does not have the shape of a FaultsChange; nothing is changed then */
  change(change: unknown): Faults;
  limits(): Limits;
  /** Counts a call against every rule. Where several are for it, the order is beforeReply, fail, hold, lostReply. */
  effectOn(action: string, account: string | undefined): Effect;
  /** Takes one token of the account's bucket; false where the call is to be throttled. */
  admit(account: string, now: number): boolean;
}

interface Counted<T> {
  readonly rule: T;
  seen: number;
}

interface Rule {
  readonly action: string;
  readonly account?: string | undefined;
  readonly call: number;
  readonly times?: number;
}

export function createFaultSwitches(initial: FaultsChange): FaultSwitches {
  const settings = {
    propagationDelayMs: 0,
    latencyMs: 0,
    throttle: null as Faults['throttle'],
    limits: {} as Faults['limits'],
  };
  const rules = {
    beforeReply: [] as Counted<Faults['beforeReply'][number]>[],
    fail: [] as Counted<Faults['fail'][number]>[],
    hold: [] as Counted<Faults['hold'][number]>[],
    lostReply: [] as Counted<Faults['lostReply'][number]>[],
  };
  const buckets = new Map<string, { tokens: number; at: number }>();

  const current = (): Faults => ({
    ...settings,
    beforeReply: rules.beforeReply.map(({ rule }) => rule),
    fail: rules.fail.map(({ rule }) => rule),
    hold: rules.hold.map(({ rule }) => rule),
    lostReply: rules.lostReply.map(({ rule }) => rule),
  });

  const change = (wanted: unknown): Faults => {
    const { beforeReply, fail, hold, lostReply, ...rest } = faultsChangeSchema.parse(wanted);
    if (rest.throttle !== undefined) buckets.clear();
    Object.assign(settings, rest);
    if (beforeReply !== undefined) rules.beforeReply = beforeReply.map(uncounted);
    if (fail !== undefined) rules.fail = fail.map(uncounted);
    if (hold !== undefined) rules.hold = hold.map(uncounted);
    if (lostReply !== undefined) rules.lostReply = lostReply.map(uncounted);
    return current();
  };
  change(initial);

  return {
    current,
    change,
    limits: () => ({ ...DEFAULT_LIMITS, ...withoutUndefined(settings.limits) }),

    effectOn(action, account) {
      const beforeReply = firing(rules.beforeReply, action, account);
      const fail = firing(rules.fail, action, account);
      const hold = firing(rules.hold, action, account);
      const lostReply = firing(rules.lostReply, action, account);
      rules.beforeReply = rules.beforeReply.filter(isLeft);
      rules.fail = rules.fail.filter(isLeft);
      rules.hold = rules.hold.filter(isLeft);
      rules.lostReply = rules.lostReply.filter(isLeft);
      if (beforeReply !== undefined) return { kind: 'beforeReply' };
      if (fail !== undefined) return { kind: 'fail', code: fail.code };
      if (hold !== undefined) return { kind: 'hold', when: hold.when };
      return { kind: lostReply === undefined ? 'none' : 'lostReply' };
    },

    admit(account, now) {
      const { throttle } = settings;
      if (throttle === null) return true;
      const bucket = buckets.get(account) ?? { tokens: throttle.burst, at: now };
      const tokens = Math.min(throttle.burst, bucket.tokens + ((now - bucket.at) / 1000) * throttle.ratePerSecond);
      const admitted = tokens >= 1;
      buckets.set(account, { tokens: admitted ? tokens - 1 : tokens, at: now });
      return admitted;
    },
  };
}

function uncounted<T>(rule: T): Counted<T> {
  return { rule, seen: 0 };
}

/** Counts this call for each rule that it matches, and returns the first rule that it is the turn of. */
function firing<T extends Rule>(rules: readonly Counted<T>[], action: string, account: string | undefined): T | undefined {
  const matching = rules.filter(
    ({ rule }) => (rule.action === '*' || rule.action === action) && (rule.account === undefined || rule.account === account),
  );
  for (const counted of matching) counted.seen += 1;
  return matching.find(({ rule, seen }) => seen >= rule.call)?.rule;
}

function isLeft({ rule, seen }: Counted<Rule>): boolean {
  return seen < rule.call + (rule.times ?? 1) - 1;
}

function withoutUndefined(limits: Faults['limits']): Partial<Limits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
