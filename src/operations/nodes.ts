import { isVaultError, VaultError } from '../errors.ts';
import { parseClient, parseNode, type Node } from '../inventory/documents.ts';
import { layoutJson, type Json } from '../json/canonical.ts';
import { nearest } from '../json/validate.ts';
import { checkName } from '../names.ts';
import type { PublicKey, SigningKey } from '../sealing/publicKey.ts';
import type { InventoryDocument, Store } from '../stores/store.ts';

type JsonObject = { [key: string]: Json };

/** What `vault node add` was told of a node. */
export interface NewNode {
  readonly name: string;
  readonly publicKey: PublicKey;
  /** What its reports and requests are verified with. Undefined: as it was, where the public key is as it was; otherwise none. */
  readonly signingKey?: SigningKey | undefined;
  /** What is undefined here and below stays as it is in a node that is there already. */
  readonly environment?: string | undefined;
  readonly runList?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly attributes?: Readonly<Record<string, Json>> | undefined;
  /** Change a node, and replace its key, that is there already. */
  readonly replace: boolean;
}

/** A node that was written. */
export interface WrittenNode extends NodeSummary {
  readonly was: 'added' | 'replaced' | 'rekeyed';
  /** Other clients that have the same key. */
  readonly sameKey: readonly string[];
}

/** A node as it is listed. */
export interface NodeSummary {
  readonly name: string;
  readonly environment: string;
  readonly run_list: readonly string[];
  /** Undefined where it has no key that can be sealed to. */
  readonly key_type?: string;
  readonly fingerprint?: string;
  /** Why it cannot be sealed to. */
  readonly problem?: string;
}

/**
 * Writes a node object and its client document. Of a node that is there already, only the key and what is given changes.
 * @throws VaultError party-exists, name-invalid, and input-* for a node document that cannot be read
 */
export async function addNode(store: Store, node: NewNode): Promise<WrittenNode> {
  checkName('node', node.name);
  const present = await store.readInventory('nodes', node.name);
  const client = await store.readInventory('clients', node.name);
  if (!node.replace && (present ?? client) !== undefined) {
    throw new VaultError('party-exists', `There is a node ${node.name} already.`, {
      hint: 'Look at it with "vault node show"; replace its key, and what else you name, with --force.', details: { name: node.name },
    });
  }
  const before = present === undefined ? undefined : documentOf(present, node.name);
  const rekeyed = before !== undefined && [node.environment, node.runList, node.tags, node.attributes].every((given) => given === undefined);
  // The key first: a node without one stops every command whose query selects it.
  await store.writeInventory('clients', node.name, clientDocument(node, client));
  if (!rekeyed) await store.writeInventory('nodes', node.name, before === undefined ? encode(newDocument(node)) : encodeAsFound(changedDocument(before, node)));
  return { ...await showNode(store, node.name), was: rekeyed ? 'rekeyed' : (present ?? client) === undefined ? 'added' : 'replaced', sameKey: await othersWith(store, node) };
}

/** The documents of a node that was not there. */
export function newNodeDocuments(node: Pick<NewNode, 'name' | 'publicKey' | 'signingKey'>, members: { readonly chef_environment: string; readonly run_list: readonly string[]; readonly normal: Readonly<Record<string, Json>> }): { readonly node: Uint8Array; readonly client: Uint8Array } {
  const { name } = node;
  return { node: encode({ name, ...members, ...CHEF_NODE }), client: clientDocument(node, undefined) };
}

/** What else Chef's own node objects have. */
const CHEF_NODE = { json_class: 'Chef::Node', chef_type: 'node', default: {}, override: {}, automatic: {} };

function newDocument({ name, environment = '_default', runList = [], tags, attributes }: NewNode): JsonObject {
  return {
    name, chef_environment: environment, run_list: [...runList], ...CHEF_NODE,
    normal: { ...attributes, ...(tags === undefined ? {} : { tags: [...tags] }) },
  };
}

function changedDocument(before: JsonObject, { environment, runList, tags, attributes }: NewNode): JsonObject {
  const normal = before['normal'];
  return {
    ...before,
    ...(environment === undefined ? {} : { chef_environment: environment }),
    ...(runList === undefined ? {} : { run_list: [...runList] }),
    ...(tags === undefined && attributes === undefined ? {} : {
      normal: { ...(isObject(normal) ? normal : {}), ...attributes, ...(tags === undefined ? {} : { tags: [...tags] }) },
    }),
  };
}

