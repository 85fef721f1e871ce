import { isVaultError } from '../../errors.ts';
import { parseInvitation } from '../../joining/invitation.ts';
import { parseRefusal } from '../../joining/refusal.ts';
import type { Workspace } from '../workspace.ts';
import { joinStoreOf } from './joinStore.ts';

/** A refusal is for a node that waits for it. */
const REFUSAL_MS = 86_400_000;
/** An invitation that ended is kept for whoever asks how a node came in. */
const INVITATION_MS = 30 * 86_400_000;

/** Removes refusals of yesterday, and invitations that ended a month ago: nothing that anything goes by. */
export async function forgetOld({ store, now }: Workspace): Promise<void> {
  const joining = joinStoreOf(store);
  const isOver = (time: () => string, after: number): boolean => {
    try {
      return Date.parse(time()) + after < now().getTime();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      return false; // Not ours to judge: "vault node invitations" says that it is damaged.
    }
  };
  for await (const { id, bytes, source } of joining.listRefusals()) {
    if (isOver(() => parseRefusal(bytes, source).refusal.time, REFUSAL_MS)) await joining.removeRefusal(id);
  }
  for (const id of await joining.listInvitations()) {
    const document = await joining.readInvitation(id);
    if (document !== undefined && isOver(() => parseInvitation(document.bytes, document.source).invitation.expires, INVITATION_MS)) await joining.removeInvitation(id);
  }
}
