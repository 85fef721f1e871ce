import { isVaultError, VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { ComponentProblem } from '../component.ts';
import { itemsOfDelivery, refText } from '../configuration/configuration.ts';
import type { ChangeCommand, DeliveryConfiguration } from '../configuration/schema.ts';
import type { ReportEvent } from '../events.ts';
import { openBackoff } from '../following/backoff.ts';
import type { ItemContent } from '../following/itemFollower.ts';
import { renderFrom } from './content.ts';
import { directoryTarget, fileTarget } from './fileTarget.ts';
import { openReaction } from './reaction.ts';
import type { Records } from './records.ts';
import { socketTarget } from './socketTarget.ts';
import type { Target } from './target.ts';
import type { Templates } from './template.ts';

const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 60_000;

export interface DeliveryTools {
  readonly report: ReportEvent;
  readonly templates: Templates;
  readonly records: Records;
  /** What is to be delivered now; undefined until there was a good one. */
  readonly contentOf: (ref: ItemRef) => ItemContent | undefined;
  /** Has {@link Delivery.deliver} called, in its turn. */
  readonly again: () => void;
}

/** One delivery of the configuration. One of its methods at a time. */
export interface Delivery {
  readonly configuration: DeliveryConfiguration;
  readonly problems: readonly ComponentProblem[];
  /** Whether its command has not ended well since the last change. */
  readonly owed: boolean;
  /** Delivers what is there now; nothing happens where that is in place, or an item has no content yet. Failures are reported, and what was delivered stays. */
  deliver(): Promise<void>;
  /** Takes away what was delivered. */
  remove(): Promise<void>;
  /** Ends; files stay. */
  stop(): Promise<void>;
}

/** @param owed whether its command is to be run, whatever changes */
export function openDelivery(configuration: DeliveryConfiguration, owed: boolean, { report, templates, records, contentOf, again }: DeliveryTools): Delivery {
  const { path, type } = configuration;
  const items = itemsOfDelivery(configuration);
  const target = targetOf(configuration, report);
  const backoff = openBackoff(FIRST_RETRY_MS, MOST_RETRY_MS);
  let problem: VaultError | undefined;
  let timer: NodeJS.Timeout | undefined;

  const settle = (): Promise<void> => records.keep({ type, path, owed: false });
  const command = commandOf(configuration);
  const reaction = command === undefined ? undefined : openReaction(command, path, report, settle);
  let isOwed = owed;

  const failed = (error: VaultError, retry: boolean): void => {
    problem = error;
    const retryMs = retry ? backoff.next() : undefined;
    report({ type: 'delivery-failed', target: path, error, retryMs });
    if (retryMs !== undefined) timer = setTimeout(again, retryMs);
  };

  /** @returns whether something changed */
  const put = async (contents: ReadonlyMap<string, ItemContent>): Promise<boolean> => {
    const versions = [...contents.values()].map(({ vault, item, generation }) => ({ vault, item, generation }));
    const prepared = await target.prepare(renderFrom(contents, templates), versions);
    if (await prepared.isInPlace()) {
      await records.keep({ type, path, owed: reaction !== undefined && (isOwed || reaction.isOwed) });
      return false;
    }
    reaction?.expect();
    await records.keep({ type, path, owed: reaction !== undefined });
    await prepared.put();
    if (type !== 'socket') report({ type: 'delivered', kind: type, target: path, items: versions });
    return true;
  };

  return {
    configuration,
    get problems() {
      return [problem, reaction?.problem].filter((each) => each !== undefined).map(({ code, message }) => ({ subject: path, code, message }));
    },
    get owed() { return isOwed || reaction?.isOwed === true; },
    async deliver() {
      clearTimeout(timer);
      const contents = new Map<string, ItemContent>();
      for (const ref of items) {
        const content = contentOf(ref);
        if (content === undefined) return;
        contents.set(refText(ref), content);
      }
      try {
        const changed = await put(contents);
        problem = undefined;
        backoff.reset();
        if (changed || isOwed) reaction?.trigger();
        isOwed = false;
      } catch (error) {
        reaction?.forget();
        // What was rendered would be the same again; a place may be better the next time.
        if (isVaultError(error, 'template-invalid', 'field-not-found', 'field-format')) failed(error, false);
        else failed(asDeliveryFailed(path, error), true);
      }
    },
    async remove() {
      clearTimeout(timer);
      await reaction?.stop();
      await target.remove();
      await records.forget(path);
    },
    async stop() {
      clearTimeout(timer);
      await Promise.all([reaction?.stop(), target.close()]);
    },
  };
}

function targetOf(configuration: DeliveryConfiguration, report: ReportEvent): Target {
  switch (configuration.type) {
    case 'file': return fileTarget(configuration);
    case 'directory': return directoryTarget(configuration);
    case 'socket': return socketTarget(configuration, report);
  }
}

function commandOf(configuration: DeliveryConfiguration): ChangeCommand | undefined {
  return configuration.type === 'socket' ? undefined : configuration.on_change;
}

function asDeliveryFailed(path: string, error: unknown): VaultError {
  if (!isVaultError(error)) return new VaultError('internal', `${path} cannot be delivered: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  return new VaultError('delivery-failed', `${path} is not what it should be; what was delivered before stays. ${error.message}`, { cause: error, hint: error.hint, details: error.details });
}
