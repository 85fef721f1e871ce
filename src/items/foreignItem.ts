import * as z from 'zod/mini';
import type { ItemDocuments } from './model.ts';

/** What a data bag item is that is no item of a vault of ours. */
export type ForeignType = 'chef-vault' | 'encrypted' | 'plain';

/** As chef-vault 2 and later write ITEM_keys.json, in the default and in the sparse layout (there each key is in a document of its own). */
const chefVaultKeys = z.looseObject({
  id: z.string(), admins: z.array(z.string()), clients: z.array(z.string()), header: z.optional(z.undefined()),
});

/** As its version 1 wrote it: names and keys alone. */
const chefVaultFirstKeys = z.catchall(z.object({ id: z.string().check(z.endsWith('_keys')) }), z.string()).check(z.refine((keys) => Object.keys(keys).length > 1));

/** A value of an encrypted data bag item of Chef's, version 1 to 3. */
const encryptedValue = z.looseObject({ encrypted_data: z.string(), cipher: z.string(), version: z.number() });

const itemSchema = z.looseObject({ id: z.string() });

/**
 * Recognises what other programs keep in data bags. Judges nothing else, and opens nothing.
 * @returns undefined for an item of ours, whole or not, and for what is no data bag item at all
 */
export function foreignTypeOf({ item, keys }: Partial<ItemDocuments>): ForeignType | undefined {
  if (keys !== undefined) return [chefVaultKeys, chefVaultFirstKeys].some((schema) => z.safeParse(schema, parsed(keys)).success) ? 'chef-vault' : undefined;
  const found = item === undefined ? undefined : z.safeParse(itemSchema, parsed(item));
  if (found?.success !== true) return undefined;
  const { id, ...members } = found.data;
  const format = members['format'];
  if (typeof format === 'string' && format.startsWith('iam-vault/')) return undefined;
  if (isSparseKey(id, members)) return 'chef-vault';
  const values = Object.values(members);
  return values.length > 0 && values.every((value) => z.safeParse(encryptedValue, value).success) ? 'encrypted' : 'plain';
}

/** What RSA with 1,024 bits encrypts to, in base64: shorter text is no sealed key. */
const RSA_TEXT_MIN = 172;

/** A document of chef-vault's sparse layout: the key of one party, sealed to it. */
function isSparseKey(id: string, members: Readonly<Record<string, unknown>>): boolean {
  const [[name, key] = [], ...more] = Object.entries(members);
  return name !== undefined && more.length === 0 && id.endsWith(`_key_${name}`) && typeof key === 'string' && key.length >= RSA_TEXT_MIN && /^[A-Za-z0-9+/=\n]+$/.test(key);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
