import { isVaultError, VaultError } from '../../errors.ts';
import type { Signer } from '../../items/seal.ts';
import { encodeAdmission, signAdmission } from '../../joining/admission.ts';
import { encodeInvitation, parseInvitation, type Invitation, type StoredInvitation } from '../../joining/invitation.ts';
import { judgeRequest } from '../../joining/judge.ts';
import { encodeRefusal, signRefusal, type RefusalCode } from '../../joining/refusal.ts';
import { parseRequest, requestId, type JoinRequest, type SignedRequest } from '../../joining/request.ts';
import { parsePublicKey, parseSigningKey } from '../../sealing/publicKey.ts';
import type { FiledRequest, JoinDocument, JoinStore } from '../../stores/joining.ts';
import { newNodeDocuments } from '../nodes.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { judgeAdmission } from './admissions.ts';
import { joinStoreOf } from './joinStore.ts';
import { namesWithKey } from './knownNames.ts';

export interface AdmitOptions {
  /** A person said yes to this very request: one whose invitation wants that is admitted too. */
  readonly approved?: boolean;
  /** Names of the nodes in the inventory that have a key, by its fingerprint. Where it is left out, the whole inventory is read: who admits many keeps them in mind. */
  readonly namesWithKey?: (fingerprint: string) => Promise<readonly string[]>;
}

/**
 * What became of a request. `admitted` with `already`: the node was admitted before, with this key; `waiting`: a person must approve it, and it was left where it is;
 * `discarded`: what lay there was no request, so nobody is told; `gone`: somebody else dealt with it; `unsettled`: it, or what it goes by, was changed whenever
 * it was dealt with, so it is to be looked at again, after others.
 */
export type RequestOutcome =
  | { readonly kind: 'admitted'; readonly name: string; readonly fingerprint: string; readonly invitation: string | null; readonly already: boolean }
  | { readonly kind: 'refused'; readonly name: string; readonly code: RefusalCode }
  | { readonly kind: 'waiting' | 'discarded' | 'gone' | 'unsettled'; readonly name: string };

/** A request that could be admitted, or why it is refused. */
export type Judgement =
  | { readonly kind: 'good'; readonly request: JoinRequest; readonly invitation: StoredInvitation; readonly document: JoinDocument }
  | { readonly kind: 'bad'; readonly request: JoinRequest; readonly code: RefusalCode; readonly invitation?: Invitation | undefined }
  | { readonly kind: 'already'; readonly request: JoinRequest; readonly invitation: string | null }
  | { readonly kind: 'junk' };

/** Others that admit at the same time are met so often at most before it is told. */
const ATTEMPTS = 20;

/**
 * Verifies a request to join with all that it goes by (docs/format.md, "Joining"), and admits or refuses it in one transaction. Several may do so at once: no invitation
 * is used more often than it says, and no name is given twice.
 * @param signer somebody on the roster, who signs what becomes of it
 * @throws VaultError store-unsupported; store-conflict where there is a newer roster than `trust` knows
 */
export async function admitRequest(workspace: Workspace, trust: Trust, signer: Signer, filed: FiledRequest, options: AdmitOptions = {}): Promise<RequestOutcome> {
  const joining = joinStoreOf(workspace.store);
  const { name } = filed;
  for (let request: FiledRequest | undefined = filed, attempt = 0; attempt < ATTEMPTS; attempt++, request = await joining.readRequest(name, filed.id)) {
    if (request === undefined) return { kind: 'gone', name };
    const judgement = await judgeFiled(workspace, trust, request, options);
    if (judgement.kind === 'junk') {
      if (await joining.removeRequest(request)) return { kind: 'discarded', name };
    } else if (judgement.kind === 'already') {
      const { fingerprint } = parsePublicKey(judgement.request.public_key);
      if (await joining.removeRequest(request)) return { kind: 'admitted', name, fingerprint, invitation: judgement.invitation, already: true };
    } else if (judgement.kind === 'bad') {
      if (await refuse(workspace, trust, signer, joining, request, judgement.request, judgement.code)) return { kind: 'refused', name, code: judgement.code };
    } else if (judgement.invitation.invitation.approval && options.approved !== true) {
      return { kind: 'waiting', name };
    } else if (await admit(workspace, trust, signer, joining, request, judgement)) {
      const { fingerprint } = parsePublicKey(judgement.request.public_key);
      return { kind: 'admitted', name, fingerprint, invitation: judgement.request.invitation, already: false };
    }
  }
  // Whoever may write a request can do so all the time; that others wait for it must not be.
  if (await workspace.store.readRoster(trust.roster.version + 1) === undefined) return { kind: 'unsettled', name };
  throw new VaultError('store-conflict', `The request of ${name} to join could not be dealt with: there is a version ${String(trust.roster.version + 1)} of the roster now.`, {
    hint: 'Run the command again: it then goes by what is there now.', details: { roster: trust.roster.version },
  });
}

