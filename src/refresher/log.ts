import { openLineQueue, type LineQueue, type WriteText } from '../agent/observing/lineQueue.ts';
import type { RefresherEvent, ReportRefresherEvent } from './events.ts';
import type { RefresherPolicy } from './policy.ts';

type Level = RefresherPolicy['log']['level'];

const ORDER: readonly Level[] = ['info', 'warning', 'error'];

/** How much each event matters: `error` to whoever is called at night, `warning` to whoever looks in the morning; the rest is `info`. */
const LEVELS: Partial<Readonly<Record<RefresherEvent['type'], Level>>> = {
  'crashed': 'error',
  'log-lost': 'error',
  'request-failed': 'error',
  'reload-failed': 'error',
  'store-failed': 'error',
  'roster-failed': 'error',
  'item-failed': 'error',
  'retirement-held': 'error',
  'warned': 'warning',
  'election-lost': 'warning',
  'node-waiting': 'warning',
  'node-refused': 'warning',
  'request-left': 'warning',
  'node-unadmitted': 'warning',
  'node-damaged': 'warning',
  'node-retired': 'warning',
  'node-removed': 'warning',
};

/** What was given to whom, and taken from whom, is told whatever the level. */
const AUDITED: readonly RefresherEvent['type'][] = ['item-written', 'node-admitted', 'node-retired', 'node-removed'];

export interface RefresherLog extends Pick<LineQueue, 'drained'> {
  readonly report: ReportRefresherEvent;
}

export interface RefresherLogOptions {
  readonly write: WriteText;
  /** One line, ended. */
  readonly render: (facts: { readonly [member: string]: unknown }, format: RefresherPolicy['log']['format']) => string;
  readonly settings: () => RefresherPolicy['log'];
  readonly now: () => Date;
}

export function openRefresherLog({ write, render, settings, now }: RefresherLogOptions): RefresherLog {
  const lineOf = ({ type, ...members }: RefresherEvent): string => {
    const isAudit = AUDITED.includes(type);
    return render({ time: now().toISOString(), level: LEVELS[type] ?? 'info', type, ...(isAudit ? { audit: true } : {}), ...members }, settings().format);
  };
  const queue = openLineQueue(write, (lost) => lineOf({ type: 'log-lost', ...lost }));
  return {
    drained: queue.drained,
    report(event) {
      const isAudit = AUDITED.includes(event.type);
      if (!isAudit && ORDER.indexOf(LEVELS[event.type] ?? 'info') < ORDER.indexOf(settings().level)) return;
      queue.push(lineOf(event), isAudit);
    },
  };
}
