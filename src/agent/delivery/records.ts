import * as z from 'zod/mini';
import { isVaultError } from '../../errors.ts';
import { digestOf } from '../../sealing/encoding.ts';
import { openStateDirectory } from '../../state/stateDirectory.ts';
import type { DeliveryConfiguration } from '../configuration/schema.ts';
import type { ReportEvent } from '../events.ts';

/** What lies at a path because the agent put it there. */
export interface DeliveryRecord {
  readonly type: DeliveryConfiguration['type'];
  readonly path: string;
  /** Its command has not ended well since it last changed. */
  readonly owed: boolean;
}

const recordSchema = z.strictObject({ type: z.enum(['file', 'directory', 'socket']), path: z.string(), owed: z.boolean() });

/**
 * What was delivered, kept in the runtime directory, so that the next start runs a command that a killed agent owed, and removes what is not configured
 * any more. Written before what it tells of. It is a help: where it cannot be written, deliveries go on, and that is reported once.
 */
export interface Records {
  /** Those that are there, also of an earlier process. */
  read(): Promise<readonly DeliveryRecord[]>;
  keep(record: DeliveryRecord): Promise<void>;
  forget(path: string): Promise<void>;
}

/** @param directory where they are; made when it is needed */
export function openRecords(directory: string, report: ReportEvent): Records {
  const state = openStateDirectory(directory);
  const known = new Map<string, string>();
  let queue: Promise<unknown> = Promise.resolve();
  let warned = false;
  const nameOf = (path: string): string => digestOf(new TextEncoder().encode(path));

  /** One after the other: of two that are kept of one path, the later one stays. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T | undefined> => {
    const done = queue.then(work).catch((error: unknown) => {
      if (!isVaultError(error)) throw error;
      if (!warned) report({ type: 'warned', text: `What was delivered is not on record, so that a start after a crash may leave out a command: ${error.message}` });
      warned = true;
      return undefined;
    });
    queue = done;
    return done;
  };

  return {
    async read() {
      const records: DeliveryRecord[] = [];
      for (const file of await inTurn(() => state.list()) ?? []) {
        const name = file.replace(/\.json$/, '');
        const record = await inTurn(() => state.read(recordSchema, name));
        if (record === undefined || nameOf(record.path) !== name) continue; // Under another name it is not of our making.
        known.set(record.path, JSON.stringify(record));
        records.push(record);
      }
      return records;
    },
    async keep({ type, path, owed }) {
      await inTurn(async () => {
        const text = JSON.stringify({ type, path, owed });
        if (known.get(path) === text) return;
        await state.write({ type, path, owed }, nameOf(path));
        known.set(path, text);
      });
    },
    async forget(path) {
      await inTurn(async () => {
        await state.remove(nameOf(path));
        known.delete(path);
      });
    },
  };
}
