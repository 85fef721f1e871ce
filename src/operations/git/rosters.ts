import { isVaultError } from '../../errors.ts';
import { listVersions } from '../../git/history.ts';
import { readBlobs } from '../../git/objects.ts';
import type { WorkTree } from '../../git/workTree.ts';
import { parseItemDocuments, verifyItem, type ParsedItem, type VerifiedItem } from '../../items/verify.ts';
import type { ItemDocuments } from '../../items/model.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Store } from '../../stores/store.ts';
import { encodeRoster, parseRoster, rosterDigest, type Roster } from '../../trust/roster.ts';
import { walkRoster } from '../../trust/walk.ts';
import type { Trust } from '../workspace.ts';

/** Versions of the roster that were found to be of one chain with the trusted one. */
export interface RosterChain {
  readonly repository: string;
  /** The trusted version, and those that follow from it on the branch that is merged; the newest last. */
  readonly present: readonly [Roster, ...Roster[]];
  /** The number of a version of which the history has two, each signed as it must be: nobody knows which will stay. */
  readonly forked?: number;
  /** Versions before the trusted one, newest first: each is named by its digest in the next. */
  readonly past: readonly Roster[];
}

/**
 * The versions of the roster that items of the history may have been signed under. Newer ones than the trusted one are looked for
 * in the history of git, and count where a quorum of the version before signed them: while git merges, the working tree does not
 * yet hold what the other branch brings. They are not remembered.
 */
export async function readRosterChain(store: Store, tree: WorkTree | undefined, { roster, repository }: Trust): Promise<RosterChain> {
  const past: Roster[] = [];
  for (let next = roster; next.previous !== null;) {
    const bytes = await store.readRoster(next.version - 1);
    const before = bytes === undefined ? undefined : parseRoster(bytes, `trust/${String(next.version - 1)}.json`).roster;
    if (before === undefined || rosterDigest(before) !== next.previous) break;
    past.push(before);
    next = before;
  }
  const present: [Roster, ...Roster[]] = [roster];
  for (let last = roster; tree !== undefined;) {
    const [next, ...others] = await readNext(tree, last);
    if (next === undefined) break;
    if (others.length > 0) return { repository, present, past, forked: next.version };
    present.push(next);
    last = next;
  }
  return { repository, present, past };
}

/** The versions in git's history that may follow a roster: one, if nobody signed two. */
async function readNext(tree: WorkTree, roster: Roster): Promise<Roster[]> {
  const version = roster.version + 1;
  const found = new Map<string, Roster>();
  const versions = await listVersions(tree, [`${tree.prefix}trust/${String(version)}.json`]);
  for await (const { bytes } of readBlobs(tree.git, versions.map(({ blob }) => blob))) {
    if (bytes === undefined) continue;
    const read = (wanted: number): Promise<Uint8Array | undefined> => Promise.resolve(wanted === version ? bytes : undefined);
    try {
      const next = await walkFrom(roster, read);
      if (next.version === version) found.set(rosterDigest(next), next);
    } catch (error) {
      if (!isVaultError(error)) throw error; // Not one that follows.
    }
  }
  return [...found.values()];
}

async function walkFrom(roster: Roster, read: (version: number) => Promise<Uint8Array | undefined>): Promise<Roster> {
  const start = encodeRoster({ roster, signatures: [] });
  return (await walkRoster((version) => (version === roster.version ? Promise.resolve(start) : read(version)), { version: roster.version, digest: rosterDigest(roster) })).roster;
}

/**
 * Verifies one version of an item.
 * @param by `present`: signed by who is an admin on the newest version, here or on the branch that is merged; `ever`: or was one once
 * @throws VaultError every code of parseItemDocuments and verifyItem but generation-rollback
 */
export function verifyVersion({ repository, present, past }: RosterChain, ref: ItemRef, documents: ItemDocuments, by: 'present' | 'ever'): VerifiedItem {
  const parsed: ParsedItem = parseItemDocuments(ref, documents);
  const [first, ...others] = by === 'ever' ? [...present, ...past] as const : [present[present.length - 1] ?? present[0]] as const;
  try {
    return verifyItem(parsed, { roster: first, repository, seenGeneration: 0 });
  } catch (error) {
    for (const roster of isVaultError(error, 'signer-unknown', 'signature-invalid') ? others : []) {
      try {
        return verifyItem(parsed, { roster, repository, seenGeneration: 0 });
      } catch (again) {
        if (!isVaultError(again, 'signer-unknown', 'signature-invalid')) throw again;
      }
    }
    throw error;
  }
}
