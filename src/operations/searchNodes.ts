import { parseNode, parseRole, type Node, type Role } from '../inventory/documents.ts';
import { expandRunList, needsExpansion } from '../inventory/runList.ts';
import { nearest } from '../json/validate.ts';
import type { Expression } from '../search/ast.ts';
import { compileQuery } from '../search/compile.ts';
import { explainQuery, type Explanation } from '../search/explain.ts';
import { flattenNode, type FlatNode } from '../search/flatten.ts';
import { parseQuery } from '../search/parse.ts';
import { readQuery, type Reading } from '../search/reading.ts';
import type { Store } from '../stores/store.ts';
import { readNode } from './nodes.ts';

/** Makes nodes ready to be asked. Roles are read once, when the first node needs them. */
function flattener(store: Store): (node: Node) => Promise<FlatNode> {
  let roles: Promise<ReadonlyMap<string, Role>> | undefined;
  return async (node) => {
    if (!needsExpansion(node)) return flattenNode(node);
    roles ??= readRoles(store);
    return flattenNode(node, expandRunList(node, await roles));
  };
}

async function readRoles(store: Store): Promise<Map<string, Role>> {
  const roles = new Map<string, Role>();
  for await (const { bytes, source, name } of store.listInventory('roles')) roles.set(name, parseRole(bytes, source, name));
  return roles;
}

/** What a query selects, and how it is read. */
export interface SearchResult {
  /** Names of nodes, sorted. */
  readonly names: readonly string[];
  readonly reading: Reading;
  /** Fields of the query that no node has, where there are nodes, with the nearest that nodes have. */
  readonly unknownFields: readonly { readonly field: string; readonly near: string | undefined }[];
}

/** A node that is ready to be asked. */
export interface NamedNode {
  readonly name: string;
  readonly flat: FlatNode;
}

/**
 * Asks every node of the inventory.
 * @throws VaultError query-invalid, and input-* for a node document that cannot be read
 */
export async function searchInventory(store: Store, text: string): Promise<SearchResult> {
  parseQuery(text); // Before anything is read.
  return await selectNodes(flattenInventory(store), text);
}

/** Every node of the inventory, sorted by name. @throws VaultError input-* for a node document that cannot be read */
export async function* flattenInventory(store: Store): AsyncGenerator<NamedNode> {
  const flatten = flattener(store);
  for await (const { bytes, source, name } of store.listInventory('nodes')) yield { name, flat: await flatten(parseNode(bytes, source, name)) };
}

/** Asks nodes. @throws VaultError query-invalid */
export async function selectNodes(nodes: AsyncIterable<NamedNode> | Iterable<NamedNode>, text: string): Promise<SearchResult> {
  const query = parseQuery(text);
  const matches = compileQuery(query);
  const names: string[] = [];
  const unseen = new Set(fieldsOf(query.root).filter((field) => !WELL_KNOWN.includes(field)));
  let empty = true;
  for await (const { name, flat } of nodes) {
    if (matches(flat)) names.push(name);
    for (const field of unseen) if (flat.values(field) !== undefined) unseen.delete(field);
    empty = false;
  }
  const unknownFields = empty ? [] : [...unseen].map((field) => ({ field, near: nearest(field, WELL_KNOWN) }));
  return { names, reading: readQuery(query), unknownFields };
}

/** Fields that a query may ask for although no node happens to have them. */
const WELL_KNOWN = ['name', 'chef_environment', 'role', 'roles', 'recipe', 'recipes', 'run_list', 'tags', 'policy_name', 'policy_group', 'platform', 'hostname', 'fqdn'];

function fieldsOf(expression: Expression): string[] {
  if (expression.kind === 'all') return [];
  return expression.kind === 'group' ? expression.clauses.flatMap((clause) => fieldsOf(clause.expression)) : [expression.field];
}

/** Why a query selects a node, or does not. @throws VaultError query-invalid, party-not-found */
export async function whyNode(store: Store, text: string, name: string): Promise<{ matched: boolean; explanation: Explanation; reading: Reading }> {
  const query = parseQuery(text);
  const node = await flattener(store)(await readNode(store, name));
  return { matched: compileQuery(query)(node), explanation: explainQuery(query, node), reading: readQuery(query) };
}
