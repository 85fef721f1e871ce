import type { AgentStatus } from '../status.ts';
import type { AgentConfiguration } from '../configuration/configuration.ts';
import type { AgentEvent } from '../events.ts';

/** A look at everything that was due so long ago, and neither came to an answer nor failed, hangs; in milliseconds. */
const PATIENCE_MS = 900_000;
/** A source that does not answer may be waited for by several items, one after the other. */
const WAITS = 10;

/** Whether the agent still looks at its source. By a clock that nobody sets, so that a step of the other means nothing. */
export interface Liveness {
  observe(event: AgentEvent): void;
  isAlive(configuration: AgentConfiguration, status: AgentStatus): boolean;
}

/** @param uptime milliseconds of a clock that only goes on */
export function openLiveness(uptime: () => number): Liveness {
  let lastSign = uptime();
  let answered: string | null = null;
  const sign = (): void => { lastSign = uptime(); };
  return {
    observe({ type }) {
      if (type === 'source-failed' || type === 'reloaded' || type === 'started') sign();
    },
    isAlive({ source }, status) {
      if (status.source.answered !== answered) sign();
      ({ answered } = status.source);
      const timeout = source.type === 'https' ? source.timeout : 0;
      return uptime() - lastSign < 2 * source.poll + WAITS * timeout + PATIENCE_MS;
    },
  };
}
