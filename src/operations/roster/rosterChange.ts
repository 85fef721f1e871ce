import { isVaultError, VaultError } from '../../errors.ts';
import { timeText, type Signer } from '../../items/seal.ts';
import type { Identity } from '../../sealing/identity.ts';
import { addSignature, approvalOf, compareRosters, isSatisfied, nextRoster, requireReachable, sameContent, stale, type Approval, type RosterChange, type RosterDifference } from '../../trust/proposal.ts';
import { encodeRoster, fullAdmins, parseRoster, rosterDigest, type Admin, type Roster, type SignedRoster } from '../../trust/roster.ts';
import type { Identities } from '../openItem.ts';
import { fullSignerOf, trustRoster, type Trust, type Workspace } from '../workspace.ts';
import { findProposal, listProposals, onlyOpenProposal, parseProposal, type Proposal } from './proposals.ts';
import type { ItemOutcome, ResealItems } from './resealItems.ts';
import { writeUserDocuments } from './userDocuments.ts';

/** Who changes the roster, and with what. */
export interface RosterWork {
  readonly workspace: Workspace;
  readonly trust: Trust;
  readonly signer: Signer;
  readonly resealItems: ResealItems;
}

/** What became of a change. */
export interface RosterOutcome {
  /** `ready`: it has its quorum, and an admin who stays must carry it out. */
  readonly state: 'in-effect' | 'proposed' | 'ready';
  readonly fingerprint: string;
  readonly roster: Roster;
  readonly difference: RosterDifference;
  readonly approval: Approval;
  /** The signer had signed it before. */
  readonly alreadySigned: boolean;
  /** Items that were written for it, or should have been. */
  readonly items: readonly ItemOutcome[];
}

/**
 * Verifies the roster, which must have been used here or be named by its fingerprint, and finds the first identity that is on it.
 * The caller wipes it.
 * @throws VaultError roster-*, not-an-admin, identity-*
 */
export async function beginRosterWork(workspace: Workspace, identities: Identities, resealItems: ResealItems): Promise<RosterWork> {
  const trust = await trustRoster(workspace, { firstUse: 'refuse' });
  let first: Identity | undefined;
  for await (const { identity } of identities) {
    if (isAdminOf(trust.roster, identity)) return { workspace, trust, signer: fullSignerOf(trust.roster, identity, ACT), resealItems };
    first ??= identity;
    identity.wipe();
  }
  if (first === undefined) throw new VaultError('identity-missing', 'No identity was given.');
  return { workspace, trust, signer: fullSignerOf(trust.roster, first, ACT), resealItems };
}

const ACT = 'change the roster';

function isAdminOf(roster: Roster, { signingKey }: Identity): boolean {
  return signingKey !== undefined && fullAdmins(roster).some(({ signing_key }) => signing_key === signingKey.line);
}

/**
 * Proposes a change and signs it; where that is a quorum, carries it out. Somebody else's proposal of the same is signed instead.
 * @param agree asked before anything is written, with the version that it comes to; throws to stop
 * @throws VaultError party-exists, party-not-found, roster-unreachable, and as {@link approveProposal}
 */
export async function proposeChange(work: RosterWork, change: RosterChange, agree: (difference: RosterDifference) => Promise<void>): Promise<RosterOutcome> {
  const finished = await finishInterrupted(work);
  const { roster } = work.trust;
  if (finished !== undefined && isSatisfied(roster, change)) return finished;
  if (change.add === undefined && change.remove === undefined && isSatisfied(roster, change)) return { ...await effectOf(work), state: 'in-effect', alreadySigned: true, items: [] };
  const next = nextRoster(roster, change, timeText(work.workspace.now()));
  await agree(compareRosters(roster, next));
  const { proposals } = await listProposals(work.workspace.store, roster);
  const same = proposals.find(({ state, signed }) => state === 'open' && sameContent(signed.roster, next));
  return await sign(work, same?.signed ?? { roster: next, signatures: [] });
}

