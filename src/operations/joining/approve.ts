import { isVaultError, VaultError } from '../../errors.ts';
import type { Signer } from '../../items/seal.ts';
import type { RefusalCode } from '../../joining/refusal.ts';
import { checkName } from '../../names.ts';
import type { Trust, Workspace } from '../workspace.ts';
import { admitInventoryNode, listUnadmitted, readAdmission, readInventoryNode, type InventoryNode } from './admissions.ts';
import { admitRequest, refuseRequest } from './admitRequest.ts';
import { namesByKey } from './knownNames.ts';
import { listPending, type PendingRequest } from './requests.ts';

/** What a person may approve. */
export interface Candidates {
  readonly requests: readonly PendingRequest[];
  readonly nodes: readonly InventoryNode[];
}

/** All requests; all nodes of the inventory that nobody signed for as they are; or those of these names, a request before what lies in the inventory. */
export type Wanted = 'requests' | 'inventory' | { readonly names: readonly string[]; readonly fingerprint?: string | undefined };

export interface Approved {
  readonly name: string;
  /** `gone`: somebody else dealt with it, or it changes all the time. */
  readonly state: 'admitted' | 'refused' | 'gone';
  readonly code?: RefusalCode;
}

/**
 * Finds what there is to approve. Of several requests under one name none is taken, unless its fingerprint is given.
 * @throws VaultError party-not-found; request-not-found, where a name stands for several requests; key-invalid
 */
export async function candidates(workspace: Workspace, trust: Trust, wanted: Wanted): Promise<Candidates> {
  const { store, warn } = workspace;
  if (wanted === 'inventory') {
    const nodes: InventoryNode[] = [];
    for (const { name } of await listUnadmitted(store, trust)) {
      const node = await readInventoryNode(store, name).catch((error: unknown) => {
        if (!isVaultError(error) || error.code === 'store-unreachable') throw error;
        warn(`${name} is left out: ${error.message}`);
      });
      if (node !== undefined) nodes.push(node);
    }
    return { requests: [], nodes };
  }
  const byName = new Map<string, PendingRequest[]>();
  for (const each of await listPending(workspace, trust)) byName.set(each.request.name, [...byName.get(each.request.name) ?? [], each]);
  if (wanted === 'requests') {
    const requests: PendingRequest[] = [];
    for (const [name, found] of byName) {
      const proven = found.filter(isProven);
      if (proven.length > 1) warn(`${name} is left out: ${ambiguity(name, proven).message}`);
      requests.push(...found.filter((each) => proven.length <= 1 || !isProven(each)));
    }
    return { requests, nodes: [] };
  }
  const [requests, nodes]: [PendingRequest[], InventoryNode[]] = [[], []];
  for (const name of new Set(wanted.names)) {
    checkName('node', name);
    const found = (byName.get(name) ?? []).filter(({ fingerprint }) => wanted.fingerprint === undefined || fingerprint === wanted.fingerprint);
    const proven = found.filter(isProven);
    if (proven.length > 1) throw ambiguity(name, proven);
    const node = proven.length > 0 ? undefined : await unadmittedNode(workspace, trust, name, found.length > 0);
    if (node === undefined) requests.push(...proven.length > 0 ? proven : found);
    else if (wanted.fingerprint === undefined || node.fingerprint === wanted.fingerprint) nodes.push(node);
    else throw new VaultError('request-not-found', `${name} does not ask to join with the key ${JSON.stringify(wanted.fingerprint.slice(0, 60))}, and has the key ${node.fingerprint} in the inventory.`, { hint: 'See "vault node requests" and "vault node show".', details: { name } });
  }
  return { requests, nodes };
}

/** Anybody who can write to the store can file what no token proves: it stands in nobody's way, and is refused. */
function isProven({ problem }: PendingRequest): boolean {
  return problem !== 'token-invalid';
}

/** What lies in the inventory under a name, where nobody signed for it. @param mayMiss whether there may be none @throws VaultError party-not-found */
async function unadmittedNode({ store }: Workspace, trust: Trust, name: string, mayMiss: boolean): Promise<InventoryNode | undefined> {
  const admission = await readAdmission(store, trust, name);
  if (admission.kind === 'admitted' || (mayMiss && (admission.kind === 'absent' || admission.why === 'incomplete'))) return undefined;
  return await readInventoryNode(store, name);
}

/** Admits what a person was shown. */
export async function approve(workspace: Workspace, trust: Trust, signer: Signer, { requests, nodes }: Candidates): Promise<Approved[]> {
  const approved: Approved[] = [];
  const known = requests.length === 0 ? new Map<string, string[]>() : await namesByKey(workspace.store);
  for (const { filed, request: { name }, fingerprint } of requests) {
    const outcome = await admitRequest(workspace, trust, signer, filed, { approved: true, namesWithKey: (sought) => Promise.resolve(known.get(sought) ?? []) });
    if (outcome.kind === 'refused') approved.push({ name, state: 'refused', code: outcome.code });
    else if (outcome.kind === 'admitted') {
      known.set(fingerprint, [...known.get(fingerprint) ?? [], name]);
      approved.push({ name, state: 'admitted' });
    } else approved.push({ name, state: 'gone' });
  }
  for (const node of nodes) {
    await admitInventoryNode(workspace, trust, signer, node);
    approved.push({ name: node.node.name, state: 'admitted' });
  }
  return approved;
}

/** Refuses every request under a name. @returns how many there were @throws VaultError request-not-found */
export async function refusePending(workspace: Workspace, trust: Trust, signer: Signer, name: string): Promise<number> {
  const pending = (await listPending(workspace, trust)).filter(({ request }) => request.name === name);
  if (pending.length === 0) throw new VaultError('request-not-found', `Nobody asks to join as ${JSON.stringify(name.slice(0, 200))}.`, { hint: 'See "vault node requests".', details: { name: name.slice(0, 200) } });
  for (const { filed } of pending) await refuseRequest(workspace, trust, signer, filed);
  return pending.length;
}

function ambiguity(name: string, found: readonly PendingRequest[]): VaultError {
  const fingerprints = found.map(({ fingerprint }) => fingerprint);
  return new VaultError('request-not-found', `${String(found.length)} machines ask to join as ${name}, with the keys ${fingerprints.join(', ')}.`, {
    hint: 'Compare the fingerprints with what "vault agent join" printed, and name the right one with --fingerprint.', details: { name, fingerprints },
  });
}
