import { VaultError } from '../errors.ts';
import { countSignatures, parseRoster, rosterDigest, type Admin, type Roster, type SignedRoster } from './roster.ts';

/** What a reader knows for certain: one version of the roster, by its digest. */
export interface Pin {
  readonly version: number;
  readonly digest: string;
}

/** Fetches the bytes of version N; undefined where there is none. */
export type ReadRosterVersion = (version: number) => Promise<Uint8Array | undefined>;

/** The newest roster, and what a reader should pin from now on. */
export interface TrustedRoster {
  readonly roster: Roster;
  /** Digests of the versions that were walked, from the pinned one to the newest. */
  readonly digests: readonly [string, ...string[]];
  /** Those versions themselves. */
  readonly versions: readonly Roster[];
}

/** The pin for what was walked to. */
export function pinOf({ roster, digests }: Pick<TrustedRoster, 'roster' | 'digests'>): Pin {
  return { version: roster.version, digest: digests[digests.length - 1] ?? digests[0] };
}

/**
 * Walks from the pinned version to the newest (docs/format.md, "Order of verification", step 2).
 * Without a pin it begins at version 1 and trusts it: what a reader does once, on first use.
 * @throws VaultError roster-missing, roster-pin-mismatch, roster-broken, document-invalid
 */
export async function walkRoster(read: ReadRosterVersion, pin: Pin | undefined): Promise<TrustedRoster> {
  const start = pin?.version ?? 1;
  const bytes = await read(start);
  if (bytes === undefined) {
    throw rosterGone(start);
  }
  const first = parseVersion(bytes, start);
  let current = first.roster;
  if (pin === undefined) {
    // All of them, not a quorum: nobody can be put on a first roster by somebody else. So nobody with fewer rights can be on it.
    requireSignatures(first, current, current.admins.length);
  } else if (rosterDigest(current) !== pin.digest) {
    throw new VaultError('roster-pin-mismatch', `Version ${String(start)} of the roster is not the one that was pinned.`, {
      hint: 'Do not use this copy. Compare the fingerprint with an admin\'s "vault admin list"; a repository that was begun anew needs another directory. "vault trust show" says what is remembered; if an admin confirms the new one: "vault trust pin FINGERPRINT --replace".',
      details: { version: start, pinned: pin.digest, found: rosterDigest(current) },
    });
  }
  const digests: [string, ...string[]] = [rosterDigest(current)];
  const versions = [current];
  for (let version = start + 1; ; version++) {
    const next = await read(version);
    if (next === undefined) return { roster: current, digests, versions };
    current = step(current, next, version);
    digests.push(rosterDigest(current));
    versions.push(current);
  }
}

/**
 * Everyone who was an admin in some version of a walk and is not, with those keys, in the newest: what they signed is no longer
 * taken from them, but somebody who signs it anew may look at it. Walk from version 1 for all of them.
 */
export function formerAdmins({ roster, versions }: Pick<TrustedRoster, 'roster' | 'versions'>): Admin[] {
  const keysOf = ({ name, public_key, signing_key }: Admin): string => [name, public_key, signing_key].join('\n');
  const former = new Map(versions.flatMap(({ admins }) => admins).map((admin) => [keysOf(admin), admin]));
  for (const admin of roster.admins) former.delete(keysOf(admin));
  return [...former.values()];
}

/** One step of the walk: `bytes` must be the version after `previous`, signed by a quorum of `previous`. */
function step(previous: Roster, bytes: Uint8Array, version: number): Roster {
  const signed = parseVersion(bytes, version);
  if (signed.roster.previous !== rosterDigest(previous)) {
    throw broken(version, `it does not follow from version ${String(version - 1)}`);
  }
  requireSignatures(signed, previous, previous.quorum);
  return signed.roster;
}

function requireSignatures(signed: SignedRoster, judges: Roster, needed: number): void {
  const found = countSignatures(signed, judges);
  if (found < needed) {
    throw broken(signed.roster.version, `it has ${String(found)} good signatures of the ${String(needed)} that it needs`);
  }
}

/** The error where a version of the roster is not there that must be. */
export function rosterGone(version: number): VaultError {
  if (version === 1) {
    return new VaultError('roster-missing', 'There is no roster of admins here: its version 1 is missing.', {
      hint: 'In files: check out the whole repository, or restore trust/ from version control. In etcd: compare "prefix" with the one that other admins have; where a "vault migrate" to here was interrupted, run it again.',
    });
  }
  return new VaultError('roster-rollback', `Version ${String(version)} of the roster was trusted before and is gone.`, {
    hint: `The store was put back, or is incomplete. In files: check that the whole of trust/ is here (git status, git pull). In etcd: compare "prefix"; after a restore see docs/etcd.md, "Backup and restore". Compare with an admin\'s "vault admin list", which shows version ${String(version)} or a newer one, before trusting an older roster.`,
    details: { version },
  });
}

function parseVersion(bytes: Uint8Array, version: number): SignedRoster {
  const signed = parseRoster(bytes, `trust/${String(version)}.json`);
  const { roster } = signed;
  if (roster.version !== version) throw broken(version, `it says that it is version ${String(roster.version)}`);
  if (version === 1 && roster.previous !== null) throw broken(version, 'it refers to an earlier version');
  return signed;
}

function broken(version: number, why: string): VaultError {
  return new VaultError('roster-broken', `The roster's version ${String(version)} cannot be trusted: ${why}.`, {
    hint: `Do not use this copy. Check who last changed trust/${String(version)}.json (git log -- trust/), compare it with another copy of the repository, and ask an admin.`,
    details: { version },
  });
}
