import type { AgentConfiguration } from '../configuration/configuration.ts';
import type { Component } from '../component.ts';
import type { AgentEvent, ReportEvent } from '../events.ts';
import { isAudit, isLogged, levelOf, type Level } from './levels.ts';
import { openLineQueue, type LineQueue, type WriteText } from './lineQueue.ts';

/** An event as it is logged. */
export interface LoggedEvent {
  readonly event: AgentEvent;
  readonly level: Level;
  readonly isAudit: boolean;
  readonly time: Date;
}

/** Lines for an event, each ended. */
export type RenderEvent = (logged: LoggedEvent, format: AgentConfiguration['log']['format']) => readonly string[];

/** The log of the agent: its audit trail too. */
export interface EventLog extends Component, Pick<LineQueue, 'lost' | 'drained'> {
  readonly report: ReportEvent;
  /** Takes on the level and the format. */
  apply(configuration: AgentConfiguration): Promise<void>;
}

export interface EventLogOptions {
  readonly write: WriteText;
  readonly render: RenderEvent;
  readonly now: () => Date;
}

export function openEventLog({ write, render, now }: EventLogOptions): EventLog {
  let { level: least, format }: AgentConfiguration['log'] = { level: 'info', format: 'json' };
  const linesOf = (event: AgentEvent): readonly string[] => render({ event, level: levelOf(event), isAudit: isAudit(event), time: now() }, format);
  const queue = openLineQueue(write, (lost) => linesOf({ type: 'log-lost', ...lost }).join(''));
  return {
    get lost() { return queue.lost; },
    drained: queue.drained,
    apply({ log }) {
      ({ level: least, format } = log);
      return Promise.resolve();
    },
    changed: () => undefined,
    problems: () => [],
    stop: () => Promise.resolve(),
    report(event) {
      if (!isLogged(event, least)) return;
      for (const line of linesOf(event)) queue.push(line, isAudit(event));
    },
  };
}
