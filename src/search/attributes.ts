import { VaultError } from '../errors.ts';

/** Deepest nesting of hashes and arrays in a node's attributes. */
export const ATTRIBUTE_DEPTH_MAX = 64;
/** Longest key and longest value of a node's attributes, in UTF-16 code units. */
export const KEY_MAX = 4096;
export const VALUE_MAX = 256 * 1024;

type Hash = Readonly<Record<string, unknown>>;

/** Receives a node's attributes, one by one. `P` is what it uses to name a place in the tree. */
export interface AttributeVisitor<P> {
  /** The place of `key` within the hash at `parent`. */
  child(parent: P, key: string): P;
  value(place: P, value: string): void;
}

/** What every step of a walk needs. */
interface Walk<P> {
  readonly node: string;
  readonly visitor: AttributeVisitor<P>;
}

/**
 * Walks the deep merge of attribute levels without building it. As the Chef server does: hashes merge, and anything
 * else, arrays too, is replaced by the higher level; a hash's keys are values of the hash's own place; elements of an
 * array stand at the array's place; null is the empty string.
 * @param node its name, for messages
 * @param levels highest precedence first; those that are not hashes are left out
 * @throws VaultError input-too-deep, input-too-large
 */
export function visitAttributes<P>(node: string, levels: readonly unknown[], root: P, visitor: AttributeVisitor<P>): void {
  visitHash({ node, visitor }, levels.filter(isHash), root, 0);
}

/** @param depth of the hash itself: the keys of the root (0) are no values, since they have no field */
function visitHash<P>(walk: Walk<P>, levels: readonly Hash[], place: P, depth: number): void {
  checkDepth(walk, depth);
  const { visitor } = walk;
  for (const [i, level] of levels.entries()) {
    for (const key of Object.keys(level)) {
      if (i > 0 && isOverridden(levels, i, key)) continue;
      if (key.length > KEY_MAX) throw tooLarge(walk, 'key', KEY_MAX);
      if (depth > 0) visitor.value(place, key);
      visitValue(walk, level[key], lower(levels, i, key), visitor.child(place, key), depth + 1);
    }
  }
}

function isOverridden(levels: readonly Hash[], i: number, key: string): boolean {
  for (let higher = 0; higher < i; higher++) {
    if (Object.hasOwn(levels[higher] ?? {}, key)) return true;
  }
  return false;
}

/** What the levels below `i` hold under `key`, as far as a hash above them merges with it. */
function lower(levels: readonly Hash[], i: number, key: string): readonly Hash[] {
  const hashes: Hash[] = [];
  for (let below = i + 1; below < levels.length; below++) {
    const level = levels[below];
    if (level === undefined || !Object.hasOwn(level, key)) continue;
    const value = level[key];
    if (!isHash(value)) break;
    hashes.push(value);
  }
  return hashes;
}

function visitValue<P>(walk: Walk<P>, value: unknown, below: readonly Hash[], place: P, depth: number): void {
  const { visitor } = walk;
  switch (typeof value) {
    case 'string':
      if (value.length > VALUE_MAX) throw tooLarge(walk, 'value', VALUE_MAX);
      visitor.value(place, value);
      return;
    case 'number':
    case 'boolean':
    case 'bigint':
      visitor.value(place, String(value));
      return;
    case 'object':
      if (value === null) visitor.value(place, '');
      else if (Array.isArray(value)) {
        checkDepth(walk, depth);
        for (const element of value) visitValue(walk, element, [], place, depth + 1);
      } else visitHash(walk, [value as Hash, ...below], place, depth);
      return;
    default:
      // Not JSON: there is nothing to compare.
      return;
  }
}

function isHash(value: unknown): value is Hash {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkDepth<P>({ node }: Walk<P>, depth: number): void {
  if (depth > ATTRIBUTE_DEPTH_MAX) {
    throw new VaultError('input-too-deep', `The attributes of node ${JSON.stringify(node)} are nested more than ${String(ATTRIBUTE_DEPTH_MAX)} levels deep.`, {
      details: { node, maxDepth: ATTRIBUTE_DEPTH_MAX },
    });
  }
}

/** Says nothing of the key or value itself, which may be secret. */
function tooLarge<P>({ node }: Walk<P>, what: 'key' | 'value', maxLength: number): VaultError {
  return new VaultError('input-too-large', `The attributes of node ${JSON.stringify(node)} hold a ${what} longer than ${String(maxLength)} characters.`, {
    hint: 'Nothing searches for that: remove it from the node object.', details: { node, maxLength },
  });
}
