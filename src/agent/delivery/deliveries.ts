import { isVaultError, VaultError } from '../../errors.ts';
import { replaceFile } from '../../files/write.ts';
import type { Json } from '../../json/canonical.ts';
import type { Component, ComponentProblem } from '../component.ts';
import { itemsOf, refText, type AgentConfiguration } from '../configuration/configuration.ts';
import type { DeliveryConfiguration, FileDelivery } from '../configuration/schema.ts';
import type { ReportEvent } from '../events.ts';
import type { Follower } from '../following/follower.ts';
import type { ItemContent } from '../following/itemFollower.ts';

/** Writes what was verified to where programs look for it. */
export function openDeliveries(report: ReportEvent): Component {
  let deliveries: AgentConfiguration['deliveries'] = [];
  let follower: Follower | undefined;
  let queue: Promise<void> = Promise.resolve();
  const problems = new Map<string, ComponentProblem>();

  const deliver = async (delivery: DeliveryConfiguration): Promise<void> => {
    if (delivery.type !== 'file' || follower === undefined) return;
    const contents = itemsOf(delivery).map((ref) => follower?.state(ref)?.content);
    if (!contents.every((each) => each !== undefined)) return;
    try {
      await replaceFile(delivery.path, new TextEncoder().encode(`${JSON.stringify(valueOf(delivery, contents))}\n`), { mode: delivery.mode });
      problems.delete(delivery.path);
      report({ type: 'delivered', kind: 'file', target: delivery.path, items: contents.map(({ vault, item, generation }) => ({ vault, item, generation })) });
    } catch (error) {
      const problem = isVaultError(error) ? error : new VaultError('internal', String(error), { cause: error });
      problems.set(delivery.path, { subject: delivery.path, code: problem.code, message: problem.message });
      report({ type: 'delivery-failed', target: delivery.path, error: problem, retryMs: undefined });
    }
  };
  const deliverAll = (chosen: readonly DeliveryConfiguration[]): Promise<void> => {
    queue = queue.then(async () => { for (const each of chosen) await deliver(each); });
    return queue;
  };

  return {
    async apply(configuration, next) {
      deliveries = configuration.deliveries;
      follower = next;
      await deliverAll(deliveries);
    },
    changed(contents) {
      const names = new Set(contents.map(refText));
      void deliverAll(deliveries.filter((each) => each.type === 'file' && itemsOf(each).some((ref) => names.has(refText(ref)))));
    },
    settled: () => queue,
    problems: () => [...problems.values()],
    stop: () => queue,
  };
}

function valueOf({ field }: FileDelivery, [content]: readonly ItemContent[]): Json {
  return (field === undefined ? content?.fields : content?.fields[field]) ?? null;
}
