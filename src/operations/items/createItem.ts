import { VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { checkFields } from '../../items/fieldValues.ts';
import { groupRecipient } from '../../items/group.ts';
import type { Audience } from '../../items/seal.ts';
import { sealItemWith } from '../../items/seal.ts';
import type { Json } from '../../json/canonical.ts';
import { checkName } from '../../names.ts';
import { readSeenGeneration, rememberGeneration } from '../../state/generations.ts';
import { refuseChangedKeys } from '../knownKeys.ts';
import { premisesOf } from '../premises.ts';
import { readParsedItem, refuseMissing } from '../workspace.ts';
import { findAudience, type Form, type PlannedChange, type Session } from './changeItem.ts';
import { groupPremises, refuseAudience } from './groups.ts';
import { planAudience } from './planAudience.ts';

export interface NewItem extends ItemRef, Audience {
  /** Every field. */
  readonly fields: Readonly<Record<string, Json>>;
  /** Make it anew although it was here before and is gone. */
  readonly recreate: boolean;
  /** `inline` where left out. */
  readonly form?: Form;
}

/**
 * Makes an item that is not from IAM.
 * @throws VaultError item-exists, item-missing, and what checkFields, planAudience and the store throw; nothing was written then
 */
export async function createItem(session: Session, item: NewItem): Promise<PlannedChange> {
  const { workspace, trust, signer } = session;
  const ref: ItemRef = { vault: checkName('vault', item.vault), item: checkName('item', item.item) };
  refuseAudience(ref);
  checkFields(item.fields);
  if (await readParsedItem(workspace, ref) !== undefined) {
    throw new VaultError('item-exists', `${ref.vault}/${ref.item} exists already.`, {
      hint: `Change it with "vault update ${ref.vault} ${ref.item}", or choose another name.`, details: { ...ref },
    });
  }
  await workspace.store.requireFree(ref);
  if (!item.recreate) await refuseMissing(workspace, trust, ref);
  const audience = await planAudience(session.inventory, trust.roster, { where: `${ref.vault}/${ref.item}`, present: undefined, wanted: item }, session.options);
  await refuseChangedKeys(workspace, trust, audience.gained, session.options.acceptKeys);
  // Above whatever was ever seen, so that an item that was made anew outranks its earlier self everywhere.
  const generation = await readSeenGeneration(workspace.state, trust.repository, ref) + 1;
  const group = item.form === 'group' ? await findAudience(session, ref.vault, audience.audience, audience.recipients) : undefined;
  const documents = await sealItemWith(session.sealEntries, {
    ...ref, repository: trust.repository, fields: item.fields, ...audience.audience, recipients: group === undefined ? audience.recipients : [groupRecipient(group)],
    generation, signer, time: workspace.now(),
  });
  await workspace.store.writeItem(ref, documents, 0, group === undefined ? premisesOf(workspace, trust, audience.gained) : groupPremises(session, group));
  await rememberGeneration(workspace.state, trust.repository, ref, generation);
  return { ...ref, action: 'created', generation, audience, header: {}, fields: { added: Object.keys(item.fields), changed: [], removed: [] } };
}
