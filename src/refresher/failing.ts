import { openBackoff, type Backoff } from '../agent/following/backoff.ts';
import type { VaultError } from '../errors.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { ReportRefresherEvent } from './events.ts';
import { placeOf } from './retirement.ts';

/** Items that could not be refreshed: told once, tried again, less and less often. */
export interface Failing {
  readonly size: number;
  /** Of these items, those failed. */
  take(refs: readonly ItemRef[], failed: readonly (ItemRef & { readonly error: VaultError })[]): void;
  stop(): void;
}

const FIRST_MS = 2000;
const MOST_MS = 600_000;

interface Failed {
  readonly code: string;
  readonly backoff: Backoff;
  readonly timer: NodeJS.Timeout;
}

export function openFailing(report: ReportRefresherEvent, again: (ref: ItemRef) => void): Failing {
  const failing = new Map<string, Failed>();
  return {
    get size() { return failing.size; },
    take(refs, failed) {
      const places = new Set(failed.map(placeOf));
      for (const { vault, item } of refs) {
        const place = placeOf({ vault, item });
        const before = failing.get(place);
        if (before === undefined || places.has(place)) continue;
        clearTimeout(before.timer);
        failing.delete(place);
        report({ type: 'item-recovered', vault, item });
      }
      for (const { vault, item, error } of failed) {
        const place = placeOf({ vault, item });
        const before = failing.get(place);
        clearTimeout(before?.timer);
        const backoff = before?.backoff ?? openBackoff(FIRST_MS, MOST_MS);
        failing.set(place, { code: error.code, backoff, timer: setTimeout(() => { again({ vault, item }); }, backoff.next()).unref() });
        if (before?.code !== error.code) report({ type: 'item-failed', vault, item, error });
      }
    },
    stop() {
      for (const { timer } of failing.values()) clearTimeout(timer);
    },
  };
}
