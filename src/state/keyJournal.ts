import * as z from 'zod';
import type { KeyJournal } from '../iam/accessKey.ts';
import type { UnfinishedKey } from '../iam/observe.ts';
import type { StateDirectory } from './stateDirectory.ts';

const entrySchema = z.discriminatedUnion('phase', [
  z.strictObject({ phase: z.literal('creating'), existing_keys: z.array(z.string()), from: z.iso.datetime(), until: z.iso.datetime() }),
  z.strictObject({ phase: z.literal('created'), key_id: z.string() }),
]);

/** Whose key: the account's twelve digits, not its profile, which may be pointed elsewhere tomorrow. */
export interface KeyOwner {
  readonly repository: string;
  readonly accountId: string;
  readonly user: string;
}

/** The write-ahead journal of one user's access key: one small file that exists while a key is being made. No secrets in it. */
export function openKeyJournal(state: StateDirectory, { repository, accountId, user }: KeyOwner): KeyJournal & { read(): Promise<UnfinishedKey | undefined> } {
  const name = ['journal', repository, accountId, user];
  return {
    async read() {
      const entry = await state.read(entrySchema, ...name);
      if (entry === undefined) return undefined;
      return entry.phase === 'created' ? { phase: 'created', keyId: entry.key_id }
        : { phase: 'creating', existingKeys: entry.existing_keys, from: new Date(entry.from), until: new Date(entry.until) };
    },
    write: (entry) => state.write(entry.phase === 'created' ? { phase: 'created', key_id: entry.keyId }
      : { phase: 'creating', existing_keys: entry.existingKeys, from: entry.from.toISOString(), until: entry.until.toISOString() }, ...name),
    clear: () => state.remove(...name),
  };
}
