import { isVaultError, VaultError } from '../errors.ts';
import { parseClient, parseNode, parseRole, type Role } from '../inventory/documents.ts';
import { expandRunList, needsExpansion } from '../inventory/runList.ts';
import type { ClientKey } from '../operations/items/inventory.ts';
import { judgeAdmission, type NodeAdmission } from '../operations/joining/admissions.ts';
import { joinStoreOf } from '../operations/joining/joinStore.ts';
import type { Trust } from '../operations/workspace.ts';
import { flattenNode, type FlatNode } from '../search/flatten.ts';
import type { Store } from '../stores/store.ts';

/** What there is of a node, read and judged. */
export interface ReadNode {
  readonly name: string;
  /** Undefined where it has no node object, or one that cannot be read. */
  readonly flat: FlatNode | undefined;
  /** Why its node object cannot be read. */
  readonly damage: VaultError | undefined;
  readonly hasObject: boolean;
  readonly key: ClientKey | undefined;
  readonly admission: NodeAdmission;
}

type Part = { readonly bytes: Uint8Array; readonly source: string } | undefined;
type Roles = ReadonlyMap<string, Role>;

/** Nodes that are read at once. */
const READS = 32;

export async function readRoles(store: Store): Promise<Map<string, Role>> {
  const roles = new Map<string, Role>();
  for await (const { bytes, source, name } of store.listInventory('roles')) {
    try {
      roles.set(name, parseRole(bytes, source, name));
    } catch (error) {
      if (!isVaultError(error)) throw error; // As if it were not there: other nodes' queries go on.
    }
  }
  return roles;
}

/** Reads nodes by name. */
export async function* readNodes(store: Store, trust: Trust, roles: Roles, names: readonly string[]): AsyncGenerator<ReadNode> {
  const joining = joinStoreOf(store);
  for (let i = 0; i < names.length; i += READS) {
    yield* await Promise.all(names.slice(i, i + READS).map(async (name) => {
      const [node, client, admission] = await Promise.all([store.readInventory('nodes', name), store.readInventory('clients', name), joining.readAdmission(name)]);
      return judge(trust, roles, name, node, client, admission);
    }));
  }
}

/** Reads all nodes, and admissions of nodes that are gone, in the order of their names, and holds few of them at once. */
export async function* readAllNodes(store: Store, trust: Trust, roles: Roles): AsyncGenerator<ReadNode> {
  const lists = [store.listInventory('nodes'), store.listInventory('clients'), joinStoreOf(store).listAdmissions()].map((list) => list[Symbol.asyncIterator]());
  const heads = await Promise.all(lists.map((list) => list.next()));
  for (;;) {
    const names = heads.flatMap(({ done, value }) => (done === true ? [] : [value.name]));
    const [first] = names;
    if (first === undefined) return;
    const name = names.reduce((least, each) => (each < least ? each : least), first);
    const parts: Part[] = [];
    for (const [i, list] of lists.entries()) {
      const head = heads[i];
      const isMeant = head !== undefined && head.done !== true && head.value.name === name;
      parts.push(isMeant ? head.value : undefined);
      if (isMeant) heads[i] = await list.next();
    }
    yield judge(trust, roles, name, parts[0], parts[1], parts[2]);
  }
}

/** The nodes that can be read, ready to be asked. */
export async function* flattenAll(store: Store, roles: Roles): AsyncGenerator<{ readonly name: string; readonly flat: FlatNode }> {
  for await (const { bytes, source, name } of store.listInventory('nodes')) {
    const flat = flatten(roles, name, { bytes, source });
    if (!(flat instanceof VaultError)) yield { name, flat };
  }
}

function flatten(roles: Roles, name: string, { bytes, source }: NonNullable<Part>): FlatNode | VaultError {
  try {
    const node = parseNode(bytes, source, name);
    return flattenNode(node, needsExpansion(node) ? expandRunList(node, roles) : undefined);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return error;
  }
}

function judge(trust: Trust, roles: Roles, name: string, node: Part, client: Part, admission: Part): ReadNode {
  const key = client === undefined ? undefined : keyIn(name, client);
  const common = { name, key, hasObject: node !== undefined, admission: admissionOf(trust, name, node, client, admission) };
  const flat = node === undefined ? undefined : flatten(roles, name, node);
  return flat instanceof VaultError ? { ...common, flat: undefined, damage: flat } : { ...common, flat, damage: undefined };
}

function admissionOf(trust: Trust, name: string, node: Part, client: Part, admission: Part): NodeAdmission {
  if (node === undefined && client === undefined) return { kind: 'absent' };
  if (node === undefined || client === undefined) return { kind: 'not-admitted', why: 'incomplete' };
  return admission === undefined ? { kind: 'not-admitted', why: 'missing' } : judgeAdmission(trust, name, admission, { node: node.bytes, client: client.bytes });
}

function keyIn(name: string, { bytes, source }: NonNullable<Part>): ClientKey {
  try {
    return { publicKey: parseClient(bytes, source, name) };
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { problem: error.message };
  }
}
