import { isVaultError } from '../../errors.ts';
import { parseUser } from '../../inventory/documents.ts';
import { layoutJson } from '../../json/canonical.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import type { InventoryDocument, Store } from '../../stores/store.ts';
import type { Admin, Roster } from '../../trust/roster.ts';

/** Makes users/ say what the roster says. Documents that are not ours, as a chef-repo has them, stay as they are. */
export async function writeUserDocuments(store: Store, roster: Roster, lost: readonly Admin[]): Promise<void> {
  for (const admin of roster.admins) {
    const present = await store.readInventory('users', admin.name);
    const bytes = userDocument(admin);
    if (present === undefined || (isOurs(present) && !equalBytes(present.bytes, bytes))) await store.writeInventory('users', admin.name, bytes);
  }
  for (const { name } of lost) {
    if (roster.admins.some((admin) => admin.name === name)) continue;
    const present = await store.readInventory('users', name);
    if (present !== undefined && isOurs(present)) await store.removeInventory('users', name);
  }
}

function userDocument(admin: Admin): Uint8Array {
  return new TextEncoder().encode(layoutJson({ ...admin }));
}

/** Whether a document has the bytes that this program writes for whom it describes. */
function isOurs({ bytes, source, name }: InventoryDocument): boolean {
  try {
    return equalBytes(bytes, userDocument(parseUser(bytes, source, name)));
  } catch (error) {
    if (isVaultError(error)) return false;
    throw error;
  }
}
