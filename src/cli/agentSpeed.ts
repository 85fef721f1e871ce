import { setFlagsFromString } from 'node:v8';
import type { AgentEvent } from '../agent/events.ts';

/** So many credentials were handed out that it is worth the memory. */
const BUSY = 1000;

/**
 * Lets V8 optimize what is hot, once the endpoint is busy. bin/run.js kept it from that: an idle agent would have the memory that it takes, and nothing of it.
 */
export function openSpeed(): { observe(event: AgentEvent): void; leave(): void } {
  let served = 0;
  return {
    observe({ type }) {
      if (type === 'credentials-served' && ++served === BUSY) setFlagsFromString('--opt');
    },
    /** As before: compiled code is kept for the next start by the flags that are set at the end. */
    leave() { if (served >= BUSY) setFlagsFromString('--no-opt'); },
  };
}
