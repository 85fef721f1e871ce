import { isVaultError, VaultError } from '../../errors.ts';
import { itemFileOf } from '../../git/itemHistory.ts';
import { readBlobs } from '../../git/objects.ts';
import { listTree, resolveCommit } from '../../git/tree.ts';
import type { WorkTree } from '../../git/workTree.ts';
import { compareVersions, type FieldValues, type FromTo, type ItemChanges } from '../../items/changes.ts';
import { parseItem, parseKeys, type ItemDocuments, type KeysDocument } from '../../items/model.ts';
import { compareNames } from '../../items/recipients.ts';
import { ownEntry, type VerifiedItem } from '../../items/verify.ts';
import { checkName, isAudienceName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import type { Identity } from '../../sealing/identity.ts';
import type { Store } from '../../stores/store.ts';
import { openThrough, type Identities } from '../openItem.ts';
import { trustRoster, type Workspace } from '../workspace.ts';
import { compareRosters, newestRoster, type RosterDiff } from './diffRosters.ts';
import { readRosterChain, verifyVersion, type RosterChain } from './rosters.ts';

export interface DiffRequest {
  /** Revision of git. */
  readonly from: string;
  /** Revision of git; undefined for the working tree. */
  readonly to: string | undefined;
  readonly vault?: string | undefined;
  readonly item?: string | undefined;
  /** Asked only where it would tell which values changed; that none is to be had is no failure. */
  readonly identities: Identities;
}

/** What the header of a version says. */
export interface VersionFacts {
  readonly generation: number;
  readonly signer: string;
  readonly time: string;
}

export interface ItemDiff extends ItemRef {
  readonly change: 'added' | 'removed' | 'changed';
  readonly from?: VersionFacts;
  readonly to?: VersionFacts;
  readonly changes: ItemChanges;
  /** Versions that cannot be read or trusted. */
  readonly problems: readonly { readonly side: 'from' | 'to'; readonly error: VaultError }[];
}

export interface RepositoryDiff {
  readonly items: readonly ItemDiff[];
  /** Undefined where the roster is the same, or one item was asked for. */
  readonly roster: RosterDiff | undefined;
}

/**
 * What changed between two commits, or between a commit and the working tree: names alone, no value.
 * @throws VaultError usage where there is no such revision; git-failed, roster-*
 */
export async function diffVersions(workspace: Workspace, tree: WorkTree, request: DiffRequest): Promise<RepositoryDiff> {
  const { vault, item } = request;
  if (vault !== undefined) checkName('vault', vault);
  if (item !== undefined) checkName('item', item);
  const wanted = (ref: ItemRef): boolean => (vault === undefined || ref.vault === vault) && (item === undefined || ref.item === item || isAudienceName(ref.item));
  const [from, to] = [await resolveCommit(tree, request.from), request.to === undefined ? undefined : await resolveCommit(tree, request.to)];
  const trust = await trustRoster(workspace);
  const chain = await readRosterChain(workspace.store, tree, trust);
  const before = await readCommit(tree, from, wanted);
  const after = to === undefined ? await readWorkTree(workspace.store, wanted) : await readCommit(tree, to, wanted);
  const identities = loadOnce(request.identities);
  const items: ItemDiff[] = [];
  for (const id of [...new Set([...before.keys(), ...after.keys()])].sort(compareNames)) {
    const [left, right] = [before.get(id), after.get(id)];
    const ref = left?.ref ?? right?.ref;
    // Of an audience is told what it comes to: who can open the items that are sealed to it.
    if (ref === undefined || (isAudienceName(ref.item) && ref.item !== item)) continue;
    const [leftAudience, rightAudience] = [audienceAmong(before, left), audienceAmong(after, right)];
    if (sameBytes(left?.keys, right?.keys) && sameBytes(left?.item, right?.item) && sameBytes(leftAudience?.keys, rightAudience?.keys)) continue;
    items.push(await diffItem(chain, ref, { stored: left, audience: leftAudience }, { stored: right, audience: rightAudience }, identities));
  }
  const roster = vault === undefined ? compareRosters(await newestRoster(tree, from), to === undefined ? trust.roster : await newestRoster(tree, to), chain) : undefined;
  return { items, roster };
}

interface StoredItem extends Partial<ItemDocuments> {
  readonly ref: ItemRef;
}

/** An item at one side, with the audience that it is sealed to. */
interface Side {
  readonly stored: StoredItem | undefined;
  readonly audience: StoredItem | undefined;
}

/** The audience that an item is sealed to, of the same commit. */
function audienceAmong(items: ReadonlyMap<string, StoredItem>, stored: StoredItem | undefined): StoredItem | undefined {
  if (stored?.keys === undefined) return undefined;
  const name = unlessDamaged(() => parseKeys(stored.keys ?? new Uint8Array(), 'keys'))?.audience?.name;
  return name === undefined ? undefined : items.get(`${stored.ref.vault}/${name}`);
}

async function readCommit(tree: WorkTree, commit: string, wanted: (ref: ItemRef) => boolean): Promise<Map<string, StoredItem>> {
  const files = (await listTree(tree, commit, [`${tree.prefix}data_bags`])).flatMap(({ path, blob }) => {
    const file = itemFileOf(tree, path);
    return file !== undefined && wanted(file.ref) ? [{ ...file, blob }] : [];
  });
  const items = new Map<string, StoredItem>();
  let at = 0;
  for await (const { bytes } of readBlobs(tree.git, files.map(({ blob }) => blob))) {
    const file = files[at++];
    if (file === undefined || bytes === undefined) continue;
    const id = `${file.ref.vault}/${file.ref.item}`;
    items.set(id, { ...(items.get(id) ?? { ref: file.ref }), [file.kind]: bytes });
  }
  // Without a keys document it is no item of a vault.
  return new Map([...items].filter(([, { keys }]) => keys !== undefined));
}

async function readWorkTree(store: Store, wanted: (ref: ItemRef) => boolean): Promise<Map<string, StoredItem>> {
  const items = new Map<string, StoredItem>();
  for (const ref of await store.listItems()) if (wanted(ref)) items.set(`${ref.vault}/${ref.item}`, { ref, ...await store.readRaw(ref) });
  return items;
}

/** Loads identities when they are first wanted; those that cannot be used count as none. */
function loadOnce(identities: Identities): () => Promise<readonly Identity[]> {
  let loaded: Promise<Identity[]> | undefined;
  return () => (loaded ??= (async () => {
    const usable: Identity[] = [];
    try {
      for await (const { identity } of identities) usable.push(identity);
    } catch (error) {
      if (!isVaultError(error) || error.code === 'interrupted') throw error;
    }
    return usable;
  })());
}

async function diffItem(chain: RosterChain, ref: ItemRef, left: Side, right: Side, identities: () => Promise<readonly Identity[]>): Promise<ItemDiff> {
  const problems: { side: 'from' | 'to'; error: VaultError }[] = [];
  const read = (side: 'from' | 'to', { stored, audience }: Side): ReadVersion | undefined => {
    if (stored?.keys === undefined) return undefined;
    try {
      if (stored.item === undefined) throw new VaultError('document-invalid', `${ref.vault}/${ref.item} is incomplete: ${ref.item}.json is missing.`);
      const verified = verifyVersion(chain, ref, { keys: stored.keys, item: stored.item }, 'ever');
      const group = audience?.item === undefined || audience.keys === undefined ? undefined : verifyVersion(chain, audience.ref, { keys: audience.keys, item: audience.item }, 'ever');
      return { keys: withMembers(verified.keys, group), document: verified.document, verified, group };
    } catch (error) {
      if (!isVaultError(error)) throw error;
      problems.push({ side, error });
      return readUnverified(stored);
    }
  };
  const [from, to] = [read('from', left), read('to', right)];
  let changes = compareVersions(from, to);
  if (from?.verified !== undefined && to?.verified !== undefined && changes.fields.some(({ change }) => change === 'encrypted-anew')) {
    const values = openBoth({ from: { verified: from.verified, group: from.group }, to: { verified: to.verified, group: to.group } }, await identities());
    if (values !== undefined) changes = compareVersions(from, to, values);
  }
  const facts = (version: typeof from): VersionFacts | undefined => version && { generation: version.keys.header.generation, signer: version.keys.header.signer, time: version.keys.header.time };
  const [before, after] = [facts(from), facts(to)];
  return {
    ...ref, change: left.stored === undefined ? 'added' : right.stored === undefined ? 'removed' : 'changed',
    ...(before === undefined ? {} : { from: before }), ...(after === undefined ? {} : { to: after }), changes, problems,
  };
}

interface ReadVersion {
  /** With those who can open it, however they are listed. */
  readonly keys: KeysDocument;
  readonly document: ReturnType<typeof parseItem> | undefined;
  readonly verified?: VerifiedItem;
  readonly group?: VerifiedItem | undefined;
}

function withMembers(keys: KeysDocument, group: VerifiedItem | undefined): KeysDocument {
  return group === undefined ? { header: keys.header, admins: keys.admins, clients: keys.clients } : { header: keys.header, admins: group.keys.admins, clients: group.keys.clients };
}

/** What a version that cannot be trusted says all the same. */
function readUnverified({ keys, item }: StoredItem): ReadVersion | undefined {
  return unlessDamaged(() => ({ keys: withMembers(parseKeys(keys ?? new Uint8Array(), 'keys'), undefined), document: item === undefined ? undefined : parseItem(item, 'item') }));
}

function unlessDamaged<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isVaultError(error)) return undefined;
    throw error;
  }
}

/** The values of both versions, where one identity opens both. */
function openBoth({ from, to }: FromTo<{ readonly verified: VerifiedItem; readonly group: VerifiedItem | undefined }>, identities: readonly Identity[]): FromTo<FieldValues> | undefined {
  const identity = identities.find(({ publicKey: { fingerprint } }) => [from, to].every(({ verified, group }) => ownEntry((group ?? verified).keys, fingerprint) !== undefined));
  if (identity === undefined) return undefined;
  const valuesOf = ({ verified, group }: typeof from): FieldValues => {
    const opened = openThrough(verified, group, identity);
    try {
      return opened.all();
    } finally {
      opened.wipe();
    }
  };
  try {
    return { from: valuesOf(from), to: valuesOf(to) };
  } catch (error) {
    if (isVaultError(error)) return undefined; // A damaged entry or field: "vault verify" and "vault decrypt" say which.
    throw error;
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
