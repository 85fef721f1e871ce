import { VaultError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `2s`, `5m`, `1h`, `7d` in milliseconds. @throws VaultError usage */
export function parseDuration(flag: string, text: string): number {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit];
  if (amount === undefined || factor === undefined) {
    throw new VaultError('usage', `${flag} is ${JSON.stringify(text)}, which is not a duration.`, { hint: 'Write a number and a unit, as 500ms, 2s, 5m, 1h or 7d.' });
  }
  return Number(amount) * factor;
}

/** `10/s` as a number per second. @throws VaultError usage */
export function parseRate(flag: string, text: string): number {
  const rate = Number(/^(\d{1,6}(?:\.\d{1,3})?)\/s$/.exec(text)?.[1]);
  if (!(rate > 0)) throw new VaultError('usage', `${flag} is ${JSON.stringify(text)}, which is not a rate.`, { hint: 'Write a number per second, as 10/s.' });
  return rate;
}

/** A whole number that is not negative. @throws VaultError usage */
export function parseCount(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new VaultError('usage', `${name} is ${JSON.stringify(text.slice(0, 60))}, which is not a whole number.`);
}
