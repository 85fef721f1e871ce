import { isSignedBy } from '../../items/verify.ts';
import { checkName } from '../../names.ts';
import { itemNotFound } from '../openItem.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Store } from '../../stores/store.ts';
import type { Form, Intent, Session } from './changeItem.ts';
import { changeItems, type BatchOptions } from './changeItems.ts';
import type { ItemOutcome } from './outcome.ts';

/** One item, those of a vault, or all; in order. @throws VaultError item-not-found where a vault or an item that is named is not there */
export async function selectItems(store: Store, vault?: string, item?: string): Promise<ItemRef[]> {
  if (vault !== undefined) checkName('vault', vault);
  if (item !== undefined) checkName('item', item);
  const found = await store.listItems(vault);
  const refs = item === undefined ? found : found.filter((ref) => ref.item === item);
  if (vault !== undefined && refs.length === 0) throw await itemNotFound(store, { vault, item });
  return refs;
}

/**
 * Runs the stored queries again: newcomers are sealed to, at the cost of one seal each; where somebody goes, the item is encrypted anew.
 * @throws VaultError as {@link changeItems}
 */
export async function refreshItems(session: Session, refs: readonly ItemRef[], options: BatchOptions & { readonly form?: Form | undefined }): Promise<ItemOutcome[]> {
  const { admins } = session.trust.roster;
  // What a former admin signed, and was accepted, is signed by one whom every reader knows.
  const resign: Intent['resign'] = ({ header: { signature, ...header } }) => !admins.some((admin) => isSignedBy(header, signature, admin));
  return await changeItems(session, refs, { resign, ...(options.form === undefined ? {} : { form: options.form }) }, options);
}
