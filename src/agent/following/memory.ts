import { isVaultError, VaultError } from '../../errors.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { RememberedPin } from '../../state/pins.ts';
import type { StateDirectory } from '../../state/stateDirectory.ts';
import type { ReportEvent } from '../events.ts';
import { openPlace, type KeptItem, type KeptRoster } from './place.ts';

/**
 * What the agent knows for certain, beyond the source: the newest roster and, for each item, the sealed documents that it last verified and their
 * generation. All of it is kept in the state directory, so that a start needs no source. The versions and the generations are kept a second time in
 * the runtime directory, which outlives the process and not the machine: a state directory that was lost or put back is noticed by it. It is in
 * memory, so what is new goes there first, with its documents, and may then be handed on: a process that is killed finds it there. The state directory
 * follows, and then the documents leave the runtime directory; where it cannot be written, they stay.
 */
export interface Memory {
  /** What was kept of an item; undefined for nothing. Never fails: what cannot be read is reported, and is as good as lost. */
  recallItem(repository: string, ref: ItemRef): Promise<ItemDocuments | undefined>;
  /** The highest generation that was seen; 0 for none. Never fails. */
  seen(repository: string, ref: ItemRef): Promise<number>;
  /**
   * Keeps an item that was verified, so that it outlives the process; {@link settled} waits until it outlives the machine. Never fails: what cannot be kept
   * is reported, and known until the process ends.
   */
  keepItem(repository: string, ref: ItemRef, documents: ItemDocuments, generation: number): Promise<void>;
  settled(): Promise<void>;
  /** False where the last {@link keepItem} of it failed, or what was kept is damaged: it should be given again. */
  isKept(repository: string, ref: ItemRef): boolean;
  /** The newest roster that was trusted. Never fails. */
  recallRoster(): Promise<KeptRoster | undefined>;
  /** Never fails. */
  keepRoster(pin: RememberedPin, bytes: Uint8Array): Promise<void>;
  /** Tries once more to keep the roster, where that failed. */
  retryRoster(): Promise<void>;
  /** Why not all is kept; undefined while all is well. */
  readonly problem: VaultError | undefined;
}

export interface MemoryOptions {
  /** The roster that the configuration pins: what is remembered is remembered under it. */
  readonly roster: string;
  readonly state: StateDirectory;
  /** The second place, in the runtime directory. */
  readonly witness: StateDirectory;
  readonly report: ReportEvent;
}

/** Documents that wait for a slow disk, which may be large. */
const MOST_WAITING = 8;

export function openMemory({ roster: pinned, state, witness, report }: MemoryOptions): Memory {
  const main = openPlace(state, pinned);
  const second = openPlace(witness, pinned);
  const generations = new Map<string, number>();
  /** Items that the state directory does not have as they are. */
  const unkept = new Set<string>();
  let roster: KeptRoster | undefined;
  let isRosterKept = true;
  let problem: VaultError | undefined;
  let warned = false;
  /** What is yet to be written to the state directory, one after the other. */
  let storing: Promise<void> = Promise.resolve();
  let waiting = 0;

  const keyOf = (repository: string, { vault, item }: ItemRef): string => `${repository}/${vault}/${item}`;

  const failed = (error: unknown): void => {
    const next = isVaultError(error) ? error : new VaultError('internal', `The state directory ${state.path} cannot be used: ${error instanceof Error ? error.name : typeof error}.`, { cause: error });
    if (problem?.code !== next.code) report({ type: 'state-failed', error: next });
    problem = next;
  };
  const succeeded = (): void => {
    if (problem === undefined || unkept.size > 0 || !isRosterKept) return;
    problem = undefined;
    report({ type: 'state-recovered' });
  };
  /** @returns whether it could be done */
  const keeping = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      failed(error);
      return false;
    }
  };

  /** What the second place knows and the first does not: told once. */
  const warnOfLoss = (what: string): void => {
    if (warned) return;
    warned = true;
    report({ type: 'warned', text: `The state directory ${state.path} knows less than was seen since this machine started: it was lost, or put back to an older state. ${what}. What was seen still counts.` });
  };

  const load = async (repository: string, ref: ItemRef): Promise<KeptItem | undefined> => {
    const key = keyOf(repository, ref);
    let kept: KeptItem | undefined;
    if (!await keeping(async () => { kept = await main.readItem(repository, ref); })) unkept.add(key);
    const other = await second.readItem(repository, ref).catch(unreadable);
    const isBehind = other !== undefined && other.generation > (kept?.generation ?? 0);
    // With its documents it is what a process that was killed, or had a bad disk, did not get to write.
    if (isBehind && other.documents !== undefined) unkept.add(key);
    else if (isBehind && !generations.has(key)) warnOfLoss(`Generation ${String(other.generation)} of ${ref.vault}/${ref.item} was seen already`);
    const generation = Math.max(generations.get(key) ?? 0, kept?.generation ?? 0, other?.generation ?? 0);
    if (generation > 0) generations.set(key, generation);
    return isBehind && other.documents !== undefined ? other : kept;
  };

  const storeRoster = async (kept: KeptRoster): Promise<void> => {
    isRosterKept = await keeping(() => main.writeRoster(kept));
    if (isRosterKept) succeeded();
    await second.writeRoster(isRosterKept ? { pin: kept.pin, bytes: undefined } : kept).catch(unreadable);
  };

  return {
    get problem() { return problem; },
    isKept: (repository, ref) => !unkept.has(keyOf(repository, ref)),
    recallItem: async (repository, ref) => (await load(repository, ref))?.documents,
    async seen(repository, ref) {
      const key = keyOf(repository, ref);
      if (!generations.has(key)) await load(repository, ref);
      return generations.get(key) ?? 0;
    },
    async keepItem(repository, ref, documents, generation) {
      const key = keyOf(repository, ref);
      generations.set(key, Math.max(generation, generations.get(key) ?? 0));
      const isSafe = await second.writeItem(repository, ref, { generation, documents }).then(() => true, unreadable);
      waiting++;
      storing = storing.then(async () => {
        if (await keeping(() => main.writeItem(repository, ref, { generation, documents }))) {
          unkept.delete(key);
          succeeded();
          await second.writeItem(repository, ref, { generation, documents: undefined }).catch(unreadable);
        } else {
          unkept.add(key);
        }
        waiting--;
      });
      if (isSafe !== true || waiting >= MOST_WAITING) await storing;
    },
    settled: () => storing,
    async recallRoster() {
      let kept: KeptRoster | undefined;
      isRosterKept = await keeping(async () => { kept = await main.readRoster(); });
      const other = await second.readRoster().catch(unreadable);
      const isBehind = other !== undefined && other.pin.version > (kept?.pin.version ?? 0);
      if (isBehind && other.bytes === undefined && roster === undefined) warnOfLoss(`Version ${String(other.pin.version)} of the roster was trusted already`);
      const newest = isBehind ? other : kept;
      return (roster?.pin.version ?? 0) > (newest?.pin.version ?? 0) ? roster : newest;
    },
    async keepRoster(pin, bytes) {
      roster = { pin, bytes };
      await storeRoster(roster);
    },
    async retryRoster() {
      if (!isRosterKept && roster !== undefined) await storeRoster(roster);
    },
  };
}

/** The second place is a help where it is there, whatever is wrong with it. */
function unreadable(): undefined {
  return undefined;
}
