import { isVaultError, VaultError } from '../errors.ts';
import { parseClient, parseNode, type Node } from '../inventory/documents.ts';
import { layoutJson, type Json } from '../json/canonical.ts';
import { nearest } from '../json/validate.ts';
import { checkName } from '../names.ts';
import type { PublicKey } from '../sealing/publicKey.ts';
import type { Store } from '../stores/store.ts';

/** What `vault node add` was told of a node. */
export interface NewNode {
  readonly name: string;
  readonly publicKey: PublicKey;
  readonly environment: string;
  readonly runList: readonly string[];
  readonly tags: readonly string[];
  readonly attributes: Readonly<Record<string, Json>>;
  /** Replace a node, or its key, that is there already. */
  readonly replace: boolean;
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
 * Writes a node object and its client document.
 * @throws VaultError party-exists, name-invalid
 */
export async function addNode(store: Store, node: NewNode): Promise<NodeSummary> {
  checkName('node', node.name);
  if (!node.replace && (await store.readInventory('nodes', node.name) ?? await store.readInventory('clients', node.name)) !== undefined) {
    throw new VaultError('party-exists', `There is a node ${node.name} already.`, {
      hint: 'Look at it with "vault node show"; replace it, and its key, with --force.', details: { name: node.name },
    });
  }
  const document: { [key: string]: Json } = {
    name: node.name,
    chef_environment: node.environment,
    json_class: 'Chef::Node',
    chef_type: 'node',
    run_list: [...node.runList],
    normal: { ...node.attributes, ...(node.tags.length === 0 ? {} : { tags: [...node.tags] }) },
    default: {}, override: {}, automatic: {},
  };
  // The key first: a node without one stops every command whose query selects it.
  await store.writeInventory('clients', node.name, encode({ name: node.name, public_key: node.publicKey.line }));
  await store.writeInventory('nodes', node.name, encode(document));
  return await showNode(store, node.name);
}

/** @throws VaultError party-not-found */
export async function showNode(store: Store, name: string): Promise<NodeSummary & { readonly node: Node }> {
  checkName('node', name);
  const document = await store.readInventory('nodes', name);
  if (document === undefined) {
    const near = nearest(name, await store.listInventoryNames('nodes'));
    throw new VaultError('party-not-found', `There is no node ${name}.`, {
      hint: near === undefined ? 'See "vault node list".' : `Did you mean ${near}?`, details: { name },
    });
  }
  const node = parseNode(document.bytes, document.source, name);
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

/** Removes a node object and its client document. Items stay sealed to it until they are refreshed. @throws party-not-found */
export async function removeNode(store: Store, name: string): Promise<void> {
  checkName('node', name);
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

function encode(document: { [key: string]: Json }): Uint8Array {
  return new TextEncoder().encode(layoutJson(document));
}
