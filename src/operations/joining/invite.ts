import { VaultError } from '../../errors.ts';
import type { Signer } from '../../items/seal.ts';
import { ANY_NAME, encodeInvitation, isNamePattern, MOST_USES, parseInvitation, signInvitation, type Invitation, type InvitedAttributes } from '../../joining/invitation.ts';
import { encodeToken, tokenIdentity } from '../../joining/token.ts';
import { wipe } from '../../sealing/encoding.ts';
import { generateSeed } from '../../sealing/identity.ts';
import { rosterDigest } from '../../trust/roster.ts';
import { fullSignerOf, type Trust, type Workspace } from '../workspace.ts';
import { forgetOld } from './forgetOld.ts';
import { joinStoreOf } from './joinStore.ts';

/** What an admin wants of an invitation. */
export interface InvitationWish {
  readonly attributes: InvitedAttributes;
  /** Pattern of names; any where it is left out. */
  readonly names?: string | undefined;
  readonly approval: boolean;
  readonly uses: number;
  /** In milliseconds from now. */
  readonly validFor: number;
}

/** Longer than this nobody remembers who has a token. */
const MOST_VALID_MS = 90 * 86_400_000;
const LEAST_VALID_MS = 1000;

/**
 * Makes an invitation. What is stored lets nobody join: the secret is in the token alone.
 * @returns the token's line, which is secret
 * @throws VaultError usage; input-too-large, input-too-deep; store-unsupported; not-an-admin for a refresher
 */
export async function invite(workspace: Workspace, { roster, repository }: Trust, { identity }: Signer, wish: InvitationWish): Promise<{ readonly invitation: Invitation; readonly token: string }> {
  const joining = joinStoreOf(workspace.store);
  requireSensible(wish);
  const { name: signer } = fullSignerOf(roster, identity, 'invite nodes');
  const now = workspace.now();
  const seed = generateSeed();
  const id = Buffer.from(generateSeed().subarray(0, 16)).toString('hex');
  const pair = tokenIdentity({ seed });
  try {
    const stored = signInvitation({
      repository, id, public_key: pair.signingKey?.line ?? '', attributes: wish.attributes, names: wish.names ?? ANY_NAME, approval: wish.approval, uses: wish.uses,
      expires: new Date(now.getTime() + wish.validFor), time: now, signer,
    }, identity);
    const bytes = encodeInvitation(stored);
    parseInvitation(bytes, 'The invitation'); // One that nobody could read would let nobody in, and nobody would know why.
    await joining.writeInvitation(id, bytes, 0);
    await forgetOld(workspace);
    return { invitation: stored.invitation, token: encodeToken({ invitation: id, seed, pin: { version: roster.version, digest: rosterDigest(roster), repository } }) };
  } finally {
    pair.wipe();
    wipe(seed);
  }
}

function requireSensible({ names, uses, validFor }: InvitationWish): void {
  const wrong = (message: string, hint: string): VaultError => new VaultError('usage', message, { hint });
  if (uses < 1 || uses > MOST_USES) throw wrong(`An invitation cannot be for ${String(uses)} nodes.`, `Give a number from 1 to ${String(MOST_USES)} with --uses.`);
  if (validFor < LEAST_VALID_MS || validFor > MOST_VALID_MS) throw wrong('An invitation is valid for a second at least, and 90 days at most.', 'Give a time as 30m, 2h or 7d with --expires.');
  if (names !== undefined && !isNamePattern(names)) throw wrong('The pattern of names is none.', 'Give a name, or the beginning and the end of names with one * between them, as web-*.');
}
