import { VaultError } from '../../errors.ts';
import type { ItemHeader, KeysDocument } from '../../items/model.ts';
import type { Audience } from '../../items/seal.ts';
import { nearest } from '../../json/validate.ts';
import type { ItemRef, RecipientRole } from '../../sealing/dataKey.ts';
import { itemNotFound } from '../openItem.ts';
import { readVerifiedItem } from '../workspace.ts';
import type { Intent, Session } from './changeItem.ts';
import { recipientsOf, refuseAudience } from './groups.ts';
import type { Party } from './planAudience.ts';

/** What shall go from an item. */
export interface Removal {
  readonly admins: readonly string[];
  readonly clients: readonly string[];
  readonly fields: readonly string[];
}

/**
 * The intent that takes recipients and fields out of an item.
 * @throws VaultError party-not-found, field-not-found, recipient-selected, item-not-found
 */
export async function removalIntent({ workspace, trust, inventory, groups }: Session, ref: ItemRef, removal: Removal): Promise<Intent> {
  refuseAudience(ref);
  const verified = await readVerifiedItem(workspace, trust, ref);
  if (verified === undefined) throw await itemNotFound(workspace.store, ref);
  const { header, document } = verified;
  const keys = await recipientsOf(groups, verified);
  const exclude: Party[] = [...partiesOf('admin', removal.admins, keys, header), ...partiesOf('client', removal.clients, keys, header)];
  const fields = Object.keys(document.fields);
  for (const field of removal.fields) {
    if (fields.includes(field)) continue;
    const near = nearest(field, fields);
    throw new VaultError('field-not-found', `${ref.vault}/${ref.item} has no field ${JSON.stringify(field.slice(0, 200))}.`, {
      hint: near === undefined ? `It has: ${fields.join(', ')}.` : `Did you mean ${near}?`, details: { ...ref, field: field.slice(0, 200), fields },
    });
  }
  if (header.search_query !== '' && removal.clients.length > 0) {
    const selected = new Set((await inventory.select(header.search_query)).names);
    const again = removal.clients.filter((name) => selected.has(name));
    if (again.length > 0) throw selectedStill(ref, header, again);
  }
  return {
    scope: 'named', exclude,
    audience: (present, recipients) => withoutNames(present, recipients, removal),
    ...(removal.fields.length === 0 ? {} : { fields: (open) => Object.fromEntries(open.fields.filter((name) => !removal.fields.includes(name)).map((name) => [name, open.field(name)])) }),
  };
}

function partiesOf(role: RecipientRole, names: readonly string[], keys: KeysDocument, header: ItemHeader): Party[] {
  const present = (role === 'admin' ? keys.admins : keys.clients).map(({ name }) => name);
  const named = role === 'admin' ? header.named_admins ?? [] : header.named_clients;
  return names.map((name) => {
    if (present.includes(name) || named.includes(name)) return { role, name };
    const near = nearest(name, present);
    throw new VaultError('party-not-found', `${JSON.stringify(name.slice(0, 200))} is not ${role === 'admin' ? 'an admin' : 'a node'} that can open ${header.vault}/${header.id.replace(/_keys$/, '')}.`, {
      hint: near === undefined ? 'See "vault show VAULT ITEM".' : `Did you mean ${near}?`, details: { name: name.slice(0, 200), role },
    });
  });
}

/** An item that was for everyone on the roster is from then on for those who can open it, but for the one who goes. */
function withoutNames(header: ItemHeader, keys: KeysDocument, { admins, clients }: Removal): Audience {
  const named = header.named_admins ?? (admins.length === 0 ? null : keys.admins.map(({ name }) => name));
  return {
    searchQuery: header.search_query,
    namedAdmins: named?.filter((name) => !admins.includes(name)) ?? null,
    namedClients: header.named_clients.filter((name) => !clients.includes(name)),
  };
}

function selectedStill({ vault, item }: ItemRef, { search_query: query }: ItemHeader, names: readonly string[]): VaultError {
  return new VaultError('recipient-selected', `${names.join(', ')} cannot be taken out of ${vault}/${item} by name: its query, ${query}, selects ${names.length === 1 ? 'it' : 'them'}, and the next refresh would seal to ${names.length === 1 ? 'it' : 'them'} again.`, {
    hint: `Change the query ("vault update ${vault} ${item} --search QUERY"), or take the node out of everything ("vault evict ${names[0] ?? 'NODE'}").`,
    details: { vault, item, query, clients: names },
  });
}
