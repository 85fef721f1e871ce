import { VaultError } from '../errors.ts';
import { nearest } from '../json/validate.ts';
import { FORMAT } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import { parseSigningKey } from '../sealing/publicKey.ts';
import { countSignatures, fullAdmins, isFullAdmin, rosterDigest, signRoster, type Admin, type Roster, type SignedRoster } from './roster.ts';

/** What somebody wants the next version of the roster to be, beside what the present one is. */
export interface RosterChange {
  readonly add?: readonly Admin[];
  /** Names. */
  readonly remove?: readonly string[];
  /** As it is where undefined. */
  readonly quorum?: number | undefined;
}

/** How one version differs from another. Somebody who has other keys in it is lost, and gained again. */
export interface RosterDifference {
  readonly gained: readonly Admin[];
  readonly lost: readonly Admin[];
  readonly quorum: { readonly before: number; readonly after: number };
}

/** Whose signatures a proposal has. */
export interface Approval {
  /** Names of admins of the present version whose signature is good. */
  readonly signed: readonly string[];
  readonly missing: readonly string[];
  /** How many more keys must sign; 0 where the quorum is reached. */
  readonly needed: number;
}

/** `stale`: of another version than the next, or not following from the present one. */
export type ProposalState = 'open' | 'in-effect' | 'stale';

/**
 * The version after `present`.
 * @param time RFC 3339, UTC, to the second
 * @throws VaultError party-exists, party-not-found, roster-unreachable
 */
export function nextRoster(present: Roster, { add = [], remove = [], quorum = present.quorum }: RosterChange, time: string): Roster {
  const known = present.admins.map(({ name }) => name);
  for (const { name } of add) {
    if (!known.includes(name)) continue;
    throw new VaultError('party-exists', `${name} is an admin already (roster version ${String(present.version)}).`, {
      hint: 'To give an admin other keys, remove it first: "vault admin remove NAME".', details: { name },
    });
  }
  for (const newcomer of add) {
    const other = present.admins.find(({ name, signing_key }) => signing_key === newcomer.signing_key && !remove.includes(name));
    if (other === undefined || isFullAdmin(other) === isFullAdmin(newcomer)) continue;
    throw new VaultError('party-exists', `${newcomer.name} would have the signing key of ${other.name}, who has other rights on the roster.`, {
      hint: 'Give a refresher an identity of its own: "vault key generate".', details: { name: newcomer.name, other: other.name },
    });
  }
  for (const name of remove) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new VaultError('party-not-found', `${JSON.stringify(name.slice(0, 200))} is not an admin on the roster (version ${String(present.version)}).`, {
      hint: near === undefined ? `Admins are: ${known.join(', ')}.` : `Did you mean ${near}?`, details: { name, admins: known },
    });
  }
  const admins = [...present.admins.filter(({ name }) => !remove.includes(name)), ...add];
  const next: Roster = { format: FORMAT, type: 'roster', version: present.version + 1, admins, quorum, time, previous: rosterDigest(present) };
  requireReachable(next);
  return next;
}

/** A roster that nobody could ever change again must not be. @throws VaultError roster-unreachable */
export function requireReachable(roster: Roster): void {
  const { quorum, version } = roster;
  const admins = fullAdmins(roster);
  // Two names with one key are one signer.
  const keys = new Set(admins.map(({ signing_key }) => parseSigningKey(signing_key).fingerprint)).size;
  if (keys > 0 && Number.isSafeInteger(quorum) && quorum >= 1 && quorum <= keys) return;
  throw new VaultError('roster-unreachable', keys === 0 ? 'The roster would have no admin left.'
    : `A quorum of ${String(quorum)} could never be reached: the roster would have ${String(keys)} ${keys === 1 ? 'signing key' : 'different signing keys'}.`, {
    hint: keys === 0 ? 'Add another admin first: "vault admin add".' : `Give a quorum from 1 to ${String(keys)} with --quorum.`, details: { version, quorum, admins: admins.map(({ name }) => name), keys },
  });
}

