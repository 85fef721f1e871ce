import type { Agent } from '../agent/agent.ts';
import type { ReportEvent } from '../agent/events.ts';

/** Reports that the agent is ready, once: everything that could make it so is an event. */
export function announceReady(agent: () => Agent | undefined, report: ReportEvent): { observe(): void } {
  let isAnnounced = false;
  let isDue = false;
  const look = (): void => {
    isDue = false;
    if (isAnnounced || agent()?.isReady !== true) return;
    isAnnounced = true;
    report({ type: 'ready' });
  };
  return {
    observe() {
      if (isAnnounced || isDue) return;
      isDue = true;
      setImmediate(look); // What is reported is not always done yet.
    },
  };
}