/**
 * Signs a proposal; where that is a quorum, carries it out.
 * @param fingerprint the only open one where undefined
 * @param agree asked before it is signed; throws to stop
 * @throws VaultError proposal-not-found, store-conflict where another change came first, and the code of the first item that keeps
 *   the change from being carried out, with all of them in `details.items`
 */
export async function approveProposal(work: RosterWork, fingerprint: string | undefined, agree: (proposal: Proposal) => Promise<void>): Promise<RosterOutcome> {
  const { workspace: { store }, trust: { roster } } = work;
  const finished = await finishInterrupted(work);
  if (finished !== undefined && (fingerprint === undefined || fingerprint === finished.fingerprint)) return finished;
  if (fingerprint === rosterDigest(roster)) return { ...await effectOf(work), state: 'in-effect', alreadySigned: true, items: [] };
  const proposal = fingerprint === undefined ? await onlyOpenProposal(store, roster) : await findProposal(store, fingerprint, roster);
  if (proposal.state === 'stale') throw stale(proposal.signed.roster, roster);
  if (proposal.state === 'unsigned') {
    throw new VaultError('proposal-not-found', `No admin has signed the proposal ${proposal.fingerprint}: nobody knows who put it there.`, {
      hint: 'If you want that change, propose it yourself; remove this one with "vault admin withdraw".', details: { fingerprint: proposal.fingerprint },
    });
  }
  requireReachable(proposal.signed.roster);
  await agree(proposal);
  return await sign(work, proposal.signed);
}

/** Adds the signature durably, then goes on to {@link carryOut} if that may be. What is stored as a proposal is the journal of it. */
async function sign(work: RosterWork, proposed: SignedRoster): Promise<RosterOutcome> {
  const { workspace: { store }, trust: { roster }, signer } = work;
  const fingerprint = rosterDigest(proposed.roster);
  let signed = proposed;
  let alreadySigned = false;
  await store.changeProposal(fingerprint, (present) => {
    const before = present === undefined ? proposed : parseProposal(present, fingerprint);
    signed = addSignature(before, roster, signer);
    alreadySigned = signed === before;
    return encodeRoster(signed);
  });
  const difference = compareRosters(roster, signed.roster);
  const approval = approvalOf(signed, roster);
  const outcome = { fingerprint, roster: signed.roster, difference, approval, alreadySigned };
  if (approval.needed > 0) return { ...outcome, state: 'proposed', items: [] };
  // Whoever is not on the next version cannot sign items for it.
  if (difference.lost.some(({ name }) => name === signer.name)) return { ...outcome, state: 'ready', items: [] };
  return { ...outcome, state: 'in-effect', items: await carryOut(work, signed, difference) };
}

/** A removal is carried out in the items first, an addition in the roster first: at no time is somebody able to open what they should not. */
async function carryOut(work: RosterWork, signed: SignedRoster, { lost }: RosterDifference): Promise<ItemOutcome[]> {
  const { workspace, trust, signer, resealItems } = work;
  const resealed = lost.length === 0 ? [] : await resealItems(workspace, trust, { gained: [], lost, vouched: lost, next: signed.roster, signer });
  refuseFailed(resealed, lost.map(({ name }) => name));
  await writeVersion(work, signed);
  return [...resealed, ...await finish({ ...work, trust: await trustRoster(workspace) }, trust.roster, lost)];
}

/** @throws VaultError store-conflict where another change of the same version came first */
async function writeVersion({ workspace: { store } }: RosterWork, signed: SignedRoster): Promise<void> {
  const { version } = signed.roster;
  try {
    await store.writeRoster(version, encodeRoster(signed));
  } catch (error) {
    if (!isVaultError(error, 'store-conflict')) throw error;
    const found = await store.readRoster(version);
    // Another admin reached the quorum at the same time, with the same change.
    if (found !== undefined && rosterDigest(parseRoster(found, `trust/${String(version)}.json`).roster) === rosterDigest(signed.roster)) return;
    throw new VaultError('store-conflict', `Another change of the roster came first: there is a version ${String(version)} already.`, {
      cause: error, hint: 'Look at it with "vault admin list", then propose your change anew.', details: { version },
    });
  }
}

