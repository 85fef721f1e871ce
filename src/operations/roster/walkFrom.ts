import { isVaultError, VaultError } from '../../errors.ts';
import type { RememberedPin } from '../../state/pins.ts';
import type { Store } from '../../stores/store.ts';
import { walkRoster, type TrustedRoster } from '../../trust/walk.ts';

/**
 * {@link walkRoster} from what is remembered. Where another roster stands in its place, finds out whether that is a fork: another
 * continuation of the same repository, signed as it must be.
 * @throws VaultError roster-*
 */
export async function walkFrom(store: Store, remembered: RememberedPin | undefined): Promise<TrustedRoster> {
  try {
    return await walkRoster((version) => store.readRoster(version), remembered);
  } catch (error) {
    if (remembered === undefined || !isVaultError(error, 'roster-pin-mismatch')) throw error;
    throw await forkOf(store, remembered) ?? error;
  }
}

/** The error where the chain that is here, from the same version 1, has another version in the place of the remembered one. */
async function forkOf(store: Store, remembered: RememberedPin): Promise<VaultError | undefined> {
  let walked: TrustedRoster;
  try {
    walked = await walkRoster((version) => store.readRoster(version), undefined);
  } catch (error) {
    if (isVaultError(error)) return undefined; // No good chain, so nothing that admins signed.
    throw error;
  }
  const found = walked.digests[remembered.version - 1];
  if (walked.digests[0] !== remembered.repository || found === undefined || found === remembered.digest) return undefined;
  return rosterFork(store.location, remembered, found);
}

function rosterFork(location: string, { version, digest }: RememberedPin, found: string): VaultError {
  return new VaultError('roster-fork', `There are two rosters of version ${String(version)}, each signed by a quorum of admins: ${digest} was trusted here, ${found} is in ${location}.`, {
    hint: `Do not use this copy. Check with the admins, face to face, which of the two is right, who signed the other and why (git log -- trust/${String(version)}.json, in every copy). Whoever signed both may have lost a key. Restore the right file; if that is the one that is here: "vault trust pin FINGERPRINT --replace".`,
    details: { version, pinned: digest, found },
  });
}
