import { join } from 'node:path';
import { pathKind } from '../../files/read.ts';
import { checkName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { foreignTypeOf } from '../../items/foreignItem.ts';
import { foreignItem, noticeForeign } from '../itemType.ts';
import { itemNotFound } from '../openItem.ts';
import type { Workspace } from '../workspace.ts';
import type { Finding } from './finding.ts';
import { scanFiles } from './scanFiles.ts';
import { findMissingItems, verifyForms, verifyItems, type ItemsVerdict } from './verifyItems.ts';
import { verifyRoster, type RosterVerdict } from './verifyRoster.ts';

export interface VerifyRequest {
  /** Only the items of this vault, or only this item of it; all where left out. */
  readonly vault?: string | undefined;
  readonly item?: string | undefined;
  /** Files in which plaintext credentials are looked for, relative to `root`. */
  readonly scan?: { readonly root: string; readonly files: readonly string[] } | undefined;
  /** What is found is not remembered: it may never come to be. */
  readonly forget?: boolean | undefined;
}

/** What a repository is worth, without any private key. */
export interface Verification {
  /** Undefined where no roster can be trusted. */
  readonly roster?: { readonly version: number; readonly fingerprint: string };
  /** Items that were looked at, sound or not. */
  readonly items: number;
  readonly recipients: number;
  /** Each is a failure. */
  readonly problems: readonly Finding[];
  /** What a refresh would set right, and what was meant to be something else. */
  readonly warnings: readonly Finding[];
  /** Files in which plaintext was looked for. */
  readonly scanned: number;
}

/**
 * Verifies the roster, its proposals, and items; and looks for plaintext credentials. What is wrong is told, all of it, not thrown.
 * @throws VaultError name-invalid, item-not-found for a vault or an item that is not there
 */
export async function verifyRepository(given: Workspace, { vault, item, scan, forget = false }: VerifyRequest): Promise<Verification> {
  if (vault !== undefined) checkName('vault', vault);
  if (item !== undefined) checkName('item', item);
  const workspace = forget ? withoutMemory(given) : given;
  const all = await workspace.store.listItems(vault);
  const refs = item === undefined ? all : all.filter((ref) => ref.item === item);
  const { roster, items } = await verifyTrusting(workspace, refs);
  const { trust, fingerprint } = roster;
  const missing = trust === undefined ? [] : (await findMissingItems(workspace, trust, all, vault)).filter((each) => item === undefined || each.item === item);
  if (item !== undefined && items.foreign[0] !== undefined) throw foreignItem(items.foreign[0], 'chef-vault');
  if (vault !== undefined && refs.length === 0 && missing.length === 0) throw await itemNotFound(workspace.store, { vault, item });
  const scanned = scan === undefined ? undefined : await scanFiles(scan.root, await unsealed(scan, items.sound));
  await notice(workspace, refs, items.foreign, scanned?.passedOver ?? []);
  return {
    ...(trust === undefined || fingerprint === undefined ? {} : { roster: { version: trust.roster.version, fingerprint } }),
    items: refs.length - items.foreign.length,
    recipients: items.recipients,
    problems: [...roster.problems, ...items.problems, ...missing, ...scanned?.problems ?? []],
    warnings: [...roster.warnings, ...items.warnings],
    scanned: scanned?.scanned ?? 0,
  };
}

/** The roster, and items judged by it. */
async function verifyTrusting(workspace: Workspace, refs: readonly ItemRef[]): Promise<{ roster: RosterVerdict; items: ItemsVerdict }> {
  const judge = async (roster: RosterVerdict): Promise<{ roster: RosterVerdict; items: ItemsVerdict }> =>
    ({ roster, items: await (roster.trust === undefined ? verifyForms(workspace, refs) : verifyItems(workspace, roster.trust, refs)) });
  const first = await judge(await verifyRoster(workspace));
  // An admin who was added after the roster was read is no stranger.
  if (!first.items.problems.some(({ code }) => code === 'signer-unknown')) return first;
  const roster = await verifyRoster(workspace);
  return roster.fingerprint === first.roster.fingerprint ? first : await judge(roster);
}

/** All but the files of sound items, which hold what was sealed, and names; where a pending file lies there, it is that one that was found sound. */
async function unsealed({ root, files }: NonNullable<VerifyRequest['scan']>, sound: readonly ItemRef[]): Promise<string[]> {
  const sealed = new Set<string>();
  for (const { vault, item } of sound) {
    const bag = `data_bags/${vault}`;
    if (await pathKind(join(root, bag, `.${item}.pending`)) === undefined) sealed.add(`${bag}/${item}.json`).add(`${bag}/${item}_keys.json`);
  }
  return files.filter((path) => !sealed.has(path));
}

async function notice({ store, notice: tell }: Workspace, refs: readonly ItemRef[], chefVaults: readonly ItemRef[], passedOver: readonly string[]): Promise<void> {
  for (const vault of new Set(refs.map((ref) => ref.vault))) {
    const plain: string[] = [];
    for (const item of await store.listForeign(vault)) {
      if (foreignTypeOf(await store.readRaw({ vault, item })) === 'plain') plain.push(item);
    }
    if (plain.length > 0) tell(`In data_bags/${vault} lie items that are no vault's, and are open to every reader: ${plain.join(', ')}.`);
  }
  noticeForeign(tell, chefVaults);
  if (passedOver.length > 0) tell(`Not looked into, for they are larger than 1 MiB, cannot be read, or have names that are no text: ${passedOver.join(', ')}.`);
}

/** Reads what is remembered, and remembers nothing. */
function withoutMemory(workspace: Workspace): Workspace {
  const { state } = workspace;
  return { ...workspace, state: { ...state, write: () => Promise.resolve(), remove: () => Promise.resolve(), locked: (work) => work() } };
}
