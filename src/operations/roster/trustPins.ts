import { isVaultError, VaultError } from '../../errors.ts';
import { readPin, rememberPin, writePin, type RememberedPin } from '../../state/pins.ts';
import type { Store } from '../../stores/store.ts';
import { pinOf, walkRoster, type TrustedRoster } from '../../trust/walk.ts';
import type { Workspace } from '../workspace.ts';
import { walkFrom } from '../../trust/walkFrom.ts';

/** What is remembered of a repository, beside what is there. */
export interface TrustState {
  readonly location: string;
  readonly remembered: RememberedPin | undefined;
  /** The chain from version 1; undefined where it does not walk. */
  readonly here: TrustedRoster | undefined;
  /** Why the chain is not good, or is not the one that is remembered. */
  readonly problem: VaultError | undefined;
}

/** Looks, without trusting or remembering anything. */
export async function readTrust({ store, state }: Workspace): Promise<TrustState> {
  const remembered = await readPin(state, store.location);
  try {
    const here = await walkRoster((version) => store.readRoster(version), undefined);
    return { location: store.location, remembered, here, problem: await contradiction(store, remembered, here) };
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { location: store.location, remembered, here: undefined, problem: error };
  }
}

/**
 * Remembers the newest version of a chain that has a version with this fingerprint.
 * @param replace asked where something else is remembered, with what is wrong; throws to stop
 * @throws VaultError roster-pin-mismatch where no version has it, and roster-* where the chain is not good
 */
export async function pinTrust({ store, state }: Workspace, fingerprint: string, replace: (problem: VaultError) => Promise<void>): Promise<TrustState> {
  const walked = await walkRoster((version) => store.readRoster(version), undefined);
  if (!walked.digests.includes(fingerprint)) {
    throw new VaultError('roster-pin-mismatch', `No version of the roster of ${store.location} has the fingerprint ${JSON.stringify(fingerprint.slice(0, 60))}.`, {
      hint: 'Compare the fingerprint with an admin, who sees it with "vault admin list". See "vault trust show".', details: { pin: fingerprint, found: walked.digests },
    });
  }
  const pin: RememberedPin = { ...pinOf(walked), repository: walked.digests[0] };
  const remembered = await readPin(state, store.location);
  const problem = await contradiction(store, remembered, walked);
  if (problem === undefined) {
    await rememberPin(state, store.location, pin);
  } else {
    await replace(problem);
    await writePin(state, store.location, pin);
  }
  return { location: store.location, remembered: pin, here: walked, problem: undefined };
}

/** Why a good chain is no continuation of what is remembered; undefined where it is one. */
async function contradiction(store: Store, remembered: RememberedPin | undefined, here: TrustedRoster): Promise<VaultError | undefined> {
  if (remembered === undefined) return undefined;
  try {
    await walkFrom(store, remembered);
  } catch (error) {
    if (isVaultError(error)) return error;
    throw error;
  }
  if (here.digests[0] === remembered.repository) return undefined;
  return new VaultError('roster-pin-mismatch', `The repository that is remembered for ${store.location} is another: the first version of its roster is ${remembered.repository}, and the one here is ${here.digests[0]}.`, {
    hint: 'Do not use this copy. Compare both fingerprints with an admin.', details: { pinned: remembered.repository, found: here.digests[0] },
  });
}
