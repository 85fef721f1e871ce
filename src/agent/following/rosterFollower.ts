import { VaultError } from '../../errors.ts';
import { rosterDigest, type Roster } from '../../trust/roster.ts';
import { pinOf, walkRoster, type ReadRosterVersion, type TrustedRoster } from '../../trust/walk.ts';
import type { ReportEvent } from '../events.ts';
import type { Memory } from './memory.ts';

/** The newest roster that was walked to. */
export interface TrustedNow {
  readonly roster: Roster;
  /** Digest of the roster's version 1. */
  readonly repository: string;
}

export interface RosterFollower {
  /** Undefined until one was found. */
  readonly trusted: TrustedNow | undefined;
  /** Walks on with what `read` gives. @returns whether there is a newer roster than before @throws VaultError roster-*, store-unreachable */
  advance(read: ReadRosterVersion): Promise<boolean>;
}

/**
 * Step 2 of the order of verification, for a reader that never trusts on first use: the roster that the configuration pins must be one of the
 * versions, and a version that was walked to before is never left again.
 * @param pinned the fingerprint in the configuration
 */
export function followRoster(pinned: string, memory: Memory, report: ReportEvent): RosterFollower {
  let current: (TrustedNow & { readonly bytes: Uint8Array }) | undefined;

  const begin = async (read: ReadRosterVersion): Promise<{ walked: TrustedRoster; repository: string }> => {
    const remembered = await memory.pin();
    const walked = await walkRoster(read, remembered);
    if (remembered === undefined && !walked.digests.includes(pinned)) {
      throw new VaultError('roster-pin-mismatch', `No version of the roster has the fingerprint ${pinned}, which the configuration pins.`, {
        hint: 'Compare it with an admin\'s "vault admin list": either the configuration is wrong, or this is not the repository that it is meant for.', details: { pinned, found: walked.digests },
      });
    }
    return { walked, repository: remembered?.repository ?? walked.digests[0] };
  };

  const goOn = async ({ roster, repository, bytes }: NonNullable<typeof current>, next: Uint8Array, read: ReadRosterVersion): Promise<{ walked: TrustedRoster; repository: string }> => {
    const known = new Map([[roster.version, bytes], [roster.version + 1, next]]);
    const walked = await walkRoster(async (version) => known.get(version) ?? await read(version), { version: roster.version, digest: rosterDigest(roster) });
    return { walked, repository };
  };

  return {
    get trusted() { return current; },
    async advance(read) {
      const versions = new Map<number, Uint8Array>();
      const reading: ReadRosterVersion = async (version) => {
        const bytes = await read(version);
        if (bytes !== undefined) versions.set(version, bytes);
        return bytes;
      };
      const next = current === undefined ? undefined : await reading(current.roster.version + 1);
      if (current !== undefined && next === undefined) return false;
      const { walked, repository } = current === undefined || next === undefined ? await begin(reading) : await goOn(current, next, reading);
      const pin = pinOf(walked);
      current = { roster: walked.roster, repository, bytes: versions.get(pin.version) ?? new Uint8Array() };
      await memory.keepRoster({ ...pin, repository }, versions);
      report({ type: 'roster-changed', version: pin.version, digest: pin.digest });
      return true;
    },
  };
}
