import { badSigners, parseRoster, rosterDigest, type Roster } from '../../trust/roster.ts';
import { walkRoster } from '../../trust/walk.ts';
import { trustRoster, type Trust, type Workspace } from '../workspace.ts';
import { findingOf, type Finding } from './finding.ts';

/** What is to be said of the roster and its proposals. */
export interface RosterVerdict {
  /** Undefined where no roster can be trusted. */
  readonly trust: Trust | undefined;
  /** Digest of the newest version. */
  readonly fingerprint: string | undefined;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Walks the roster from its first version, and from what was trusted before, to the newest; then looks at each proposal. */
export async function verifyRoster(workspace: Workspace): Promise<RosterVerdict> {
  const problems: Finding[] = [];
  const warnings: Finding[] = [];
  // What was trusted before does not excuse a chain that a newcomer could not follow.
  let digests: readonly string[] = [];
  try {
    ({ digests } = await walkRoster((version) => workspace.store.readRoster(version), undefined));
  } catch (error) {
    problems.push(findingOf(error, { path: 'trust' }));
  }
  let trust: Trust | undefined;
  try {
    trust = await trustRoster(workspace);
  } catch (error) {
    const finding = findingOf(error, { path: 'trust' });
    if (!problems.some(({ message }) => message === finding.message)) problems.push(finding);
  }
  const [first] = problems;
  if (trust !== undefined && first?.code === 'roster-missing') {
    // The versions before a reader's pin need not be kept.
    problems.shift();
    warnings.push(first);
  }
  const fingerprint = trust === undefined ? undefined : rosterDigest(trust.roster);
  if (trust !== undefined) await verifyProposals(workspace, trust.roster, digests, problems, warnings);
  return { trust, fingerprint, problems, warnings };
}

/** A proposal must be readable, stand under its own digest, follow from a version that is there, and hold no bad signature. */
async function verifyProposals({ store }: Workspace, roster: Roster, digests: readonly string[], problems: Finding[], warnings: Finding[]): Promise<void> {
  const present = rosterDigest(roster);
  for (const digest of await store.listProposals()) {
    const path = `trust/proposals/${digest}.json`;
    try {
      const bytes = await store.readProposal(digest);
      if (bytes === undefined) continue;
      const signed = parseRoster(bytes, path);
      const { previous, version } = signed.roster;
      if (rosterDigest(signed.roster) !== digest) {
        problems.push({ path, code: 'roster-broken', message: `${path} holds another proposal than the one that it is named after.`, hint: LOOK });
      } else if (previous !== present) {
        const known = previous !== null && digests.includes(previous);
        (known ? warnings : problems).push({
          path, code: known ? 'roster-rollback' : 'roster-fork', hint: LOOK,
          message: known ? `${path} proposes version ${String(version)}, but the roster is at version ${String(roster.version)} already.`
            : `${path} proposes a version ${String(version)} that follows from no version of this roster.`,
        });
      } else {
        const names = badSigners(signed, roster);
        if (names.length > 0) problems.push({ path, code: 'signature-invalid', message: `Signatures on ${path} are not good: ${names.join(', ')}.`, hint: LOOK });
      }
    } catch (error) {
      problems.push(findingOf(error, { path }));
    }
  }
}

const LOOK = 'See "vault admin list", and ask who made it. Nothing is lost by removing a proposal.';
