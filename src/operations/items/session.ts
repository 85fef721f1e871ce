import type { Identity } from '../../sealing/identity.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import { signerOf, trustRoster, type Workspace } from '../workspace.ts';
import type { Session } from './changeItem.ts';
import { openInventory } from './inventory.ts';
import type { AudienceOptions } from './planAudience.ts';

/**
 * Begins a run of a command that changes items.
 * @throws VaultError not-an-admin, roster-*: to a roster that was never used here nothing is sealed
 */
export async function openSession(workspace: Workspace, identity: Identity, options: AudienceOptions): Promise<Session> {
  const trust = await trustRoster(workspace, { firstUse: 'refuse' });
  return { workspace, trust, signer: signerOf(trust.roster, identity), inventory: openInventory(workspace.store), options, sealEntries: sealOnThreads };
}
