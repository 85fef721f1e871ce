import { isVaultError, VaultError } from '../../errors.ts';
import { encodeInvitation, isSignedInvitation, parseInvitation, type Invitation, type StoredInvitation } from '../../joining/invitation.ts';
import { timeText } from '../../joining/statement.ts';
import type { JoinDocument } from '../../stores/joining.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { joinStoreOf } from './joinStore.ts';

/** `untrusted`: nobody on the roster signed it, so nobody is admitted by it. */
export type InvitationState = 'open' | 'expired' | 'used-up' | 'revoked' | 'untrusted';

export interface ListedInvitation {
  readonly id: string;
  readonly state: InvitationState;
  /** Absent where what lies there is none. */
  readonly invitation?: Invitation;
  readonly used: number;
  /** Names of the nodes that joined with it, removed ones too. */
  readonly joined: readonly string[];
}

/** Every invitation that is remembered, the newest first. @throws VaultError store-unsupported */
export async function listInvitations({ store, now }: Workspace, trust: Trust): Promise<ListedInvitation[]> {
  const joining = joinStoreOf(store);
  const found: ListedInvitation[] = [];
  for (const id of await joining.listInvitations()) {
    const document = await joining.readInvitation(id);
    if (document === undefined) continue;
    const joined = await joining.listJoined(id);
    const stored = parsed(document);
    found.push(stored === undefined ? { id, state: 'untrusted', used: 0, joined } : { id, state: stateOf(id, stored, trust, now()), invitation: stored.invitation, used: stored.used, joined });
  }
  const time = ({ invitation }: ListedInvitation): string => invitation?.time ?? '';
  return found.sort((a, b) => (time(a) < time(b) ? 1 : time(a) > time(b) ? -1 : 0));
}

/** Nobody joins with it any more. @returns what it says, and how often it was used @throws VaultError invitation-not-found, store-unsupported */
export async function revokeInvitation({ store, now }: Workspace, id: string): Promise<StoredInvitation> {
  const joining = joinStoreOf(store);
  for (;;) {
    const document = /^[0-9a-f]{32}$/.test(id) ? await joining.readInvitation(id) : undefined;
    if (document === undefined) throw new VaultError('invitation-not-found', `There is no invitation ${JSON.stringify(id.slice(0, 60))}.`, { hint: 'See "vault node invitations".', details: { id: id.slice(0, 60) } });
    const stored = parseInvitation(document.bytes, document.source);
    if (stored.revoked !== null) return stored;
    const revoked = { ...stored, revoked: timeText(now()) };
    try {
      await joining.writeInvitation(id, encodeInvitation(revoked), document.revision);
      return revoked;
    } catch (error) {
      if (!isVaultError(error, 'store-conflict')) throw error; // A node joined just now.
    }
  }
}

function stateOf(id: string, stored: StoredInvitation, { roster, repository }: Trust, now: Date): InvitationState {
  if (stored.invitation.id !== id || !isSignedInvitation(stored, roster, repository)) return 'untrusted';
  if (stored.revoked !== null) return 'revoked';
  if (Date.parse(stored.invitation.expires) < now.getTime()) return 'expired';
  return stored.used >= stored.invitation.uses ? 'used-up' : 'open';
}

function parsed({ bytes, source }: JoinDocument): StoredInvitation | undefined {
  try {
    return parseInvitation(bytes, source);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return undefined;
  }
}
