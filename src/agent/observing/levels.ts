import type { AgentConfiguration } from '../configuration/configuration.ts';
import type { AgentEvent } from '../events.ts';

export type Level = AgentConfiguration['log']['level'];

const ORDER: readonly Level[] = ['debug', 'info', 'warning', 'error'];

/** How much each event matters: `error` to whoever is called at night, `warning` to whoever looks in the morning. */
const LEVELS: Readonly<Record<AgentEvent['type'], Level>> = {
  'started': 'info',
  'ready': 'info',
  'reloaded': 'info',
  'reload-failed': 'error',
  'stopping': 'info',
  'crashed': 'error',
  'log-lost': 'error',
  'monitor-listening': 'info',
  'source-failed': 'warning',
  'source-recovered': 'info',
  'roster-changed': 'info',
  'roster-failed': 'error',
  'item-verified': 'info',
  'item-failed': 'error',
  'item-recovered': 'info',
  'state-failed': 'error',
  'state-recovered': 'info',
  'warned': 'warning',
  'delivered': 'info',
  'delivery-failed': 'error',
  'command-ended': 'debug',
  'process-waiting': 'info',
  'process-ended': 'info',
  'command-failed': 'error',
  'credentials-served': 'info',
  'request-refused': 'warning',
  'request-failed': 'error',
  'session-opened': 'info',
  'session-failed': 'error',
  'reported': 'debug',
  'report-failed': 'warning',
  'report-recovered': 'info',
};

/** Every type of event there is, in no order. */
export const EVENT_TYPES = Object.keys(LEVELS) as readonly AgentEvent['type'][];

export function levelOf({ type }: AgentEvent): Level {
  return LEVELS[type];
}

/** A secret left the agent: that is logged whatever the level. */
export function isAudit({ type }: AgentEvent): boolean {
  return type === 'delivered' || type === 'credentials-served';
}

/** Whether an event is for a log that begins at `least`. */
export function isLogged(event: AgentEvent, least: Level): boolean {
  return isAudit(event) || ORDER.indexOf(levelOf(event)) >= ORDER.indexOf(least);
}
