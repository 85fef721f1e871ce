import { isVaultError, VaultError } from '../../errors.ts';
import { parseClient, parseNode, type Node } from '../../inventory/documents.ts';
import type { Signer } from '../../items/seal.ts';
import { admissionProblem, encodeAdmission, parseAdmission, signAdmission, type Admission, type AdmissionProblem, type NodeDocuments } from '../../joining/admission.ts';
import { checkName } from '../../names.ts';
import type { Store } from '../../stores/store.ts';
import { fullSignerOf, type Trust, type Workspace } from '../workspace.ts';
import { joinStoreOf } from './joinStore.ts';

/**
 * Whether a node is admitted: whether somebody on the roster signed for it as it stands in the inventory. `absent`: the inventory knows no such node, not even a part of it.
 * `damaged`: what lies there is no admission.
 */
export type NodeAdmission =
  | { readonly kind: 'absent' }
  | { readonly kind: 'admitted'; readonly admission: Admission }
  | { readonly kind: 'not-admitted'; readonly why: AdmissionProblem | 'missing' | 'incomplete' | 'damaged' };

/** @throws VaultError store-unsupported */
export async function readAdmission(store: Store, trust: Trust, name: string): Promise<NodeAdmission> {
  const { node, client } = await readDocuments(store, name);
  const isThere = node !== undefined && client !== undefined;
  return judgeAdmission(trust, name, isThere ? await joinStoreOf(store).readAdmission(name) : undefined, { node, client });
}

/** {@link readAdmission} of what was read already. */
export function judgeAdmission(
  { roster, repository }: Trust, name: string, stored: { readonly bytes: Uint8Array; readonly source: string } | undefined, { node, client }: { readonly [document in keyof NodeDocuments]: Uint8Array | undefined },
): NodeAdmission {
  if (node === undefined && client === undefined) return { kind: 'absent' };
  if (node === undefined || client === undefined) return { kind: 'not-admitted', why: 'incomplete' };
  if (stored === undefined) return { kind: 'not-admitted', why: 'missing' };
  try {
    const signed = parseAdmission(stored.bytes, stored.source);
    const why = admissionProblem(signed, { roster, repository, name, documents: { node, client } });
    return why === undefined ? { kind: 'admitted', admission: signed.admission } : { kind: 'not-admitted', why };
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { kind: 'not-admitted', why: 'damaged' };
  }
}

/** A node of the inventory as a person is shown it. */
export interface InventoryNode {
  readonly node: Node;
  readonly fingerprint: string;
  /** The very bytes that were shown. */
  readonly documents: NodeDocuments;
}

/** @throws VaultError party-not-found; key-invalid where it has no key that can be sealed to; input-* */
export async function readInventoryNode(store: Store, name: string): Promise<InventoryNode> {
  const { node, client, source } = await readDocuments(store, checkName('node', name));
  if (node === undefined || client === undefined) {
    throw new VaultError('party-not-found', `There is no node ${name} in the inventory, and no request of it to join.`, { hint: 'See "vault node list" and "vault node requests".', details: { name } });
  }
  return { node: parseNode(node, source, name), fingerprint: parseClient(client, source, name).fingerprint, documents: { node, client } };
}

/** Signs for a node as it was shown: where the inventory says something else by now, the admission does not hold. @throws VaultError not-an-admin for a refresher */
export async function admitInventoryNode({ store, now }: Workspace, { roster, repository }: Trust, signer: Signer, { node: { name }, fingerprint, documents }: InventoryNode): Promise<Admission> {
  fullSignerOf(roster, signer.identity, 'admit a node that nobody invited');
  const signed = signAdmission({ repository, name, fingerprint, invitation: null, documents, time: now() }, signer);
  await joinStoreOf(store).writeAdmission(name, encodeAdmission(signed));
  return signed.admission;
}

/** Names in the inventory for which nobody on the roster signed as they stand there, and why. */
export async function listUnadmitted(store: Store, trust: Trust): Promise<{ readonly name: string; readonly why: string }[]> {
  const found: { name: string; why: string }[] = [];
  for (const name of await store.listInventoryNames('nodes')) {
    const admission = await readAdmission(store, trust, name);
    if (admission.kind === 'not-admitted') found.push({ name, why: admission.why });
  }
  return found;
}

async function readDocuments(store: Store, name: string): Promise<{ readonly node: Uint8Array | undefined; readonly client: Uint8Array | undefined; readonly source: string }> {
  const [node, client] = await Promise.all([store.readInventory('nodes', name), store.readInventory('clients', name)]);
  return { node: node?.bytes, client: client?.bytes, source: client?.source ?? name };
}
