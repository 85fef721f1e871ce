import { isVaultError, VaultError } from '../../errors.ts';
import type { Store } from '../../stores/store.ts';
import { approvalOf, compareRosters, proposalState, type Approval, type ProposalState, type RosterDifference } from '../../trust/proposal.ts';
import { parseRoster, rosterDigest, type Roster, type SignedRoster } from '../../trust/roster.ts';

/** A roster that was proposed, against the present one. */
export interface Proposal {
  readonly fingerprint: string;
  /** `unsigned`: no admin's good signature is on it, so no admin proposed it. */
  readonly state: ProposalState | 'unsigned';
  readonly signed: SignedRoster;
  readonly approval: Approval;
  /** What it changes, where it is open or unsigned. */
  readonly difference?: RosterDifference;
}

/** A file among the proposals that is none. */
export interface DamagedProposal {
  readonly fingerprint: string;
  readonly error: VaultError;
}

export interface ProposalList {
  readonly proposals: readonly Proposal[];
  readonly damaged: readonly DamagedProposal[];
}

/** Everything that lies among the proposals. Whoever writes the store can put something there: nothing of it is to be believed. */
export async function listProposals(store: Store, present: Roster): Promise<ProposalList> {
  const proposals: Proposal[] = [];
  const damaged: DamagedProposal[] = [];
  for (const fingerprint of await store.listProposals()) {
    try {
      const signed = await readProposal(store, fingerprint);
      if (signed !== undefined) proposals.push(judgeProposal(fingerprint, signed, present));
    } catch (error) {
      if (!isVaultError(error, 'document-invalid', 'document-not-canonical', 'format-unsupported')) throw error;
      damaged.push({ fingerprint, error });
    }
  }
  return { proposals, damaged };
}

/** @throws VaultError proposal-not-found, document-invalid, document-not-canonical, format-unsupported */
export async function findProposal(store: Store, fingerprint: string, present: Roster): Promise<Proposal> {
  const signed = await readProposal(store, fingerprint);
  if (signed === undefined) throw notFound(`There is no proposal ${fingerprint}.`, { fingerprint });
  return judgeProposal(fingerprint, signed, present);
}

async function readProposal(store: Store, fingerprint: string): Promise<SignedRoster | undefined> {
  const bytes = await store.readProposal(fingerprint);
  return bytes === undefined ? undefined : parseProposal(bytes, fingerprint);
}

/** A proposal must be the roster whose digest it lies under. */
export function parseProposal(bytes: Uint8Array, fingerprint: string): SignedRoster {
  const source = `trust/proposals/${fingerprint}.json`;
  const signed = parseRoster(bytes, source);
  if (rosterDigest(signed.roster) === fingerprint) return signed;
  throw new VaultError('document-invalid', `${source} holds another roster than its name says: ${rosterDigest(signed.roster)}.`, {
    hint: 'Remove it with "vault admin withdraw", and propose the change anew.', details: { source },
  });
}

function judgeProposal(fingerprint: string, signed: SignedRoster, present: Roster): Proposal {
  const state = proposalState(signed.roster, present);
  const approval = approvalOf(signed, present);
  if (state !== 'open') return { fingerprint, state, signed, approval };
  return { fingerprint, state: approval.signed.length === 0 ? 'unsigned' : 'open', signed, approval, difference: compareRosters(present, signed.roster) };
}

/** The one proposal that admins made and that can take effect. @throws VaultError proposal-not-found where there is none, or more than one */
export async function onlyOpenProposal(store: Store, present: Roster): Promise<Proposal> {
  const open = (await listProposals(store, present)).proposals.filter(({ state }) => state === 'open');
  const [only, ...more] = open;
  if (only === undefined) throw notFound('There is no open proposal.', {});
  if (more.length > 0) throw notFound(`There are ${String(open.length)} open proposals, of which one can take effect.`, { proposals: open.map(({ fingerprint }) => fingerprint) });
  return only;
}

/**
 * Removes a proposal.
 * @throws VaultError proposal-not-found; store-conflict for one that is in effect and not finished
 */
export async function withdrawProposal(store: Store, fingerprint: string, present: Roster): Promise<void> {
  if (fingerprint === rosterDigest(present)) {
    throw new VaultError('store-conflict', `That proposal is in effect: it is version ${String(present.version)} of the roster.`, {
      hint: 'Finish it with "vault admin approve"; to take the change back, propose the opposite.', details: { fingerprint, version: present.version },
    });
  }
  if (await store.readProposal(fingerprint) === undefined) throw notFound(`There is no proposal ${fingerprint}.`, { fingerprint });
  await store.changeProposal(fingerprint, () => undefined);
}

function notFound(message: string, details: Record<string, unknown>): VaultError {
  return new VaultError('proposal-not-found', message, { hint: 'See "vault admin list", and name one by its fingerprint.', details });
}