/** Refuses a request because a person says so. @returns whether it was still there */
export async function refuseRequest(workspace: Workspace, trust: Trust, signer: Signer, filed: FiledRequest): Promise<boolean> {
  const joining = joinStoreOf(workspace.store);
  const parsed = parsedRequest(filed);
  if (parsed === undefined) return await joining.removeRequest(filed);
  return await refuse(workspace, trust, signer, joining, filed, parsed.request, 'refused');
}

/** Everything that admitting goes by, looked at and left as it is. */
export async function judgeFiled(workspace: Workspace, trust: Trust, filed: FiledRequest, { namesWithKey: lookUp }: AdmitOptions = {}): Promise<Judgement> {
  const { store, now } = workspace;
  const joining = joinStoreOf(store);
  const signed = parsedRequest(filed);
  if (signed === undefined) return { kind: 'junk' };
  const { request } = signed;
  const { name } = request;
  const { fingerprint } = parsePublicKey(request.public_key);
  const { invitation: document, hasJoined, node, client, admission } = await joining.readPremises(filed, request.invitation);
  const present = judgeAdmission(trust, name, admission, { node: node?.bytes, client: client?.bytes });
  if (present.kind === 'admitted' && present.admission.fingerprint === fingerprint) return { kind: 'already', request, invitation: present.admission.invitation };
  const invitation = document === undefined ? undefined : parsedInvitation(document);
  const bad = (code: RefusalCode): Judgement => ({ kind: 'bad', request, code, invitation: code === 'token-invalid' ? undefined : invitation?.invitation });
  const code = judgeRequest(signed, invitation, { ...trust, now: now() });
  if (code !== undefined || invitation === undefined || document === undefined) return bad(code ?? 'token-invalid');
  // A request is good once: whoever was removed comes back by a new invitation, or an admin, and not by a copy of what was filed before.
  if (hasJoined) return bad('used-before');
  if (present.kind !== 'absent') return bad('name-taken');
  const others = await (lookUp ?? ((sought) => namesWithKey(store, sought)))(fingerprint);
  return others.some((other) => other !== name) ? bad('key-known') : { kind: 'good', request, invitation, document };
}

async function admit({ now }: Workspace, { roster, repository }: Trust, signer: Signer, joining: JoinStore, filed: FiledRequest, judged: Judgement & { readonly kind: 'good' }): Promise<boolean> {
  const { request, invitation: stored, document } = judged;
  const { invitation } = stored;
  const publicKey = parsePublicKey(request.public_key);
  const signingKey = publicKey.type === 'ssh-ed25519' ? undefined : parseSigningKey(request.signing_key);
  const documents = newNodeDocuments({ name: request.name, publicKey, signingKey }, invitation.attributes);
  const admission = signAdmission({ repository, name: request.name, fingerprint: publicKey.fingerprint, invitation: invitation.id, documents, time: now() }, signer);
  return await joining.admit({
    request: filed, ...documents, admission: encodeAdmission(admission), roster: roster.version,
    invitation: { id: invitation.id, revision: document.revision, bytes: encodeInvitation({ ...stored, used: stored.used + 1 }) },
  });
}

async function refuse({ now }: Workspace, { repository }: Trust, signer: Signer, joining: JoinStore, filed: FiledRequest, { name, invitation }: JoinRequest, code: RefusalCode): Promise<boolean> {
  return await joining.refuse(filed, encodeRefusal(signRefusal({ repository, name, invitation, request: filed.id, code, time: now() }, signer)));
}

/** Undefined for what is no request of ours, or lies in another's place. */
function parsedRequest({ bytes, source, name, id }: FiledRequest): SignedRequest | undefined {
  const signed = ignoringDamage(() => parseRequest(bytes, source));
  return signed?.request.name === name && requestId(signed.request) === id ? signed : undefined;
}

function parsedInvitation({ bytes, source }: JoinDocument): StoredInvitation | undefined {
  return ignoringDamage(() => parseInvitation(bytes, source));
}

function ignoringDamage<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return undefined;
  }
}
