import type { Identity } from '../../sealing/identity.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import { signerOf, trustRoster, type Workspace } from '../workspace.ts';
import type { Session } from './changeItem.ts';
import { openInventory } from './inventory.ts';
import type { AudienceOptions } from './planAudience.ts';

/**
 * Begins a run of a command that changes items; what an earlier run was killed in is finished first, for this one may find nothing
 * more to do there.
 * @throws VaultError not-an-admin, roster-*: to a roster that was never used here nothing is sealed
 */
export async function openSession(workspace: Workspace, identity: Identity, options: AudienceOptions): Promise<Session> {
  const trust = await trustRoster(workspace, { firstUse: 'refuse' });
  const signer = signerOf(trust.roster, identity);
  await workspace.store.finishItems();
  return { workspace, trust, signer, inventory: openInventory(workspace.store), options, sealEntries: sealOnThreads };
}
