import { AttributePool, type Stored } from './attributePool.ts';
import { visitAttributes } from './attributes.ts';

/** A Chef node object, as far as a search looks at it. */
export type NodeObject = {
  name: string;
  chef_environment?: string | undefined;
  run_list?: string[] | undefined;
  automatic?: Record<string, unknown> | undefined;
  normal?: Record<string, unknown> | undefined;
  default?: Record<string, unknown> | undefined;
  override?: Record<string, unknown> | undefined;
  policy_name?: string | undefined;
  policy_group?: string | undefined;
};

/** What a run list comes to once its roles are expanded; for nodes whose own report (automatic) does not say. */
export interface ExpandedRunList {
  readonly roles: readonly string[];
  readonly recipes: readonly string[];
}

/** A node's attributes as a query sees them: fields with values, all of them strings. */
export interface FlatNode {
  readonly name: string;
  /**
   * The values of a field, in no promised order and perhaps repeated; undefined where the node does not have it.
   * A field is an attribute's full path joined by `_`, or its last part. A hash's keys are values of the hash.
   */
  values(field: string): readonly string[] | undefined;
  /** The names under which `values` finds something, each once. */
  fields(): Iterable<string>;
}

export type Flatten = (node: NodeObject, expanded?: ExpandedRunList) => FlatNode;

/**
 * Flattens one node: attributes merged default < normal < override < automatic, and above them the node's own name,
 * chef_environment, run_list, role and recipe (from the run list), policy_name and policy_group (where it has them).
 * @param expanded stands above the node's own `roles` and `recipes` where it is given
 * @throws VaultError input-too-deep, input-too-large
 */
export function flattenNode(node: NodeObject, expanded?: ExpandedRunList): FlatNode {
  return createFlatten()(node, expanded);
}

/**
 * Makes a flattenNode for many nodes, which then share the memory of whatever they have in common. Nothing of a
 * NodeObject is kept but its strings; the memory is free once the function and all its nodes are.
 */
export function createFlatten(): Flatten {
  const pool = new AttributePool();
  return (node, expanded) => {
    pool.begin();
    const levels = [ownFields(node, expanded), node.automatic, node.override, node.normal, node.default];
    visitAttributes(node.name, levels, pool.root, pool);
    return new PooledNode(node.name, pool, pool.finish());
  };
}

class PooledNode implements FlatNode {
  readonly name: string;
  readonly #pool: AttributePool;
  readonly #stored: Stored;

  constructor(name: string, pool: AttributePool, stored: Stored) {
    this.name = name;
    this.#pool = pool;
    this.#stored = stored;
  }

  values(field: string): readonly string[] | undefined {
    return this.#pool.values(this.#stored, field);
  }

  fields(): Iterable<string> {
    return this.#pool.fields(this.#stored);
  }
}

/** None of these is a hash, so each replaces whatever the attributes hold under its name. */
function ownFields(node: NodeObject, expanded: ExpandedRunList | undefined): Record<string, unknown> {
  const runList = node.run_list ?? [];
  return {
    name: node.name,
    chef_environment: node.chef_environment ?? '_default',
    run_list: runList,
    role: runList.flatMap((entry) => /^role\[(.*)\]$/s.exec(entry)?.[1] ?? []),
    recipe: runList.flatMap((entry) => recipeOf(entry) ?? []),
    ...(expanded === undefined ? {} : { roles: expanded.roles, recipes: expanded.recipes }),
    ...(node.policy_name === undefined ? {} : { policy_name: node.policy_name }),
    ...(node.policy_group === undefined ? {} : { policy_group: node.policy_group }),
  };
}

/** A run list's entry without `role[…]` or `recipe[…]` is a recipe too. */
function recipeOf(entry: string): string | undefined {
  const bracketed = /^recipe\[(.*)\]$/s.exec(entry);
  if (bracketed !== null) return bracketed[1];
  return /[[\]]/.test(entry) ? undefined : entry;
}