/** Whether `roster` already is as `change` wants it. */
export function isSatisfied(roster: Roster, { add = [], remove = [], quorum }: RosterChange): boolean {
  return add.every((wanted) => roster.admins.some((each) => sameAdmin(each, wanted)))
    && remove.every((name) => !roster.admins.some((each) => each.name === name))
    && (quorum === undefined || quorum === roster.quorum);
}

/** Whether two rosters say the same, whenever they were made. */
export function sameContent(a: Roster, b: Roster): boolean {
  return rosterDigest({ ...a, time: '' }) === rosterDigest({ ...b, time: '' });
}

export function compareRosters(before: Roster, after: Roster): RosterDifference {
  const notIn = (of: Roster, other: Roster): Admin[] => of.admins.filter((admin) => !other.admins.some((each) => sameAdmin(each, admin)));
  return { gained: notIn(after, before), lost: notIn(before, after), quorum: { before: before.quorum, after: after.quorum } };
}

function sameAdmin(a: Admin, b: Admin): boolean {
  return a.name === b.name && a.public_key === b.public_key && a.signing_key === b.signing_key && isFullAdmin(a) === isFullAdmin(b);
}

export function proposalState(proposed: Roster, present: Roster): ProposalState {
  const digest = rosterDigest(present);
  if (rosterDigest(proposed) === digest) return 'in-effect';
  return proposed.version === present.version + 1 && proposed.previous === digest ? 'open' : 'stale';
}

export function approvalOf(signed: SignedRoster, present: Roster): Approval {
  const names = goodSignatures(signed, present).map(({ name }) => name);
  return {
    signed: names,
    missing: fullAdmins(present).map(({ name }) => name).filter((name) => !names.includes(name)),
    needed: Math.max(0, present.quorum - countSignatures(signed, present)),
  };
}

/**
 * The proposal with one more signature; the very same object where that one is there already. Signatures that count for
 * nothing are left out: whoever writes the store could add them without end.
 * @throws VaultError not-an-admin, roster-unreachable; store-conflict for one that is not open
 */
export function addSignature(proposal: SignedRoster, present: Roster, { name, identity }: { readonly name: string; readonly identity: Identity }): SignedRoster {
  if (!fullAdmins(present).some((admin) => admin.name === name && admin.signing_key === identity.signingKey?.line)) {
    throw new VaultError('not-an-admin', `${name} is no admin of the roster's version ${String(present.version)} who may change it, with this key, so its signature counts for nothing.`, {
      hint: 'Use the identity of an admin (no refresher\'s) with --identity.', details: { name },
    });
  }
  if (proposalState(proposal.roster, present) !== 'open') throw stale(proposal.roster, present);
  requireReachable(proposal.roster);
  const good = goodSignatures(proposal, present);
  if (good.some((each) => each.name === name)) return proposal;
  return { roster: proposal.roster, signatures: [...good, signRoster(proposal.roster, name, identity)] };
}

/** The error for a proposal that can no longer take effect. */
export function stale(proposed: Roster, present: Roster): VaultError {
  return new VaultError('store-conflict', `The proposal for version ${String(proposed.version)} does not follow from the present roster, version ${String(present.version)}: another change came first.`, {
    hint: 'Propose the change anew, and remove this one with "vault admin withdraw".', details: { fingerprint: rosterDigest(proposed), version: proposed.version, present: present.version },
  });
}

/** One for each name, in the order in which they were given. */
function goodSignatures(signed: SignedRoster, present: Roster): SignedRoster['signatures'] {
  const good = new Map<string, SignedRoster['signatures'][number]>();
  for (const each of signed.signatures) {
    if (!good.has(each.name) && countSignatures({ roster: signed.roster, signatures: [each] }, present) === 1) good.set(each.name, each);
  }
  return [...good.values()];
}
