const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `2s`, `5m`, `1h`, `7d` in milliseconds; undefined for anything else. */
export function durationOf(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

/** A program shall ask again for credentials before so long, in milliseconds. botocore does when less than 15 minutes are left, and waits for the answer below 10. */
export const DEFAULT_LIFETIME_MS: number = 25 * 60_000;
