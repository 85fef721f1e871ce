import { VaultError } from '../../errors.ts';
import { nearest } from '../../json/validate.ts';
import type { Identity } from '../../sealing/identity.ts';
import type { Admin } from '../../trust/roster.ts';
import { formerAdmins, walkRoster } from '../../trust/walk.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import { signerOf, trustRoster, type Workspace } from '../workspace.ts';
import type { Session } from './changeItem.ts';
import { openGroups } from './groups.ts';
import { openInventory } from './inventory.ts';
import type { AudienceOptions } from './planAudience.ts';

/**
 * Begins a run of a command that changes items; what an earlier run was killed in is finished first, for this one may find nothing
 * more to do there.
 * @param acceptSigners former admins whose signatures on items are taken once more, because somebody looked at what they signed
 * @throws VaultError not-an-admin, roster-*: to a roster that was never used here nothing is sealed; party-not-found
 */
export async function openSession(workspace: Workspace, identity: Identity, options: AudienceOptions, acceptSigners: readonly string[] = []): Promise<Session> {
  const known = await trustRoster(workspace, { firstUse: 'refuse' });
  const signer = signerOf(known.roster, identity);
  const trust = acceptSigners.length === 0 ? known : { ...known, formerAdmins: await formerSigners(workspace, acceptSigners) };
  await workspace.store.finishItems();
  return { workspace, trust, signer, inventory: openInventory(workspace.store), options, sealEntries: sealOnThreads, groups: openGroups(workspace, trust) };
}

/** Admins of earlier versions by name, with every key that they had. @throws VaultError party-not-found */
async function formerSigners({ store }: Workspace, names: readonly string[]): Promise<Admin[]> {
  const former = formerAdmins(await walkRoster((version) => store.readRoster(version), undefined));
  for (const name of names) {
    if (former.some((admin) => admin.name === name)) continue;
    const known = former.map((admin) => admin.name);
    const near = nearest(name, known);
    throw new VaultError('party-not-found', `${JSON.stringify(name.slice(0, 200))} never was an admin on the roster who is not any more.`, {
      hint: near === undefined ? `Former admins are: ${known.join(', ') || 'none'}.` : `Did you mean ${near}?`, details: { name: name.slice(0, 200) },
    });
  }
  return former.filter(({ name }) => names.includes(name));
}
