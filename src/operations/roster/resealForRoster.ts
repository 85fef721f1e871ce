import { isVaultError } from '../../errors.ts';
import { isSignedBy } from '../../items/verify.ts';
import { isAudienceName } from '../../names.ts';
import { isFullAdmin } from '../../trust/roster.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import { changeItem, planChange, type Intent, type ItemAction, type PlannedChange, type Session } from '../items/changeItem.ts';
import { openGroups } from '../items/groups.ts';
import { openInventory } from '../items/inventory.ts';
import type { ItemOutcome, ResealItems, RosterEffect } from './resealItems.ts';

/**
 * See {@link ResealItems}. Clients stay as they are, by the keys that the inventory has of them. Where somebody is lost, nothing is
 * written as long as one item cannot be.
 */
export const resealForRoster: ResealItems = async (workspace, trust, effect) => {
  const { gained, lost, vouched, next, signer } = effect;
  const session: Session = {
    workspace, signer, groups: openGroups(workspace, { ...trust, roster: next, formerAdmins: vouched }), inventory: openInventory(workspace.store), sealEntries: sealOnThreads,
    trust: { ...trust, roster: next, formerAdmins: vouched },
    // The quorum that signed the roster vouches for the keys of its admins.
    options: { acceptKeys: gained.map(({ name }) => name), skipUnsealable: false, allowEmpty: true, cleanUnknown: false },
  };
  const settled = new Map<string, PlannedChange>();
  const intent: Intent = { ...intentOf(effect), settled: ({ vault, item }) => settled.get(`${vault}/${item}`) };
  // Audiences first: what is sealed to them follows them.
  const refs = (await workspace.store.listItems()).sort((a, b) => Number(isAudienceName(b.item)) - Number(isAudienceName(a.item)));
  const noting = (ref: ItemRef, change: PlannedChange): PlannedChange => {
    if (isAudienceName(ref.item)) settled.set(`${ref.vault}/${ref.item}`, change);
    return change;
  };
  if (lost.length > 0) {
    const failed = (await forEach(refs, async (ref) => noting(ref, await planChange(session, ref, intent)))).filter((outcome) => 'error' in outcome);
    if (failed.length > 0) return failed;
  }
  return await forEach(refs, async (ref) => noting(ref, await changeItem(session, ref, intent)));
};

function intentOf({ lost, next, signer }: RosterEffect): Intent {
  return {
    scope: 'admins',
    audience: ({ search_query: searchQuery, named_admins: named, named_clients: namedClients }) => {
      const left = named?.filter((name) => next.admins.some((admin) => admin.name === name));
      // An item is for somebody: for who signs it, where the admins whom it was for are gone.
      const isAnybodys = left === undefined || next.admins.some((admin) => left.includes(admin.name) && isFullAdmin(admin));
      return { searchQuery, namedClients, namedAdmins: left === undefined ? null : isAnybodys ? left : [...left, signer.name] };
    },
    resign: ({ header: { signature, ...header } }) => lost.some(({ name }) => name === header.signer) && !next.admins.some((admin) => isSignedBy(header, signature, admin)),
  };
}

const DONE: Readonly<Record<ItemAction, 'resealed' | 'extended' | 'signed' | undefined>> = {
  created: undefined, unchanged: undefined, resigned: 'signed', extended: 'extended', resealed: 'resealed',
};

/** The outcomes of `work`, where it comes to something or fails. */
async function forEach(refs: readonly ItemRef[], work: (ref: ItemRef) => Promise<PlannedChange>): Promise<ItemOutcome[]> {
  const outcomes: ItemOutcome[] = [];
  for (const ref of refs) {
    try {
      const { action, generation } = await work(ref);
      const done = DONE[action];
      if (done !== undefined) outcomes.push({ ...ref, done, generation });
    } catch (error) {
      if (!isVaultError(error)) throw error;
      // No admin of ours was ever given what chef-vault made; what is gone meanwhile needs nothing.
      if (error.code !== 'item-other-format' && error.code !== 'item-not-found') outcomes.push({ ...ref, error });
    }
  }
  return outcomes;
}
