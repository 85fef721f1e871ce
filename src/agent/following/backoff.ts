/** Waits that double, up to a bound, each between half and the whole of it: many that failed together do not come back together. */
export interface Backoff {
  /** The next wait, in milliseconds. */
  next(): number;
  /** After a success. */
  reset(): void;
  /** Failures since the last success. */
  readonly failures: number;
}

/** @param random from 0 up to 1 */
export function openBackoff(firstMs: number, mostMs: number, random: () => number = Math.random): Backoff {
  let failures = 0;
  return {
    next() {
      const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30));
      failures++;
      return Math.round(whole / 2 + (random() * whole) / 2);
    },
    reset() { failures = 0; },
    get failures() { return failures; },
  };
}

/** A wait of about `ms`: up to a tenth more or less. */
export function jittered(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (0.9 + random() * 0.2));
}
