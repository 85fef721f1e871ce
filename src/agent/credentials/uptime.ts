import { uptime } from 'node:os';

/** The system's uptime is read from a file; so often is enough. */
const FRESH_MS = 1000;

/**
 * Milliseconds since the machine started, by a clock that nobody sets. performance.now() is one too, but stands still while the machine sleeps, and
 * AWS does not.
 */
export function openUptime(): () => number {
  let read = { at: Number.NEGATIVE_INFINITY, value: 0 };
  return () => {
    const at = performance.now();
    if (at - read.at >= FRESH_MS) read = { at, value: uptime() * 1000 };
    return read.value + (at - read.at);
  };
}
