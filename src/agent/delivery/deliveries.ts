import { join } from 'node:path';
import { isVaultError } from '../../errors.ts';
import { willBeInMemory } from '../../files/inMemory.ts';
import type { Component } from '../component.ts';
import { itemsOfDelivery, refText } from '../configuration/configuration.ts';
import type { DeliveryConfiguration } from '../configuration/schema.ts';
import type { ReportEvent } from '../events.ts';
import type { Follower } from '../following/follower.ts';
import { openDelivery, type Delivery } from './delivery.ts';
import { removeDelivered } from './fileTarget.ts';
import { openRecords, type Records } from './records.ts';
import { openTemplates } from './template.ts';

/** Name, in the runtime directory, of the records of what was delivered. */
const RECORDS = 'deliveries';

/** Writes what was verified to where programs look for it. */
export function openDeliveries(report: ReportEvent): Component {
  const deliveries = new Map<string, Delivery>();
  const templates = openTemplates();
  const warned = new Set<string>();
  let follower: Follower | undefined;
  let records: { readonly directory: string; readonly all: Records } | undefined;
  /** The roster that vouches for what was delivered. */
  let roster: string | undefined;
  let queue: Promise<void> = Promise.resolve();
  /** Paths that are to be delivered, and not begun. */
  const waiting = new Set<string>();

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = queue.then(work);
    queue = done.catch(() => undefined); // Told to whoever asked for it.
    return done;
  };

  /** Each once, however often it is asked for before its turn. */
  const deliver = (paths: Iterable<string>): Promise<void> => {
    for (const path of paths) waiting.add(path);
    return inTurn(async () => {
      for (const path of waiting) {
        waiting.delete(path);
        await deliveries.get(path)?.deliver();
      }
    });
  };

  const warn = (text: string): void => {
    if (!warned.has(text)) report({ type: 'warned', text });
    warned.add(text);
  };

  /** What this or an earlier process delivered and nobody asks for any more. */
  const removing = async (path: string, remove: () => Promise<void>): Promise<void> => {
    try {
      await remove();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      warn(`${path} is not configured any more and cannot be removed: ${error.message}`);
    }
  };

  const takeOn = async (configurations: readonly DeliveryConfiguration[], directory: string, isSameRoster: boolean): Promise<void> => {
    if (records?.directory !== directory) records = { directory, all: openRecords(directory, report) };
    const { all } = records;
    const found = new Map((await all.read()).map((record) => [record.path, record]));
    const wanted = new Map(configurations.map((each) => [each.path, each]));
    for (const [path, record] of found) {
      if (deliveries.has(path) || wanted.get(path)?.type === record.type) continue;
      await removing(path, async () => {
        await removeDelivered(record);
        await all.forget(path);
      });
    }
    for (const [path, delivery] of deliveries) {
      if (wanted.get(path)?.type === delivery.configuration.type) continue;
      deliveries.delete(path);
      await removing(path, delivery.remove);
    }
    for (const [path, configuration] of wanted) {
      const before = deliveries.get(path);
      // Under another roster a socket gives nothing before that vouches for it.
      if (isSameRoster && before !== undefined && JSON.stringify(before.configuration) === JSON.stringify(configuration)) continue;
      await before?.stop();
      deliveries.set(path, openDelivery(configuration, before?.owed ?? found.get(path)?.owed ?? false, {
        report, templates, records: all, contentOf: (ref) => follower?.state(ref)?.content, again: () => { void deliver([path]); },
      }));
    }
  };

  return {
    async apply(configuration, next) {
      await inTurn(async () => {
        follower = next;
        templates.forget();
        for (const delivery of configuration.deliveries) {
          const text = diskWarning(delivery);
          if (text !== undefined) warn(text);
        }
        const isSameRoster = roster === configuration.roster;
        ({ roster } = configuration);
        await takeOn(configuration.deliveries, join(configuration.runtime_directory, RECORDS), isSameRoster);
      });
      await deliver(deliveries.keys());
    },
    changed(contents) {
      const names = new Set(contents.map(refText));
      const touched = [...deliveries.values()].filter(({ configuration }) => itemsOfDelivery(configuration).some((ref) => names.has(refText(ref))));
      if (touched.length > 0) void deliver(touched.map(({ configuration }) => configuration.path));
    },
    problems: () => [...deliveries.values()].flatMap(({ problems }) => problems),
    async stop() {
      await queue;
      await Promise.all([...deliveries.values()].map((delivery) => delivery.stop()));
    },
    settled: () => queue,
  };
}

/** Where a delivery would be written in plaintext to a disk, which may keep it after the file is gone: a sentence. */
export function diskWarning({ type, path }: DeliveryConfiguration): string | undefined {
  if (type === 'socket' || willBeInMemory(path)) return undefined;
  return `${path} is not on a file system in memory: the disk keeps its content in plaintext, perhaps also after it is gone. Choose a place below /run.`;
}
