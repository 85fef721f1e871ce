import * as z from 'zod/mini';
import { durationOf } from '../agent/configuration/duration.ts';
import { parseJson } from '../json/parse.ts';
import { validate } from '../json/validate.ts';

const duration = (least: number, most: number): z.ZodMiniString => z.string().check(z.refine((text) => {
  const milliseconds = durationOf(text);
  return milliseconds !== undefined && milliseconds >= least && milliseconds <= most;
}, 'not a time in these bounds, as 30s, 10m, 12h or 7d'));
const share = z.string().check(z.refine((text) => /^[0-9]{1,3}(\.[0-9]{1,2})?%$/.test(text) && Number.parseFloat(text) <= 100, 'not a share, as 10%'));

const DAY = 86_400_000;

/** What a refresher may do without a person: docs/refresher.md. */
const policySchema = z.strictObject({
  retire_silent_after: z._default(z.union([z.literal('never'), duration(1000, 3650 * DAY)]), 'never'),
  most_retired_at_once: z._default(share, '10%'),
  within: z._default(duration(1000, 30 * DAY), '1h'),
  lease: z._default(duration(1000, 300_000), '15s'),
  monitor: z.optional(z.strictObject({ port: z.int().check(z.gte(0), z.lte(65_535)) })),
  log: z._default(z.strictObject({ level: z._default(z.enum(['info', 'warning', 'error']), 'info'), format: z._default(z.enum(['json', 'text']), 'json') }), { level: 'info', format: 'json' }),
});

export interface RefresherPolicy {
  /** In milliseconds; undefined: never. */
  readonly retireSilentAfter: number | undefined;
  /** Part of the known nodes, from 0 to 1; one may always be. */
  readonly mostRetiredAtOnce: number;
  /** What counts as at once, in milliseconds. */
  readonly within: number;
  /** Who was elected and is silent for so long is replaced, in milliseconds. */
  readonly lease: number;
  readonly monitorPort: number | undefined;
  readonly log: { readonly level: 'info' | 'warning' | 'error'; readonly format: 'json' | 'text' };
}

/** @throws VaultError input-* */
export function parsePolicy(bytes: Uint8Array, source: string): RefresherPolicy {
  const policy = validate(policySchema, parseJson(bytes, source), () => Object.keys(policySchema.shape));
  return {
    retireSilentAfter: durationOf(policy.retire_silent_after), mostRetiredAtOnce: Number.parseFloat(policy.most_retired_at_once) / 100,
    within: durationOf(policy.within) ?? 0, lease: durationOf(policy.lease) ?? 0, monitorPort: policy.monitor?.port, log: policy.log,
  };
}

/** Where no file says otherwise. */
export const DEFAULT_POLICY: RefresherPolicy = parsePolicy(new TextEncoder().encode('{}'), 'the default policy');
