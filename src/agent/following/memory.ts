import { isVaultError, type VaultError } from '../../errors.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { readSeenGeneration, rememberGeneration } from '../../state/generations.ts';
import { readPin, rememberPin, type RememberedPin } from '../../state/pins.ts';
import type { StateDirectory } from '../../state/stateDirectory.ts';
import type { Store } from '../../stores/store.ts';
import type { ReportEvent } from '../events.ts';

/**
 * What the agent knows for certain, beyond the source: the newest roster and the highest generations that it saw, and the sealed documents that it
 * last verified. All of it is kept in the state directory, so that a start needs no source. The roster and the generations are kept a second time in
 * the runtime directory, which outlives the process and not the machine: a state directory that was lost or put back is noticed by it.
 */
export interface Memory {
  readonly cache: Pick<Store, 'readItem' | 'readRoster'>;
  pin(): Promise<RememberedPin | undefined>;
  seen(repository: string, ref: ItemRef): Promise<number>;
  /** Keeps versions of the roster, and remembers the newest as trusted. Never fails: what cannot be kept is reported, and known until the process ends. */
  keepRoster(pin: RememberedPin, versions: ReadonlyMap<number, Uint8Array>): Promise<void>;
  /** Keeps an item that was verified, then remembers its generation: the other way round, a start without a source would find it rolled back. Never fails. */
  keepItem(repository: string, ref: ItemRef, documents: ItemDocuments, generation: number): Promise<void>;
  /** Why nothing can be kept; undefined while all is well. */
  readonly problem: VaultError | undefined;
}

export interface MemoryOptions {
  /** The roster that the configuration pins: what is remembered is remembered under it. */
  readonly roster: string;
  readonly state: StateDirectory;
  /** The second place, in the runtime directory. */
  readonly witness: StateDirectory;
  /** A file store in the state directory. */
  readonly cache: Store;
  readonly report: ReportEvent;
}

export function openMemory({ roster, state, witness, cache, report }: MemoryOptions): Memory {
  const key = `agent ${roster}`;
  let known: RememberedPin | undefined;
  const generations = new Map<string, number>();
  let problem: VaultError | undefined;
  let warned = false;

  const keyOf = (repository: string, { vault, item }: ItemRef): string => `${repository}/${vault}/${item}`;

  /** What the second place knows and the first does not: told once. */
  const warnOfLoss = (what: string): void => {
    if (warned) return;
    warned = true;
    report({ type: 'warned', text: `The state directory ${state.path} was lost or put back to an older state: ${what}. What was seen since this machine started still counts.` });
  };

  const keeping = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      if (problem !== undefined) report({ type: 'state-recovered' });
      problem = undefined;
    } catch (error) {
      if (!isVaultError(error)) throw error;
      if (problem?.code !== error.code) report({ type: 'state-failed', error });
      problem = error;
    }
  };

  const storeItem = async (ref: ItemRef, documents: ItemDocuments, generation: number, expected: number): Promise<void> => {
    try {
      await cache.writeItem(ref, documents, expected);
    } catch (error) {
      // Another process of this machine keeps the same items.
      const found = isVaultError(error, 'store-conflict') ? error.details['found'] : undefined;
      if (typeof found !== 'number' || found === expected) throw error;
      if (found < generation || expected === 0) await storeItem(ref, documents, generation, found);
    }
  };

  return {
    cache,
    get problem() { return problem; },
    async pin() {
      const [kept, second] = await Promise.all([readPin(state, key), readPin(witness, key).catch(unreadable)]);
      const newest = [known, kept, second].reduce((a, b) => ((b?.version ?? 0) > (a?.version ?? 0) ? b : a), undefined);
      if (known === undefined && second !== undefined && second.version > (kept?.version ?? 0)) warnOfLoss(`version ${String(second.version)} of the roster was trusted already`);
      return newest;
    },
    async seen(repository, ref) {
      const [kept, second] = await Promise.all([readSeenGeneration(state, repository, ref), readSeenGeneration(witness, repository, ref).catch(unreadable)]);
      const inMemory = generations.get(keyOf(repository, ref));
      if (inMemory === undefined && second !== undefined && second > kept) warnOfLoss(`generation ${String(second)} of ${ref.vault}/${ref.item} was seen already`);
      return Math.max(inMemory ?? 0, kept, second ?? 0);
    },
    async keepRoster(pin, versions) {
      known = pin;
      await keeping(async () => {
        for (const [version, bytes] of versions) {
          if (await cache.readRoster(version) === undefined) await cache.writeRoster(version, bytes).catch(alreadyKept);
        }
        await rememberPin(state, key, pin);
      });
      await rememberPin(witness, key, pin).catch(unreadable);
    },
    async keepItem(repository, ref, documents, generation) {
      generations.set(keyOf(repository, ref), generation);
      await keeping(async () => {
        await storeItem(ref, documents, generation, generation - 1);
        await rememberGeneration(state, repository, ref, generation);
      });
      await rememberGeneration(witness, repository, ref, generation).catch(unreadable);
    },
  };
}

/** The second place is a help where it is there. */
function unreadable(error: unknown): undefined {
  if (!isVaultError(error)) throw error;
  return undefined;
}

/** Another process of this machine, with the same state directory, was quicker. */
function alreadyKept(error: unknown): void {
  if (!isVaultError(error, 'store-conflict')) throw error;
}
