import { isVaultError, VaultError } from '../errors.ts';
import { foreignTypeOf } from '../items/foreignItem.ts';
import { openItem as openVerified, ownEntry, type OpenItem, type VerifiedItem } from '../items/verify.ts';
import { audienceOf, openGroup } from '../items/group.ts';
import { nearest } from '../json/validate.ts';
import { checkName } from '../names.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { Identity } from '../sealing/identity.ts';
import type { Store } from '../stores/store.ts';
import type { Roster } from '../trust/roster.ts';
import { readAudience, readAudienceAs, refuseAudience } from './items/groups.ts';
import { foreignItem } from './itemType.ts';
import { vaultNotFound } from './listItems.ts';
import { judgeItem, readParsedItem, refuseMissing, trustRoster, type Trust, type Workspace } from './workspace.ts';

/** Identities to try, loaded one by one: an item's own entry is found by fingerprint, so most are never used. */
export type Identities = AsyncIterable<{ readonly identity: Identity }>;

/**
 * Reads and verifies an item, in the order of verification of docs/format.md; needs no identity.
 * @throws VaultError item-not-found, item-plain, item-other-format, item-missing, and every code of verifyItem
 */
export async function readItem(workspace: Workspace, ref: ItemRef): Promise<{ readonly verified: VerifiedItem; readonly trust: Trust }> {
  checkName('vault', ref.vault);
  checkName('item', ref.item);
  // The item before the roster: an admin who was added meanwhile, and signed it, is then on the roster.
  const parsed = await readParsedItem(workspace, ref);
  const trust = await trustRoster(workspace);
  if (parsed === undefined) {
    await refuseMissing(workspace, trust, ref);
    throw await itemNotFound(workspace.store, ref);
  }
  return { verified: await judgeItem(workspace, trust, parsed), trust };
}

/**
 * Opens an item in the order of verification of docs/format.md. Fields are decrypted when they are asked for; the caller
 * wipes the result.
 * @throws VaultError not-a-recipient, recipient-key-changed, and every code of {@link readItem} and openItem
 */
export async function openItem(workspace: Workspace, ref: ItemRef, identities: Identities): Promise<OpenItem & { readonly verified: VerifiedItem }> {
  refuseAudience(ref);
  const { verified, trust } = await readItem(workspace, ref);
  const sealedTo = audienceOf(ref, verified.keys);
  let firstIdentity: Identity | undefined;
  for await (const { identity } of identities) {
    const audience = sealedTo === undefined ? undefined : await withNewestRoster(workspace, trust, (newest) => readAudienceAs(workspace, newest, sealedTo, identity.publicKey.fingerprint));
    if (ownEntry((audience ?? verified).keys, identity.publicKey.fingerprint) !== undefined) return { ...openThrough(verified, audience, identity), verified };
    firstIdentity ??= identity;
  }
  if (firstIdentity === undefined) throw new VaultError('identity-missing', 'No identity was given.');
  // Not for any of them: opening with the first says so, with the name that the inventory knows it by.
  const name = await nameOf(workspace.store, trust.roster, firstIdentity.publicKey.fingerprint).catch((error: unknown) => {
    if (!isVaultError(error, 'store-unreachable')) throw error;
    return undefined; // A node may read sealed documents alone.
  });
  const audience = sealedTo === undefined ? undefined : await withNewestRoster(workspace, trust, (newest) => readAudience(workspace, newest, sealedTo));
  return { ...openThrough(verified, audience, firstIdentity, name), verified };
}

/** An admin who signed what is read after the roster was may have been added in between. */
async function withNewestRoster<T>(workspace: Workspace, trust: Trust, read: (trust: Trust) => Promise<T>): Promise<T> {
  try {
    return await read(trust);
  } catch (error) {
    if (!isVaultError(error, 'signer-unknown', 'signature-invalid')) throw error;
    return await read(await trustRoster(workspace));
  }
}

/** Opens an item: by the audience that it is sealed to, where there is one. @throws VaultError as openItem */
export function openThrough(verified: VerifiedItem, audience: VerifiedItem | undefined, identity: Identity, name?: string): OpenItem {
  if (audience === undefined) return openVerified(verified, identity, name);
  const members = openGroup(audience, identity, name, verified);
  try {
    return members.openItem(verified);
  } finally {
    members.wipe();
  }
}

/** The error for an item, or a vault, that does not exist, with the nearest that does, or with what is there instead. */
export async function itemNotFound(store: Store, { vault, item }: { readonly vault: string; readonly item?: string | undefined }): Promise<VaultError> {
  const foreign = item === undefined ? undefined : foreignTypeOf(await store.readRaw({ vault, item }));
  if (item !== undefined && foreign !== undefined) return foreignItem({ vault, item }, foreign);
  const items = await store.listItems();
  const inVault = items.filter((each) => each.vault === vault).map((each) => each.item);
  if (item === undefined || inVault.length === 0) return vaultNotFound(vault, items);
  const near = nearest(item, inVault);
  return new VaultError('item-not-found', `There is no item ${item} in vault ${vault}.`, {
    hint: near === undefined ? 'See "vault list".' : `Did you mean ${near}?`, details: { vault, item },
  });
}

/** The name under which the roster or the inventory knows a sealing key. */
async function nameOf(store: Store, roster: Roster, fingerprint: string): Promise<string | undefined> {
  const { parsePublicKey } = await import('../sealing/publicKey.ts');
  const admin = roster.admins.find(({ public_key }) => parsePublicKey(public_key).fingerprint === fingerprint);
  if (admin !== undefined) return admin.name;
  const { parseClient } = await import('../inventory/documents.ts');
  for await (const { name, bytes, source } of store.listInventory('clients')) {
    try {
      if (parseClient(bytes, source, name).fingerprint === fingerprint) return name;
    } catch (error) {
      if (!isVaultError(error)) throw error; // A client whose key cannot be sealed to is not this one.
    }
  }
  return undefined;
}
