import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { isVaultError, VaultError } from '../../errors.ts';
import { parseAdmission, statementProblem } from '../../joining/admission.ts';
import { isSignedRefusal, parseRefusal, type Refusal } from '../../joining/refusal.ts';
import { encodeRequest, requestId, signRequest } from '../../joining/request.ts';
import { tokenIdentity, type JoinToken } from '../../joining/token.ts';
import { checkName } from '../../names.ts';
import type { Identity } from '../../sealing/identity.ts';
import { readPin, rememberPin } from '../../state/pins.ts';
import type { JoinDocument, JoinStore } from '../../stores/joining.ts';
import { pinOf } from '../../trust/walk.ts';
import { walkFrom } from '../../trust/walkFrom.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { joinStoreOf } from './joinStore.ts';
import { joinRefused } from './joinRefused.ts';

export interface JoinWish {
  readonly name: string;
  readonly identity: Identity;
  readonly token: JoinToken;
  /** How long to wait for an answer, in milliseconds; 0: not at all. */
  readonly wait: number;
}

/** `filed`: the request waits for somebody who admits it. */
export interface Joining {
  readonly state: 'admitted' | 'filed';
  /** What of the roster the node is to pin. */
  readonly pin: string;
  readonly repository: string;
}

/** Somebody who may write requests may remove others': a node that waits files its own again. */
const REFILE_MS = 60_000;

/**
 * Asks to be let in as a node, by a token; asks nothing where the node was admitted before. Can be run again at any time.
 * @throws VaultError store-unsupported, repository-mismatch, roster-*; join-refused with `details.reason`; wait-timed-out
 */
export async function join(workspace: Workspace, wish: JoinWish): Promise<Joining> {
  const { name, identity, token, wait } = wish;
  const { store, now } = workspace;
  checkName('node', name);
  const joining = joinStoreOf(store);
  const trust = await trustByToken(workspace, token);
  const { repository } = trust;
  const done = (state: Joining['state']): Joining => ({ state, pin: trust.digest, repository });
  const proof = tokenIdentity(token);
  try {
    const sign = (): ReturnType<typeof signRequest> => signRequest({ repository, invitation: token.invitation, name, time: now() }, identity, proof);
    const id = requestId(sign().request);
    if (await outcomeOf(workspace, wish, id, Infinity) === 'admitted') return done('admitted');
    const file = async (): Promise<number> => await joining.fileRequest(name, id, encodeRequest(sign()));
    let filed = await file();
    if (wait === 0) return done('filed');
    await untilDealtWith(joining, name, id, wait, async () => await outcomeOf(workspace, wish, id, filed) === 'admitted', async () => { filed = await file(); });
    return done('admitted');
  } finally {
    proof.wipe();
  }
}

/** Walks to the newest roster from the one that the token names, or from a newer one that was trusted here. */
async function trustByToken({ store, state }: Workspace, { pin }: Pick<JoinToken, 'pin'>): Promise<Trust & { readonly digest: string }> {
  const remembered = await readPin(state, store.location);
  if (remembered !== undefined && remembered.repository !== pin.repository) {
    throw new VaultError('repository-mismatch', `The token is for another repository than the one that was trusted at ${store.location}.`, {
      hint: 'Ask for a token of this repository, or correct where the store is.', details: { remembered: remembered.repository, token: pin.repository },
    });
  }
  const walked = await walkFrom(store, remembered !== undefined && remembered.version >= pin.version ? remembered : pin);
  const newest = pinOf(walked);
  await rememberPin(state, store.location, { ...newest, repository: pin.repository });
  return { roster: walked.roster, repository: pin.repository, digest: newest.digest };
}

/**
 * What became of a request, as far as somebody on the roster signed it.
 * @param after a refusal counts where it is of a later revision
 * @throws VaultError join-refused
 */
async function outcomeOf(workspace: Workspace, { name, identity, token }: JoinWish, id: string, after: number): Promise<'admitted' | undefined> {
  const { admission, refusal } = await joinStoreOf(workspace.store).readOutcome(name, id);
  const isNews = refusal !== undefined && refusal.revision > after;
  if (admission === undefined && !isNews) return undefined;
  const trust = await trustByToken(workspace, token); // It may have been changed since.
  if (admission !== undefined && isAdmitted(admission, trust, name, identity.publicKey.fingerprint)) return 'admitted';
  const refused = isNews ? signedRefusal(refusal, trust) : undefined;
  if (refused?.request === id) throw joinRefused(refused, workspace.now());
  return undefined;
}

function isAdmitted({ bytes, source }: JoinDocument, { roster, repository }: Trust, name: string, fingerprint: string): boolean {
  return unlessDamaged(() => {
    const signed = parseAdmission(bytes, source);
    return signed.admission.fingerprint === fingerprint && statementProblem(signed, { roster, repository, name }) === undefined;
  }) === true;
}

function signedRefusal({ bytes, source }: JoinDocument, { roster, repository }: Trust): Refusal | undefined {
  return unlessDamaged(() => {
    const signed = parseRefusal(bytes, source);
    return isSignedRefusal(signed, roster, repository) ? signed.refusal : undefined;
  });
}

/** Looks whenever there is something new. @throws VaultError wait-timed-out, and what `look` throws */
async function untilDealtWith(joining: JoinStore, name: string, id: string, wait: number, look: () => Promise<boolean>, again: () => Promise<void>): Promise<void> {
  const until = performance.now() + wait;
  const news = new EventTarget();
  let told = 0;
  const tell = (): void => {
    told++;
    news.dispatchEvent(new Event('news'));
  };
  const stop = joining.followOutcome(name, id, { changed: tell, problem: (problem) => { if (problem === undefined) tell(); } });
  try {
    for (let refileAt = performance.now() + REFILE_MS; ;) {
      const seen = told;
      if (await look()) return;
      const now = performance.now();
      if (now >= until) throw timedOut(name);
      if (now >= refileAt) {
        await again();
        refileAt = now + REFILE_MS;
      }
      if (seen !== told) continue;
      const over = new AbortController();
      await Promise.race([once(news, 'news', over).catch(() => undefined), delay(Math.max(1, Math.min(until, refileAt) - now), undefined, over).catch(() => undefined)]);
      over.abort();
    }
  } finally {
    stop();
  }
}

function timedOut(name: string): VaultError {
  return new VaultError('wait-timed-out', `Nobody has admitted ${name} yet. Its request is filed.`, {
    hint: 'Run the command again to wait on. An admin sees the request with "vault node requests", and admits it with "vault node approve"; "vault refresh --watch" does so by itself.', details: { name },
  });
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return undefined;
  }
}
