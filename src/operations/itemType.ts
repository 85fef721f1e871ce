import { VaultError } from '../errors.ts';
import { foreignTypeOf, type ForeignType } from '../items/foreignItem.ts';
import { checkName } from '../names.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { Store } from '../stores/store.ts';

/** What lies under an item's name. */
export type ItemType = 'vault' | ForeignType;

/**
 * Says what an item is by its form alone: no signature is checked.
 * @returns undefined where there is nothing
 * @throws VaultError document-invalid where it is neither ours nor anything known; name-invalid
 */
export async function readItemType(store: Store, ref: ItemRef): Promise<ItemType | undefined> {
  checkName('vault', ref.vault);
  checkName('item', ref.item);
  const raw = await store.readRaw(ref);
  const foreign = foreignTypeOf(raw);
  if (foreign !== undefined) return foreign;
  if (raw.item === undefined && raw.keys === undefined) return await store.readItem(ref) === undefined ? undefined : 'vault'; // It may be pending.
  if (raw.keys !== undefined) return 'vault';
  throw new VaultError('document-invalid', `${ref.vault}/${ref.item} is no data bag item: it is damaged, or lost the document beside it that says who can open it.`, {
    hint: 'Restore it from version control or a backup.', details: { ...ref },
  });
}

/** Says that items were passed over because another program made them. */
export function noticeForeign(notice: (text: string) => void, refs: readonly ItemRef[]): void {
  if (refs.length > 0) notice(`Left alone, for they are items of chef-vault: ${refs.map(({ vault, item }) => `${vault}/${item}`).join(', ')}. "vault show VAULT ITEM" says how to take one over.`);
}

const WHAT: Readonly<Record<ForeignType, string>> = {
  'chef-vault': 'an item of chef-vault',
  'encrypted': 'an encrypted data bag item of Chef',
  'plain': 'a plain data bag item, which nothing protects',
};

/** The error for an item that is no vault's, which says what to run. */
export function foreignItem({ vault, item }: ItemRef, type: ForeignType): VaultError {
  const create = `vault create item OTHER_VAULT ${item} --search QUERY --from`;
  const hint = {
    'chef-vault': `With a key that it can be opened with: knife vault show ${vault} ${item} -M client -F json | ${create} -.`,
    'encrypted': `With its secret: knife data bag show ${vault} ${item} --secret-file FILE -F json | ${create} -.`,
    'plain': `To seal what it holds: ${create} data_bags/${vault}/${item}.json. Then delete the file, and change what was in it: others may have read it.`,
  }[type];
  return new VaultError(type === 'plain' ? 'item-plain' : 'item-other-format', `${vault}/${item} is ${WHAT[type]}, not an item of a vault.`, {
    hint, details: { vault, item, type },
  });
}
