import { basename } from 'node:path';
import { isVaultError, VaultError } from '../../errors.ts';
import { wasCommittedHere } from '../../git/history.ts';
import { itemFileOf, itemPath, keysPath, type ItemFile } from '../../git/itemHistory.ts';
import { findWorkTree, type WorkTree } from '../../git/workTree.ts';
import type { Git } from '../../git/run.ts';
import type { Preference, ThreeWay } from '../../items/merge.ts';
import { mergeItem, mergeItemFile, type MergeSides } from '../../items/mergeItem.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { Signer } from '../../items/seal.ts';
import { openItem, type VerifiedItem } from '../../items/verify.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { encodeRoster, parseRoster, rosterDigest, type SignedRoster } from '../../trust/roster.ts';
import { sealOnThreads } from '../../workers/sealOnThreads.ts';
import type { Identities } from '../openItem.ts';
import { signerOf, trustRoster, type Workspace } from '../workspace.ts';
import { filesOf } from './filesOf.ts';
import { findPairs, findPublicKeys } from './findVersions.ts';
import { readRosterChain, verifyVersion, type RosterChain } from './rosters.ts';

/** What whoever merges works with. */
export interface Merger {
  readonly workspace: Workspace;
  readonly tree: WorkTree;
  readonly chain: RosterChain;
  /** An admin on the roster. */
  readonly signer: Signer;
}

/** The git work tree that the repository lies in. @throws VaultError git-failed where it lies in none, or in another store */
export async function openWorkTree({ store }: Workspace, variables: Git['variables']): Promise<WorkTree> {
  const directory = filesOf(store);
  const tree = await findWorkTree(directory, variables);
  if (tree !== undefined) return tree;
  throw new VaultError('git-failed', `${directory} is in no git work tree.`, { hint: 'Run "git init" there first.', details: { root: directory } });
}

/**
 * The first identity that is an admin's, and the rosters that the merged versions may be signed under.
 * @throws VaultError git-failed, roster-*, not-an-admin, identity-*
 */
export async function openMerger(workspace: Workspace, identities: Identities, variables: Git['variables']): Promise<Merger> {
  const tree = await openWorkTree(workspace, variables);
  const trust = await trustRoster(workspace, { firstUse: 'refuse' });
  const chain = await readRosterChain(workspace.store, tree, trust);
  if (chain.forked !== undefined) {
    throw new VaultError('roster-fork', `The history of this clone has two rosters of version ${String(chain.forked)}, each signed by a quorum of admins: who may sign what is merged is not known.`, {
      hint: `Find out which is right: git log --all -- trust/${String(chain.forked)}.json. Check it out, run "vault admin list", then merge again.`, details: { version: chain.forked },
    });
  }
  return { workspace, tree, chain, signer: await findSigner(trust.roster, identities) };
}

async function findSigner(roster: Parameters<typeof signerOf>[0], identities: Identities): Promise<Signer> {
  let first: VaultError | undefined;
  for await (const { identity } of identities) {
    try {
      return signerOf(roster, identity);
    } catch (error) {
      if (!isVaultError(error, 'not-an-admin')) throw error;
      identity.wipe();
      first ??= error;
    }
  }
  throw first ?? new VaultError('identity-missing', 'No identity was given.');
}

/** Three versions of one file of an item. Base is undefined where there is none in common. */
export type FileVersions = ThreeWay<Uint8Array>;

/**
 * Merges one of an item's two files. The other is merged in another process, and both make one pair: see docs/format.md, "Merging".
 * @throws VaultError merge-conflict, repository-mismatch, and every code of verification and opening
 */
