import type { Recipient } from '../../items/recipients.ts';
import type { Audience, Signer } from '../../items/seal.ts';
import type { VerifiedItem } from '../../items/verify.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { changeItem, type Form, type Session } from '../items/changeItem.ts';
import { groupPremises, makeAudience, openGroups } from '../items/groups.ts';
import { openInventory } from '../items/inventory.ts';
import type { AudienceOptions } from '../items/planAudience.ts';

/** The audiences that the items of one run are sealed to, where they are in the group form. */
export interface IamAudiences {
  /** What the run asked for; undefined where each item stays as it is. */
  readonly form: Form | undefined;
  read(vault: string, name: string): Promise<VerifiedItem>;
  /** The audience for these, made, or brought to where it is for them exactly; once a run, however many items there are. */
  settle(vault: string, audience: Audience, recipients: readonly Recipient[]): Promise<VerifiedItem>;
  premises(audience: VerifiedItem): () => Promise<void>;
}

export function openIamAudiences(workspace: Workspace, trust: Trust, signer: Signer, form: Form | undefined, options: AudienceOptions): IamAudiences {
  const session: Session = { workspace, trust, signer, options, inventory: openInventory(workspace.store), sealEntries: sealOnThreads, groups: openGroups(workspace, trust) };
  const settled = new Map<string, Promise<VerifiedItem>>();
  const settle = async (vault: string, audience: Audience, recipients: readonly Recipient[]): Promise<VerifiedItem> => {
    const found = await session.groups.find(vault, audience);
    if (found === undefined) return await makeAudience(session, vault, audience, recipients);
    await changeItem(session, found, {});
    return await session.groups.read(found);
  };
  return {
    form,
    read: (vault, item) => session.groups.read({ vault, item }),
    settle(vault, audience, recipients) {
      const key = JSON.stringify([vault, audience.searchQuery, audience.namedAdmins]);
      let found = settled.get(key);
      if (found === undefined) settled.set(key, found = settle(vault, audience, recipients));
      return found;
    },
    premises: (audience) => groupPremises(session, audience),
  };
}
