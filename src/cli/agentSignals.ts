import type { AgentEvent } from '../agent/events.ts';
import { knownError } from '../agent/unexpected.ts';

/** Whoever told the agent to end waits no longer, in milliseconds: a request, a command or a source that hangs is left behind. */
const LONGEST_END_MS = 10_000;

export interface AgentSignals {
  /** Resolves at SIGTERM or SIGINT. From here on SIGHUP lets `agent` read its configuration again; also one that came before. */
  untilEnd(agent: { reload(): Promise<unknown> }): Promise<void>;
  /** Takes no signals any more. */
  leave(): void;
}

/**
 * Takes the process's signals, from its first moment: SIGHUP would end it otherwise. At SIGTERM or SIGINT it ends with exit code 0, within 10 seconds
 * whatever is under way; a second one ends it at once.
 * @param lastLines waits for the end of the log
 */
export function takeSignals(report: (event: Extract<AgentEvent, { type: 'stopping' }>) => void, lastLines: () => Promise<unknown>): AgentSignals {
  let reload: (() => void) | undefined;
  let isAsked = false;
  const hangup = (): void => {
    if (reload === undefined) isAsked = true;
    else reload();
  };
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => { end = resolve; });
  let deadline: NodeJS.Timeout | undefined;
  const finish = (signal: NodeJS.Signals): void => {
    process.off('SIGTERM', finish).off('SIGINT', finish);
    report({ type: 'stopping', signal });
    deadline = setTimeout(() => { void lastLines().then(() => process.exit(0)); }, LONGEST_END_MS);
    end();
  };
  process.on('SIGHUP', hangup).once('SIGTERM', finish).once('SIGINT', finish);
  return {
    async untilEnd(agent) {
      reload = () => { void agent.reload(); };
      if (isAsked) reload();
      await ended;
    },
    leave() {
      clearTimeout(deadline);
      process.off('SIGHUP', hangup).off('SIGTERM', finish).off('SIGINT', finish);
    },
  };
}

/** A fault that nobody foresaw leaves nobody knows what behind: it is logged, and ends the process with exit code 1, for whoever started it to start it again. */
export function endOnFault(report: (event: Extract<AgentEvent, { type: 'crashed' }>) => void, lastLines: () => Promise<unknown>): { leave(): void } {
  const end = (error: unknown): void => {
    report({ type: 'crashed', error: knownError(error) });
    void lastLines().then(() => process.exit(1));
  };
  process.once('uncaughtException', end); // Of promises, too.
  return { leave: () => { process.off('uncaughtException', end); } };
}
