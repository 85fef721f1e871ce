import type { Node, Role } from './documents.ts';

/** The roles and recipes of a node. */
export interface ExpandedRunList {
  readonly roles: readonly string[];
  readonly recipes: readonly string[];
}

const ENTRY = /^(role|recipe)\[([^\]@]+)(?:@[^\]]*)?\]$/;

/**
 * Expands a run list through its roles, as chef-client does: a role's list for the node's environment goes before its general
 * one; a role that was met already is not entered again.
 */
export function expandRunList(node: Pick<Node, 'run_list' | 'chef_environment'>, roles: ReadonlyMap<string, Role>): ExpandedRunList {
  const seen = new Set<string>();
  const recipes = new Set<string>();
  const environment = node.chef_environment ?? '_default';
  // A stack, not recursion: roles may include each other as deep as they like.
  const open: string[] = [...(node.run_list ?? [])].reverse();
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const [, kind = 'recipe', name = entry] = ENTRY.exec(entry) ?? [];
    if (kind === 'recipe') {
      recipes.add(name);
      continue;
    }
    if (seen.has(name)) continue;
    seen.add(name);
    const role = roles.get(name);
    if (role === undefined) continue;
    const list = Object.hasOwn(role.envRunLists, environment) ? role.envRunLists[environment] : role.runList;
    for (let i = (list ?? []).length - 1; i >= 0; i--) open.push(list?.[i] ?? '');
  }
  return { roles: [...seen], recipes: [...recipes] };
}

/** True where the node did not say itself, through ohai, which roles it has. */
export function needsExpansion(node: Node): boolean {
  return !Array.isArray(node.automatic?.['roles']) && (node.run_list ?? []).some((entry) => entry.startsWith('role['));
}
