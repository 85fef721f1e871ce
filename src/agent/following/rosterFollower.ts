import { VaultError } from '../../errors.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import type { Roster } from '../../trust/roster.ts';
import { pinOf, type ReadRosterVersion } from '../../trust/walk.ts';
import { walkFrom, type PinOfRepository, type RosterPlace } from '../../trust/walkFrom.ts';
import type { ReportEvent } from '../events.ts';
import type { Memory } from './memory.ts';

/** The newest roster that was walked to. */
export interface TrustedNow {
  readonly roster: Roster;
  /** Digest of the roster's version 1. */
  readonly repository: string;
  readonly digest: string;
  /** As it was read: a place that still has these bytes, and no next version, has nothing new. */
  readonly bytes: Uint8Array;
}

export interface RosterFollower {
  /** Undefined until one was found. */
  readonly trusted: TrustedNow | undefined;
  /**
   * Walks on with what a place has, which must have the version that was walked to before. One call at a time.
   * @returns whether there is a newer roster than before
   * @throws VaultError roster-*, document-*, store-unreachable
   */
  advance(place: RosterPlace): Promise<boolean>;
  /** {@link advance} to what was trusted before this process began. @throws VaultError roster-*, document-* */
  recall(): Promise<void>;
}

/**
 * Step 2 of the order of verification, for a reader that never trusts on first use: the roster that the configuration pins must be one of the
 * versions, and a version that was walked to before is never left again.
 * @param pinned the fingerprint in the configuration
 * @param before what another follower of the same pin trusted
 */
export function followRoster(pinned: string, memory: Memory, report: ReportEvent, before?: TrustedNow): RosterFollower {
  let current = before;
  let queue: Promise<unknown> = Promise.resolve();

  const walk = async ({ location, readRoster }: RosterPlace, remembered: PinOfRepository | undefined): Promise<boolean> => {
    const read = new Map<number, Uint8Array>();
    const reading: ReadRosterVersion = async (version) => {
      const bytes = read.get(version) ?? await readRoster(version);
      if (bytes !== undefined) read.set(version, bytes);
      return bytes;
    };
    if (current !== undefined && await isUnchanged(reading, current)) return false;
    const walked = await walkFrom({ location, readRoster: reading }, remembered);
    if (remembered === undefined && !walked.digests.includes(pinned)) {
      throw new VaultError('roster-pin-mismatch', `No version of the roster in ${location} has the fingerprint ${pinned}, which the configuration pins.`, {
        hint: 'Compare it with an admin\'s "vault admin list": either the configuration is wrong, or this is not the repository that it is meant for.', details: { pinned, found: walked.digests },
      });
    }
    const pin = pinOf(walked);
    const bytes = read.get(pin.version) ?? new Uint8Array(); // It was read: the walk ended with it.
    if (pin.version === current?.roster.version) {
      current = { ...current, bytes }; // Another signature was added to it.
      return false;
    }
    current = { roster: walked.roster, repository: remembered?.repository ?? walked.digests[0], digest: pin.digest, bytes };
    await memory.keepRoster({ ...pin, repository: current.repository }, bytes);
    report({ type: 'roster-changed', version: pin.version, digest: pin.digest });
    return true;
  };
  const remembered = async (): Promise<PinOfRepository | undefined> =>
    (current === undefined ? (await memory.recallRoster())?.pin : { version: current.roster.version, digest: current.digest, repository: current.repository });

  return {
    get trusted() { return current; },
    advance(place) {
      const next = queue.then(async () => await walk(place, await remembered()));
      queue = next.catch(() => undefined);
      return next;
    },
    async recall() {
      const kept = current === undefined ? await memory.recallRoster() : undefined;
      if (kept === undefined) return;
      await walk({ location: 'the state directory', readRoster: (version) => Promise.resolve(version === kept.pin.version ? kept.bytes : undefined) }, kept.pin);
    },
  };
}

async function isUnchanged(read: ReadRosterVersion, { roster: { version }, bytes }: TrustedNow): Promise<boolean> {
  const there = await read(version);
  return there !== undefined && equalBytes(there, bytes) && await read(version + 1) === undefined;
}