/** What follows once the newest roster is written: its admins' documents, items that somebody wrote meanwhile, the newcomers; then the proposal goes. */
async function finish({ workspace, trust, signer, resealItems }: RosterWork, before: Roster, vouched: readonly Admin[]): Promise<readonly ItemOutcome[]> {
  const { gained, lost } = compareRosters(before, trust.roster);
  await writeUserDocuments(workspace.store, trust.roster, lost);
  const items = gained.length === 0 && lost.length === 0 ? [] : await resealItems(workspace, trust, { gained, lost, vouched, next: trust.roster, signer });
  await workspace.store.changeProposal(rosterDigest(trust.roster), () => undefined);
  return items;
}

/** A proposal that is the newest roster already: whoever carried it out was interrupted. @returns undefined where there is none */
async function finishInterrupted(work: RosterWork): Promise<RosterOutcome | undefined> {
  const { store } = work.workspace;
  const { roster } = work.trust;
  if (roster.version === 1 || await store.readProposal(rosterDigest(roster)) === undefined) return undefined;
  const effect = await effectOf(work);
  work.workspace.notice(`Finishing version ${String(roster.version)} of the roster, which an earlier run began.`);
  const items = await finish(work, await versionBefore(work), []);
  return { ...effect, state: 'in-effect', alreadySigned: true, items };
}

/** What the newest version changed. */
async function effectOf(work: RosterWork): Promise<Pick<RosterOutcome, 'fingerprint' | 'roster' | 'difference' | 'approval'>> {
  const { workspace: { store }, trust: { roster } } = work;
  const before = await versionBefore(work);
  const bytes = await store.readRoster(roster.version);
  const signed = bytes === undefined ? { roster, signatures: [] } : parseRoster(bytes, `trust/${String(roster.version)}.json`);
  return { fingerprint: rosterDigest(roster), roster, difference: compareRosters(before, roster), approval: { ...approvalOf(signed, before), needed: 0 } };
}

/** The version before the newest, which names it by its digest. @throws VaultError roster-broken */
async function versionBefore({ workspace: { store }, trust: { roster } }: RosterWork): Promise<Roster> {
  if (roster.previous === null) return roster;
  const version = roster.version - 1;
  const bytes = await store.readRoster(version);
  const before = bytes === undefined ? undefined : parseRoster(bytes, `trust/${String(version)}.json`).roster;
  if (before !== undefined && rosterDigest(before) === roster.previous) return before;
  throw new VaultError('roster-broken', `Version ${String(version)} of the roster is not the one that version ${String(roster.version)} follows from.`, {
    hint: 'Restore trust/ from version control: all of it belongs together.', details: { version },
  });
}

/** A removal does not go on while there is an item that the removed would still open, or that only they vouch for. */
function refuseFailed(outcomes: readonly ItemOutcome[], lost: readonly string[]): void {
  const failed = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
  const [first] = failed;
  if (first === undefined) return;
  throw new VaultError(first.error.code, `The roster was not changed: ${String(failed.length)} ${failed.length === 1 ? 'item' : 'items'} cannot be sealed or signed anew without ${lost.join(', ')}.\n`
    + failed.map(({ vault, item, error }) => `  ${vault}/${item}: ${error.message}`).join('\n'), {
    cause: first.error,
    hint: `${first.error.code === 'not-a-recipient' ? '' : `${first.error.hint ?? ''} `}An admin who can open ${failed.length === 1 ? 'it' : 'them'} can run "vault admin approve", or "vault evict ${lost[0] ?? 'NAME'}" first.`,
    details: { lost, items: failed.map(({ vault, item, error }) => ({ vault, item, code: error.code, message: error.message })) },
  });
}
