import type { Roster } from '../trust/roster.ts';
import { fitsNames, isSignedInvitation, type StoredInvitation } from './invitation.ts';
import type { RefusalCode } from './refusal.ts';
import { isProvenRequest, type SignedRequest } from './request.ts';

/** By how much two clocks may disagree, in milliseconds. */
export const CLOCK_MARGIN_MS: number = 5 * 60_000;

/** What a request is judged by, but for the inventory. */
export interface RequestJudge {
  readonly roster: Roster;
  readonly repository: string;
  readonly now: Date;
}

/**
 * Why a request cannot be admitted by what it and its invitation say (docs/format.md, "Joining"); undefined where it can.
 * @param stored the invitation that lies under the id that the request names; undefined where there is none
 */
export function judgeRequest(signed: SignedRequest, stored: StoredInvitation | undefined, { roster, repository, now }: RequestJudge): RefusalCode | undefined {
  const { request } = signed;
  // 1. an admin invited, here, and whoever asks has the token and the private key
  if (stored === undefined || stored.invitation.id !== request.invitation || request.repository !== repository) return 'token-invalid';
  const { invitation } = stored;
  if (!isSignedInvitation(stored, roster, repository) || !isProvenRequest(signed, invitation)) return 'token-invalid';
  // 2. the invitation holds, now and when it was made use of
  if (stored.revoked !== null) return 'revoked';
  const [asked, invited, expires] = [request.time, invitation.time, invitation.expires].map((text) => Date.parse(text)) as [number, number, number];
  if (now.getTime() > expires + CLOCK_MARGIN_MS || asked > expires + CLOCK_MARGIN_MS) return 'expired';
  if (asked > now.getTime() + CLOCK_MARGIN_MS || asked < invited - CLOCK_MARGIN_MS) return 'clock';
  if (stored.used >= invitation.uses) return 'used-up';
  // 3. the name is one that it allows
  return fitsNames(invitation.names, request.name) ? undefined : 'name-not-allowed';
}
