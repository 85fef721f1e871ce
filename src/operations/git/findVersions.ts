import { isVaultError, VaultError } from '../../errors.ts';
import { listVersions } from '../../git/history.ts';
import { itemDigestOf, itemPath, keysPath } from '../../git/itemHistory.ts';
import { readBlobs } from '../../git/objects.ts';
import { listStages } from '../../git/tree.ts';
import type { WorkTree } from '../../git/workTree.ts';
import { parseClient } from '../../inventory/documents.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { RecipientName } from '../../items/recipients.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { digestOf } from '../../sealing/encoding.ts';
import { parsePublicKey, type PublicKey } from '../../sealing/publicKey.ts';
import type { Store } from '../../stores/store.ts';
import type { RosterChain } from './rosters.ts';

/** The two files of versions of one item, each found by the other: by the digest that ITEM_keys.json has of ITEM.json. */
export interface PairFinder {
  /** The pair that a keys document belongs to. @throws VaultError merge-conflict where its ITEM.json is nowhere */
  ofKeys(keys: Uint8Array): Promise<ItemDocuments>;
  /** Every pair that an ITEM.json belongs to, newest first. @throws VaultError merge-conflict where there is none */
  ofItem(item: Uint8Array): Promise<readonly [ItemDocuments, ...ItemDocuments[]]>;
}

/** Looks in the index and in the whole history, which is read once, when it is first asked for. */
export function findPairs(tree: WorkTree, ref: ItemRef): PairFinder {
  let read: Promise<{ items: Map<string, Uint8Array>; keys: Uint8Array[] }> | undefined;
  const versions = (): NonNullable<typeof read> => (read ??= readVersions(tree, ref));
  const nowhere = (file: string): VaultError => new VaultError('merge-conflict', `The history of this clone holds no ${file} that belongs to this version of ${ref.vault}/${ref.item}.`, {
    hint: 'Fetch the other branch whole ("git fetch --unshallow" in a shallow clone), then merge again; or take one side\'s two files.', details: { ...ref },
  });
  return {
    async ofKeys(keys) {
      const item = (await versions()).items.get(itemDigestOf(keys) ?? '');
      if (item === undefined) throw nowhere(`${ref.item}.json`);
      return { item, keys };
    },
    async ofItem(item) {
      const digest = digestOf(item);
      const [first, ...others] = (await versions()).keys.filter((keys) => itemDigestOf(keys) === digest).map((keys) => ({ item, keys }));
      if (first === undefined) throw nowhere(`${ref.item}_keys.json`);
      return [first, ...others];
    },
  };
}

async function readVersions(tree: WorkTree, ref: ItemRef): Promise<{ items: Map<string, Uint8Array>; keys: Uint8Array[] }> {
  const paths = [itemPath(tree, ref), keysPath(tree, ref)];
  const files = [...await listStages(tree, paths), ...await listVersions(tree, paths)];
  const blobs = new Map(files.map(({ blob, path }) => [blob, path]));
  const items = new Map<string, Uint8Array>();
  const keys: Uint8Array[] = [];
  for await (const { id, bytes } of readBlobs(tree.git, [...blobs.keys()])) {
    if (bytes === undefined) continue;
    if (blobs.get(id) === keysPath(tree, ref)) keys.push(bytes);
    else items.set(digestOf(bytes), bytes);
  }
  return { items, keys };
}

/**
 * Finds the public keys of recipients by their fingerprints, which an admin has signed: of admins on the roster; of clients in the
 * working tree, or in its history where the client is of the other branch, or has another key now.
 */
export function findPublicKeys(tree: WorkTree, store: Store, { present }: RosterChain): (recipient: RecipientName) => Promise<PublicKey> {
  return async ({ role, name, fingerprint }) => {
    const found = role === 'admin'
      ? present.flatMap(({ admins }) => admins.filter((each) => each.name === name).map((each) => parsePublicKey(each.public_key)))
      : await clientKeys(tree, store, name, fingerprint);
    const key = found.find((each) => each.fingerprint === fingerprint);
    if (key !== undefined) return key;
    throw new VaultError('merge-conflict', `The merged item would be sealed to the ${role} ${name}, whose public key (${fingerprint}) is nowhere: ${role === 'admin' ? 'the roster does not have it' : 'neither the inventory nor its history has it'}.`, {
      hint: role === 'admin' ? 'If that admin has left the roster, take the admin out of the item on both branches first: "vault refresh".' : `Add the key with "vault node add ${name} --key LINE", or take the node out of the item on one of the branches.`,
      details: { role, name, fingerprint },
    });
  };
}

async function clientKeys(tree: WorkTree, store: Store, name: string, fingerprint: string): Promise<PublicKey[]> {
  const present = await store.readInventory('clients', name);
  const now = present === undefined ? [] : keyIn(present.bytes, present.source, name);
  if (now.some((key) => key.fingerprint === fingerprint)) return now;
  const versions = await listVersions(tree, [`${tree.prefix}clients/${name}.json`]);
  const before: PublicKey[] = [];
  for await (const { bytes } of readBlobs(tree.git, versions.map(({ blob }) => blob))) if (bytes !== undefined) before.push(...keyIn(bytes, `clients/${name}.json`, name));
  return before;
}

/** None where the document holds no key that can be sealed to. */
function keyIn(bytes: Uint8Array, source: string, name: string): PublicKey[] {
  try {
    return [parseClient(bytes, source, name)];
  } catch (error) {
    if (isVaultError(error)) return [];
    throw error;
  }
}
