import type { AgentEvent, ReportEvent } from '../events.ts';

/** One JSON object a line, for each event: RFC 3339 time, and the event's members. */
export function logEvents(write: (line: string) => void, now: () => Date): ReportEvent {
  return (event: AgentEvent) => {
    const { error, ...rest } = { error: undefined, ...event };
    write(`${JSON.stringify({ time: now().toISOString(), ...rest, ...(error === undefined ? {} : { code: error.code, message: error.message }) })}\n`);
  };
}
