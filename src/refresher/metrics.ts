import { openRegistry } from '../agent/observing/registry.ts';
import type { RefresherEvent } from './events.ts';
import type { RefresherStatus } from './refresher.ts';

/** What Prometheus reads: docs/refresher.md lists it. */
export interface RefresherMetrics {
  observe(event: RefresherEvent): void;
  /** In the text format, version 0.0.4. */
  render(status: RefresherStatus | undefined): Promise<string>;
}

export async function openRefresherMetrics(version: string): Promise<RefresherMetrics> {
  const { counter, gauge, render } = await openRegistry('refresher', version);
  const now = {
    elected: gauge('elected', '1 where this one is elected.'),
    storeUp: gauge('store_up', '1 where etcd is followed.'),
    loaded: gauge('loaded', '1 where it is elected and has read everything.'),
    checked: gauge('checked', '1 where it has looked at every item since it was elected.'),
    nodes: gauge('nodes', 'Nodes of the inventory.', ['admitted']),
    items: gauge('items', 'Items and audiences.'),
    failing: gauge('items_failing', 'Items that could not be refreshed.'),
    held: gauge('retirements_held', 'Nodes that would lose something and keep it, for they are more than the policy lets go at once.'),
  };
  const counted = {
    written: counter('items_written_total', 'Generations of items that were written.', ['action']),
    itemFailures: counter('item_failures_total', 'Times that an item began to fail.', ['code']),
    storeFailures: counter('store_failures_total', 'Times that etcd could not be reached or read.', ['code']),
    admitted: counter('nodes_admitted_total', 'Requests to join that were admitted.'),
    refused: counter('nodes_refused_total', 'Requests to join that were refused.', ['why']),
    retired: counter('nodes_retired_total', 'Nodes that lost something that they could open.'),
    removed: counter('nodes_removed_total', 'Nodes that were removed from the inventory for being silent.'),
    elections: counter('elections_total', 'Times that this one was elected.'),
    reloads: counter('reloads_total', 'Times that the policy was read again.', ['result']),
  };

  const observe = (event: RefresherEvent): void => {
    switch (event.type) {
      case 'item-written': counted.written.inc({ action: event.action }); break;
      case 'item-failed': counted.itemFailures.inc({ code: event.error.code }); break;
      case 'store-failed': case 'roster-failed': counted.storeFailures.inc({ code: event.error.code }); break;
      case 'node-admitted': counted.admitted.inc(); break;
      case 'node-refused': counted.refused.inc({ why: event.why }); break;
      case 'node-retired': counted.retired.inc(); break;
      case 'node-removed': counted.removed.inc(); break;
      case 'elected': counted.elections.inc(); break;
      case 'reloaded': counted.reloads.inc({ result: 'ok' }); break;
      case 'reload-failed': counted.reloads.inc({ result: 'failed' }); break;
      default: // Told by the status, or of no interest over time.
    }
  };

  return {
    observe,
    async render(status) {
      const term = status?.term;
      now.elected.set(Number(term !== undefined));
      now.storeUp.set(Number(status !== undefined && (status.problem ?? term?.problem) === undefined));
      now.loaded.set(Number(term?.isLoaded ?? false));
      now.checked.set(Number(term?.isChecked ?? false));
      now.nodes.set({ admitted: 'true' }, term?.admitted ?? 0);
      now.nodes.set({ admitted: 'false' }, (term?.nodes ?? 0) - (term?.admitted ?? 0));
      now.items.set(term?.items ?? 0);
      now.failing.set(term?.failing ?? 0);
      now.held.set(term?.held ?? 0);
      return await render();
    },
  };
}
