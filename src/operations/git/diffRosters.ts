import { isVaultError } from '../../errors.ts';
import { readBlobs } from '../../git/objects.ts';
import { listTree } from '../../git/tree.ts';
import type { WorkTree } from '../../git/workTree.ts';
import { compareNames } from '../../items/recipients.ts';
import { isFullAdmin, parseRoster, rosterDigest, type Roster } from '../../trust/roster.ts';
import type { RosterChain } from './rosters.ts';

/** How the roster changed. */
export interface RosterDiff {
  readonly from?: RosterFacts;
  readonly to?: RosterFacts;
  readonly admins: readonly { readonly name: string; readonly change: 'added' | 'removed' | 'key-changed' }[];
}

export interface RosterFacts {
  readonly version: number;
  readonly quorum: number;
  readonly fingerprint: string;
  /** Whether it is of one chain of signatures with the roster that is trusted here. */
  readonly trusted: boolean;
}

/** The roster with the highest version in a commit, as it is; undefined where there is none that can be read. */
export async function newestRoster(tree: WorkTree, commit: string): Promise<Roster | undefined> {
  const versionOf = (path: string): number => Number(/^trust\/([1-9]\d{0,8})\.json$/.exec(path.slice(tree.prefix.length))?.[1] ?? 0);
  const [newest] = (await listTree(tree, commit, [`${tree.prefix}trust`])).filter(({ path }) => versionOf(path) > 0).sort((a, b) => versionOf(b.path) - versionOf(a.path));
  for await (const { bytes } of readBlobs(tree.git, newest === undefined ? [] : [newest.blob])) {
    try {
      return bytes === undefined ? undefined : parseRoster(bytes, newest?.path ?? '').roster;
    } catch (error) {
      if (!isVaultError(error)) throw error;
    }
  }
  return undefined;
}

/** @returns undefined where both are the same */
export function compareRosters(from: Roster | undefined, to: Roster | undefined, { present, past }: RosterChain): RosterDiff | undefined {
  const trusted = new Set([...present, ...past].map(rosterDigest));
  const facts = (roster: Roster | undefined): RosterFacts | undefined => {
    if (roster === undefined) return undefined;
    const fingerprint = rosterDigest(roster);
    return { version: roster.version, quorum: roster.quorum, fingerprint, trusted: trusted.has(fingerprint) };
  };
  const [before, after] = [facts(from), facts(to)];
  if (before?.fingerprint === after?.fingerprint) return undefined;
  const [left, right] = [from?.admins ?? [], to?.admins ?? []];
  const names = [...new Set([...left, ...right].map(({ name }) => name))].sort(compareNames);
  return {
    ...(before === undefined ? {} : { from: before }), ...(after === undefined ? {} : { to: after }),
    admins: names.flatMap((name): RosterDiff['admins'][number][] => {
      const [a, b] = [left.find((each) => each.name === name), right.find((each) => each.name === name)];
      if (a === undefined) return [{ name, change: 'added' }];
      if (b === undefined) return [{ name, change: 'removed' }];
      return a.public_key === b.public_key && a.signing_key === b.signing_key && isFullAdmin(a) === isFullAdmin(b) ? [] : [{ name, change: 'key-changed' }];
    }),
  };
}