/** With what else a Chef server keeps of a client. */
function clientDocument({ name, publicKey, signingKey }: Pick<NewNode, 'name' | 'publicKey' | 'signingKey'>, present: InventoryDocument | undefined): Uint8Array {
  const signing = signingKey === undefined ? {} : { signing_key: signingKey.line };
  if (present !== undefined) {
    try {
      const before: unknown = JSON.parse(new TextDecoder().decode(present.bytes));
      if (isObject(before)) {
        const { signing_key: old, ...rest } = before;
        const kept = old === undefined || before['public_key'] !== publicKey.line ? {} : { signing_key: old };
        return encodeAsFound({ ...rest, name, public_key: publicKey.line, ...kept, ...signing });
      }
    } catch {
      // It was no client document: nothing of it can be kept.
    }
  }
  return encode({ name, public_key: publicKey.line, ...signing });
}

/** A node document with all its members. @throws VaultError where it is none */
function documentOf({ bytes, source }: InventoryDocument, name: string): JsonObject {
  parseNode(bytes, source, name);
  return JSON.parse(new TextDecoder().decode(bytes)) as JsonObject;
}

/** Names of other clients with the key of `node`. */
async function othersWith(store: Store, node: NewNode): Promise<string[]> {
  const names: string[] = [];
  for await (const { bytes, source, name } of store.listInventory('clients')) {
    if (name === node.name) continue;
    try {
      if (parseClient(bytes, source, name).fingerprint === node.publicKey.fingerprint) names.push(name);
    } catch (error) {
      if (!isVaultError(error)) throw error; // A client whose key cannot be sealed to does not have this one.
    }
  }
  return names;
}

/** @throws VaultError party-not-found, name-invalid, input-* */
export async function readNode(store: Store, name: string): Promise<Node> {
  checkName('node', name);
  const document = await store.readInventory('nodes', name);
  if (document === undefined) {
    const near = nearest(name, await store.listInventoryNames('nodes'));
    throw new VaultError('party-not-found', `There is no node ${name}.`, {
      hint: near === undefined ? 'See "vault node list".' : `Did you mean ${near}?`, details: { name },
    });
  }
  return parseNode(document.bytes, document.source, name);
}

/** @throws VaultError as {@link readNode} */
export async function showNode(store: Store, name: string): Promise<NodeSummary & { readonly node: Node }> {
  const node = await readNode(store, name);
  return { ...await summarize(store, node), node };
}

/** Every node of the inventory, sorted by name. */
export async function listNodes(store: Store): Promise<NodeSummary[]> {
  const nodes: NodeSummary[] = [];
  for await (const { bytes, source, name } of store.listInventory('nodes')) {
    nodes.push(await summarize(store, parseNode(bytes, source, name)));
  }
  return nodes;
}

/** Removes a node object, its client document and its admission. Items stay sealed to it until they are refreshed. @throws party-not-found */
export async function removeNode(store: Store, name: string): Promise<void> {
  checkName('node', name);
  await store.joining?.removeAdmission(name);
  const node = await store.removeInventory('nodes', name);
  const client = await store.removeInventory('clients', name);
  if (!node && !client) {
    throw new VaultError('party-not-found', `There is no node ${name}.`, { hint: 'See "vault node list".', details: { name } });
  }
}

async function summarize(store: Store, node: Node): Promise<NodeSummary> {
  const summary = { name: node.name, environment: node.chef_environment ?? '_default', run_list: node.run_list ?? [] };
  const client = await store.readInventory('clients', node.name);
  if (client === undefined) return { ...summary, problem: 'no client document' };
  try {
    const key = parseClient(client.bytes, client.source, node.name);
    return { ...summary, key_type: key.type, fingerprint: key.fingerprint };
  } catch (error) {
    if (isVaultError(error)) return { ...summary, problem: error.message };
    throw error;
  }
}

function encode(document: JsonObject): Uint8Array {
  return new TextEncoder().encode(layoutJson(document));
}

/** Members in the order in which they were found, as knife writes them. */
function encodeAsFound(document: JsonObject): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
