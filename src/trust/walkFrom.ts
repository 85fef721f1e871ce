import { isVaultError, VaultError } from '../errors.ts';
import { walkRoster, type Pin, type ReadRosterVersion, type TrustedRoster } from './walk.ts';

/** Where rosters are read. */
export interface RosterPlace {
  /** For messages. */
  readonly location: string;
  readonly readRoster: ReadRosterVersion;
}

/** A roster that was trusted before, and the digest of version 1 of its chain. */
export interface PinOfRepository extends Pin {
  readonly repository: string;
}

/**
 * {@link walkRoster} from what is remembered. Where another roster stands in its place, finds out whether that is a fork: another
 * continuation of the same repository, signed as it must be.
 * @throws VaultError roster-*
 */
export async function walkFrom(place: RosterPlace, remembered: PinOfRepository | undefined): Promise<TrustedRoster> {
  try {
    return await walkRoster((version) => place.readRoster(version), remembered);
  } catch (error) {
    if (remembered === undefined || !isVaultError(error, 'roster-pin-mismatch')) throw error;
    throw await forkOf(place, remembered) ?? error;
  }
}

/** The error where the chain that is here, from the same version 1, has another version in the place of the remembered one. */
async function forkOf(place: RosterPlace, remembered: PinOfRepository): Promise<VaultError | undefined> {
  let walked: TrustedRoster;
  try {
    walked = await walkRoster((version) => place.readRoster(version), undefined);
  } catch (error) {
    if (isVaultError(error) && error.code !== 'store-unreachable') return undefined; // No good chain, so nothing that admins signed.
    throw error;
  }
  const found = walked.digests[remembered.version - 1];
  if (walked.digests[0] !== remembered.repository || found === undefined || found === remembered.digest) return undefined;
  return rosterFork(place.location, remembered, found);
}

function rosterFork(location: string, { version, digest }: Pin, found: string): VaultError {
  return new VaultError('roster-fork', `There are two rosters of version ${String(version)}, each signed by a quorum of admins: ${digest} was trusted here, ${found} is in ${location}.`, {
    hint: `Do not use this copy. Check with the admins, face to face, which of the two is right, who signed the other and why (git log -- trust/${String(version)}.json, in every copy). Whoever signed both may have lost a key. Restore the right file; if that is the one that is here: "vault trust pin FINGERPRINT --replace".`,
    details: { version, pinned: digest, found },
  });
}