export async function mergeItemVersions(merger: Merger, { ref, kind }: ItemFile, files: FileVersions): Promise<Uint8Array> {
  const pairs = findPairs(merger.tree, ref);
  if (kind === 'keys') {
    const { base, ours, theirs } = files;
    return (await mergePairs(merger, ref, {
      base: base === undefined ? undefined : await pairs.ofKeys(base), ours: await pairs.ofKeys(ours), theirs: await pairs.ofKeys(theirs),
    })).keys;
  }
  // Generations that share an ITEM.json share its data key, so each of them merges to the same file; but some may be at odds with the other side.
  const bases = files.base === undefined ? [undefined] : await pairs.ofItem(files.base);
  let refused: unknown;
  for (const ours of await pairs.ofItem(files.ours)) {
    for (const theirs of await pairs.ofItem(files.theirs)) {
      for (const base of bases) {
        try {
          return mergeItemFile(sidesOf(merger, ref, { base, ours, theirs }));
        } catch (error) {
          refused ??= error;
        }
      }
    }
  }
  throw refused;
}

/** Merges both files of an item at once. */
export async function mergePairs(merger: Merger, ref: ItemRef, pairs: ThreeWay<ItemDocuments>, prefer?: Preference): Promise<ItemDocuments> {
  const { workspace: { store, now }, tree, chain, signer } = merger;
  await refuseReplay(tree, ref, pairs.theirs);
  return await mergeItem(sidesOf(merger, ref, pairs, prefer), { signer, time: now(), publicKeyOf: findPublicKeys(tree, store, chain), sealEntries: sealOnThreads });
}

/**
 * A version that our branch has left behind already is no change: whoever can push could put it on a branch of their own, and a
 * recipient whom we removed since would look like one whom they added.
 */
async function refuseReplay(tree: WorkTree, ref: ItemRef, { keys }: ItemDocuments): Promise<void> {
  if (!await wasCommittedHere(tree, keysPath(tree, ref), keys)) return;
  throw new VaultError('merge-conflict', `The other side puts back a version of ${ref.vault}/${ref.item} that this branch had, and has changed since.`, {
    hint: `Keep ours whole: git checkout --ours -- ${itemPath(tree, ref)} ${keysPath(tree, ref)}. If the older version is wanted, make that change anew with vault's own commands.`, details: { ...ref },
  });
}

function sidesOf({ chain, signer }: Merger, ref: ItemRef, { base, ours, theirs }: ThreeWay<ItemDocuments>, prefer?: Preference): MergeSides {
  return {
    // Whoever signed what both sides began with may have left since.
    base: base === undefined ? undefined : verifyVersion(chain, ref, base, 'ever'),
    ours: verifyVersion(chain, ref, ours, 'present'),
    theirs: verifyVersion(chain, ref, theirs, 'present'),
    open: (version: VerifiedItem) => openItem(version, signer.identity, signer.name),
    prefer,
  };
}

/**
 * Merges two copies of one roster: the signatures of both. Signatures speak for themselves, so nobody needs a key for it.
 * @throws VaultError roster-fork where they are two rosters; document-invalid, document-not-canonical, format-unsupported
 */
export function mergeRosterFile(path: string, { ours, theirs }: FileVersions): Uint8Array {
  const [left, right] = [parseRoster(ours, `ours of ${path}`), parseRoster(theirs, `theirs of ${path}`)];
  const [one, other] = [rosterDigest(left.roster), rosterDigest(right.roster)];
  if (one !== other) {
    throw new VaultError('roster-fork', `The two sides have two different rosters as ${basename(path)}: ${one} (ours) and ${other} (theirs).`, {
      hint: 'Only one can be. Keep the one that the admins agree on, and propose the other\'s changes again on top of it.', details: { ours: one, theirs: other },
    });
  }
  const signatures = new Map<string, SignedRoster['signatures'][number]>([...left.signatures, ...right.signatures].map((each) => [`${each.name} ${each.signature}`, each]));
  return encodeRoster({ roster: left.roster, signatures: [...signatures].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each) });
}

/** What a path that git asks to be merged holds; undefined for files that are not this program's. */
export function mergeableFile(path: string): { readonly prefix: string; readonly file: ItemFile | 'roster' } | undefined {
  const [, prefix = '', rest = ''] = /^((?:.*\/)?)((?:data_bags|trust)\/.*)$/.exec(path) ?? [];
  if (/^trust\/(?:proposals\/)?[^/]+\.json$/.test(rest)) return { prefix, file: 'roster' };
  const file = itemFileOf({ prefix }, path);
  return file === undefined ? undefined : { prefix, file };
}
