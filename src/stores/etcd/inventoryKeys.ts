import { VaultError } from '../../errors.ts';
import { nameProblem } from '../../names.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import type { InventoryDocument, InventoryKind } from '../store.ts';
import type { ItemKeys } from './itemKeys.ts';
import { MOST_REQUEST_BYTES, NOTHING } from './keyValues.ts';
import { BASIS, inventoryKey, inventoryKeys } from './layout.ts';

/** Documents asked for at once; fewer where so many do not fit into a response. */
const PAGE = 200;

export async function readInventoryKey({ keyValues, source }: ItemKeys, kind: InventoryKind, name: string): Promise<InventoryDocument | undefined> {
  const key = inventoryKey(kind, name);
  const { found: [stored] } = await keyValues.read([key]);
  return stored === undefined ? undefined : { name, bytes: stored.value, source: source(key) };
}

/** Documents by name, read a page at a time. */
export async function* listInventoryKeys({ keyValues, source }: ItemKeys, kind: InventoryKind): AsyncGenerator<InventoryDocument> {
  let after: string | undefined;
  for (let more = true; more;) {
    const page = await keyValues.page(inventoryKeys(kind), { after, limit: PAGE });
    for (const { name, value } of page.entries) {
      if (nameProblem('node', name) === undefined) yield { name, bytes: value, source: source(inventoryKeys(kind) + name) };
    }
    after = page.entries[page.entries.length - 1]?.name;
    more = page.more && after !== undefined;
  }
}

export async function listInventoryKeyNames({ keyValues }: ItemKeys, kind: InventoryKind): Promise<string[]> {
  return (await keyValues.names(inventoryKeys(kind))).filter((name) => nameProblem('node', name) === undefined);
}

/** @throws VaultError input-too-large, where one request cannot hold it */
export async function writeInventoryKey(keys: ItemKeys, kind: InventoryKind, name: string, bytes: Uint8Array): Promise<void> {
  const key = inventoryKey(kind, name);
  if (bytes.length > MOST_REQUEST_BYTES) {
    throw new VaultError('input-too-large', `${keys.source(key)} would have ${String(bytes.length)} bytes; etcd takes ${String(MOST_REQUEST_BYTES)} at once.`, {
      hint: 'Leave out automatic attributes that no query asks for (ohai\'s optional plugins are the largest).', details: { source: keys.source(key), size: bytes.length, maxBytes: MOST_REQUEST_BYTES },
    });
  }
  await changeKey(keys, key, kind, bytes);
}

/** @returns whether there was one */
export async function removeInventoryKey(keys: ItemKeys, kind: InventoryKind, name: string): Promise<boolean> {
  return await changeKey(keys, inventoryKey(kind, name), kind, undefined);
}

/**
 * A client's key that is another now, or gone, is told to those who are writing items: they may be sealing to it. A new one concerns nobody yet.
 * @returns whether there was a document
 */
async function changeKey({ keyValues }: ItemKeys, key: string, kind: InventoryKind, next: Uint8Array | undefined): Promise<boolean> {
  for (let repeated = false; ;) {
    const { found: [present] } = await keyValues.read([key]);
    if (present === undefined && next === undefined) return repeated;
    if (present !== undefined && next !== undefined && equalBytes(present.value, next)) return true;
    const outcome = await keyValues.commit({
      unchanged: { [key]: present?.revision ?? 0 },
      put: [...(next === undefined ? [] : [[key, next] as const]), ...(kind === 'clients' && present !== undefined ? [[BASIS, NOTHING] as const] : [])],
      remove: next === undefined ? [key] : [],
    });
    if (outcome.done) return present !== undefined;
    repeated ||= outcome.repeated;
  }
}
