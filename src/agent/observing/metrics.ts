import type { AgentEvent } from '../events.ts';
import type { AgentStatus } from '../status.ts';
import { openRegistry } from './registry.ts';

/** What Prometheus reads: docs/agent.md lists it. */
export interface Metrics {
  observe(event: AgentEvent): void;
  /** In the text format, version 0.0.4; `status` undefined where the agent has not begun. */
  render(status: AgentStatus | undefined): Promise<string>;
}

/** Values of one label that come from requests: more would be somebody's way to fill our memory, and Prometheus's. */
const MOST_VALUES = 50;

/** @param version of this program */
export async function openMetrics(version: string): Promise<Metrics> {
  const { counter, gauge, render } = await openRegistry('agent', version);
  const seconds = (time: string | null | undefined): number => (time == null ? 0 : Date.parse(time) / 1000);
  const now = {
    started: gauge('start_time_seconds', 'When the agent started.'),
    ready: gauge('ready', '1 where every item has a content and every delivery was made.'),
    configured: gauge('configuration_loaded_timestamp_seconds', 'When the configuration that is in effect was read.'),
    configurationFailing: gauge('configuration_failing', '1 where what the configuration says now is not in effect, for it cannot be.'),
    sourceUp: gauge('source_up', '1 where the source answered when it was last asked.'),
    sourceAnswered: gauge('source_answered_timestamp_seconds', 'When the source last answered; 0 where it never did.'),
    roster: gauge('roster_version', 'Version of the roster that is trusted; 0 where none is.'),
    stateFailing: gauge('state_failing', '1 where what was verified cannot be kept.'),
    items: gauge('items', 'Items by state: good, failing (with a last good content), missing (without any).', ['state']),
    generation: gauge('item_generation', 'Generation of an item that is delivered; 0 where there was no good one.', ['vault', 'item']),
    failing: gauge('item_failing', '1 where what the source has of an item is refused.', ['vault', 'item']),
    signed: gauge('item_signed_timestamp_seconds', 'When the generation that is delivered was signed.', ['vault', 'item']),
    verified: gauge('item_verified_timestamp_seconds', 'When the generation that is delivered was verified here.', ['vault', 'item']),
    checked: gauge('item_checked_timestamp_seconds', 'When the source last answered for an item.', ['vault', 'item']),
    expiration: gauge('credentials_expiration_timestamp_seconds', 'When credentials end.', ['vault', 'item', 'mode']),
    problems: gauge('problems', 'Deliveries, and what hands credentials out, that do not work now.', ['code']),
    lostLines: counter('log_lines_lost_total', 'Lines of the log that nobody took.', ['audit']),
  };
  const counted = {
    verifications: counter('item_verifications_total', 'Generations of items that were verified.', ['from']),
    itemFailures: counter('item_failures_total', 'Times that an item began to be refused.', ['code']),
    sourceFailures: counter('source_failures_total', 'Looks at the source that failed.', ['code']),
    rosterFailures: counter('roster_failures_total', 'Rosters that were refused.', ['code']),
    stateFailures: counter('state_failures_total', 'Times that keeping what was verified began to fail.', ['code']),
    deliveries: counter('deliveries_total', 'Deliveries that were made.', ['kind']),
    deliveryFailures: counter('delivery_failures_total', 'Deliveries that failed.', ['code']),
    commands: counter('commands_total', 'Commands after a change that ended.', ['result']),
    commandSeconds: counter('command_seconds_total', 'How long commands after a change ran that ended well.'),
    served: counter('credentials_served_total', 'Credentials that were handed out.', ['consumer', 'mode']),
    refused: counter('requests_refused_total', 'Requests that were refused.', ['reason']),
    requestFailures: counter('request_failures_total', 'Requests that met a fault of the agent.'),
    sessions: counter('sessions_opened_total', 'Sessions that were opened.'),
    sessionFailures: counter('session_failures_total', 'Sessions that could not be opened.', ['code']),
    reloads: counter('reloads_total', 'Times that the configuration was read again.', ['result']),
  };
  for (const result of ['ok', 'failed']) {
    counted.commands.inc({ result }, 0);
    counted.reloads.inc({ result }, 0);
  }
  const reasons = new Set<string>();
  const bounded = (reason: string): string => (reasons.has(reason) || reasons.size < MOST_VALUES ? (reasons.add(reason), reason) : 'other');

  const observe = (event: AgentEvent): void => {
    switch (event.type) {
      case 'item-verified': counted.verifications.inc({ from: event.from }); break;
      case 'item-failed': counted.itemFailures.inc({ code: event.error.code }); break;
      case 'source-failed': counted.sourceFailures.inc({ code: event.error.code }); break;
      case 'roster-failed': counted.rosterFailures.inc({ code: event.error.code }); break;
      case 'state-failed': counted.stateFailures.inc({ code: event.error.code }); break;
      case 'delivered': counted.deliveries.inc({ kind: event.kind }); break;
      case 'delivery-failed': counted.deliveryFailures.inc({ code: event.error.code }); break;
      case 'command-ended':
        counted.commands.inc({ result: 'ok' });
        counted.commandSeconds.inc(event.durationMs / 1000);
        break;
      case 'command-failed': counted.commands.inc({ result: 'failed' }); break;
      case 'credentials-served': counted.served.inc({ consumer: event.consumer, mode: event.mode }); break;
      case 'request-refused': counted.refused.inc({ reason: bounded(event.reason) }, 1 + (event.unreported ?? 0)); break;
      case 'request-failed': counted.requestFailures.inc(); break;
      case 'session-opened': counted.sessions.inc(); break;
      case 'session-failed': counted.sessionFailures.inc({ code: event.error.code }); break;
      case 'reloaded': counted.reloads.inc({ result: 'ok' }); break;
      case 'reload-failed': counted.reloads.inc({ result: 'failed' }); break;
      default: // Told by the status, or of no interest over time.
    }
  };

  /** What is gone from the configuration is gone from here. */
  const take = (status: AgentStatus): void => {
    now.started.set(seconds(status.started));
    now.ready.set(Number(status.ready));
    now.configured.set(seconds(status.configuration.loaded));
    now.configurationFailing.set(Number(status.configuration.error !== undefined));
    now.sourceUp.set(Number(status.source.answered !== null && status.source.error === undefined));
    now.sourceAnswered.set(seconds(status.source.answered));
    now.roster.set(status.roster.version ?? 0);
    now.stateFailing.set(Number(status.state.error !== undefined));
    const items = { good: 0, failing: 0, missing: 0 };
    for (const each of [now.generation, now.failing, now.signed, now.verified, now.checked, now.expiration, now.problems, now.lostLines]) each.reset();
    for (const { vault, item, generation, signed, verified, checked, error } of status.items) {
      items[generation === null ? 'missing' : error === undefined ? 'good' : 'failing']++;
      const labels = { vault, item };
      now.generation.set(labels, generation ?? 0);
      now.failing.set(labels, Number(error !== undefined));
      if (signed !== null) now.signed.set(labels, seconds(signed));
      if (verified !== null) now.verified.set(labels, seconds(verified));
      if (checked !== null) now.checked.set(labels, seconds(checked));
    }
    for (const [state, number] of Object.entries(items)) now.items.set({ state }, number);
    for (const { vault, item, mode, expiration } of status.credentials) if (expiration !== null) now.expiration.set({ vault, item, mode }, seconds(expiration));
    for (const { code } of status.problems) now.problems.inc({ code });
    now.lostLines.inc({ audit: 'true' }, status.log.lost_audit_lines);
    now.lostLines.inc({ audit: 'false' }, status.log.lost_lines - status.log.lost_audit_lines);
  };

  return {
    observe,
    async render(status) {
      if (status !== undefined) take(status);
      return await render();
    },
  };
}
