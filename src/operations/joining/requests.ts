import { isVaultError } from '../../errors.ts';
import type { Invitation } from '../../joining/invitation.ts';
import { isSignedRefusal, parseRefusal, type Refusal, type RefusalCode } from '../../joining/refusal.ts';
import type { JoinRequest } from '../../joining/request.ts';
import { parsePublicKey } from '../../sealing/publicKey.ts';
import type { FiledRequest } from '../../stores/joining.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { judgeFiled } from './admitRequest.ts';
import { joinStoreOf } from './joinStore.ts';
import { namesByKey } from './knownNames.ts';

/** A request that waits to be dealt with. */
export interface PendingRequest {
  readonly filed: FiledRequest;
  readonly request: JoinRequest;
  readonly fingerprint: string;
  /** What it would be admitted by; undefined where there is no such invitation that an admin signed. */
  readonly invitation: Invitation | undefined;
  /** What it would be refused for. */
  readonly problem: RefusalCode | undefined;
}

/** @throws VaultError store-unsupported */
export async function listPending(workspace: Workspace, trust: Trust): Promise<PendingRequest[]> {
  const pending: PendingRequest[] = [];
  let known: Promise<Map<string, string[]>> | undefined;
  const namesWithKey = async (fingerprint: string): Promise<readonly string[]> => (await (known ??= namesByKey(workspace.store))).get(fingerprint) ?? [];
  for await (const filed of joinStoreOf(workspace.store).listRequests()) {
    const judged = await judgeFiled(workspace, trust, filed, { namesWithKey });
    if (judged.kind === 'junk') continue;
    const { request } = judged;
    pending.push({
      filed, request, fingerprint: parsePublicKey(request.public_key).fingerprint,
      invitation: judged.kind === 'good' ? judged.invitation.invitation : judged.kind === 'bad' ? judged.invitation : undefined,
      problem: judged.kind === 'bad' ? judged.code : undefined,
    });
  }
  return pending;
}

/** Requests that were refused of late, and why: what somebody on the roster signed. @throws VaultError store-unsupported */
export async function listRefusals({ store }: Workspace, { roster, repository }: Trust): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for await (const { bytes, source } of joinStoreOf(store).listRefusals()) {
    try {
      const signed = parseRefusal(bytes, source);
      if (isSignedRefusal(signed, roster, repository)) refusals.push(signed.refusal);
    } catch (error) {
      if (!isVaultError(error)) throw error;
    }
  }
  return refusals;
}
