import type { Recipient } from '../../items/recipients.ts';
import type { Audience, Signer } from '../../items/seal.ts';
import type { VerifiedItem } from '../../items/verify.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { changeItem, findAudience, planChange, type Form, type Session } from '../items/changeItem.ts';
import { groupPremises, openGroups } from '../items/groups.ts';
import { openInventory } from '../items/inventory.ts';
import type { AudienceOptions } from '../items/planAudience.ts';

/** The audiences that the items of one run are sealed to, where they are in the group form. */
export interface IamAudiences {
  /** What the run asked for; undefined where each item stays as it is. */
  readonly form: Form | undefined;
  read(vault: string, name: string): Promise<VerifiedItem>;
  /** Somebody agreed that these lose what they could open. */
  agree(lost: Iterable<string>): void;
  /**
   * The audience for these, made, or brought to where it is for them exactly; once a run, however many items there are.
   * @throws VaultError audience-mismatch, where somebody would leave it of whom nobody agreed to that
   */
  settle(vault: string, audience: Audience, recipients: readonly Recipient[]): Promise<VerifiedItem>;
  premises(audience: VerifiedItem): () => Promise<void>;
}

export function openIamAudiences(workspace: Workspace, trust: Trust, signer: Signer, form: Form | undefined, options: AudienceOptions): IamAudiences {
  const session: Session = { workspace, trust, signer, options, inventory: openInventory(workspace.store), sealEntries: sealOnThreads, groups: openGroups(workspace, trust) };
  const settled = new Map<string, Promise<VerifiedItem>>();
  const agreed = new Set<string>();
  const settle = async (vault: string, audience: Audience, recipients: readonly Recipient[]): Promise<VerifiedItem> => {
    const found = await session.groups.find(vault, audience);
    const planned = found === undefined ? undefined : await planChange(session, found, {});
    const leaving = [...planned?.audience.lost ?? [], ...planned?.audience.rekeyed ?? []];
    const isAgreed = leaving.length > 0 && leaving.every(({ name }) => agreed.has(name));
    if (found === undefined || !isAgreed) return await findAudience(session, vault, audience, recipients);
    await changeItem(session, found, {}, planned);
    return await session.groups.read(found);
  };
  return {
    form,
    agree(lost) { for (const name of lost) agreed.add(name); },
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
