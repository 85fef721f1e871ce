import { VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { parseUser } from '../../inventory/documents.ts';
import { checkName } from '../../names.ts';
import type { Store } from '../../stores/store.ts';
import { adminWithKeys } from '../../trust/adminKeys.ts';
import type { Admin } from '../../trust/roster.ts';

/** Where the keys of a new admin come from: lines, a file, or, where neither is given, users/NAME.json. */
export interface AdminKeySource {
  readonly key?: string | undefined;
  readonly signingKey?: string | undefined;
  /** Path of a user document, or of what `vault key show --json` printed. */
  readonly file?: string | undefined;
  /** To seal for nodes alone; also where the document says so. */
  readonly refresher?: boolean | undefined;
}

const MAX_BYTES = 64 << 10;

/**
 * Who shall be added, with both keys.
 * @returns `unsigned` where the keys come from the repository's inventory, which anybody who writes there can change
 * @throws VaultError key-invalid, name-invalid, input-*
 */
export async function adminToAdd(store: Store, name: string, source: AdminKeySource): Promise<{ readonly admin: Admin; readonly unsigned: boolean }> {
  const { admin, unsigned } = await withKeys(store, name, source);
  return { admin: source.refresher === true ? { ...admin, rights: ['seal'] } : admin, unsigned };
}

async function withKeys(store: Store, name: string, { key, signingKey, file }: AdminKeySource): Promise<{ readonly admin: Admin; readonly unsigned: boolean }> {
  checkName('admin', name);
  if (key !== undefined) return { admin: adminWithKeys(name, key, signingKey), unsigned: false };
  if (file !== undefined) {
    const found = await readRegularFile(file, { maxBytes: MAX_BYTES, followLink: true });
    if (found === undefined) throw new VaultError('input-unreadable', `There is no file ${file}.`, { details: { source: file } });
    return { admin: parseUser(found.bytes, file, name), unsigned: false };
  }
  const document = await store.readInventory('users', name);
  if (document === undefined) {
    throw new VaultError('usage', `No key of ${name} is given, and there is no users/${name}.json.`, {
      hint: `Ask ${name} for the output of "vault key show --json" and give it with --file, or its two lines with --key and --signing-key.`, details: { name },
    });
  }
  return { admin: parseUser(document.bytes, document.source, name), unsigned: true };
}
