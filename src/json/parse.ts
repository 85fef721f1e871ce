import { parse, type ObjectNode, type ValueNode } from '@humanwhocodes/momoa';
import { VaultError } from '../errors.ts';
import { quoted } from './issueText.ts';

/** A position in a text: both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Member names and array indices, from the root to a value. */
export type JsonPath = readonly (string | number)[];

export interface JsonDocument {
  /** Where the text came from, for messages: a path, or "standard input". */
  readonly source: string;
  readonly value: unknown;
  /** Where the value at `path`, or its nearest existing ancestor, begins. */
  locate(path: JsonPath): Position;
}

export interface JsonLimits {
  /** In bytes of UTF-8. */
  readonly maxBytes?: number;
  readonly maxDepth?: number;
}

/** A node of the parsed text, which knows where it stands. */
type Located = Pick<ValueNode, 'loc'>;

const DEFAULT_MAX_BYTES = 1 << 20;
const DEFAULT_MAX_DEPTH = 64;

/**
 * Parses JSON (RFC 8259) that a person or a stranger wrote. Stricter than JSON.parse: no duplicate keys, no `__proto__`,
 * no byte order mark, no half of a surrogate pair (RFC 7493; it has no canonical form), a limit of size and depth.
 * Every failure names the source, and line and column where it has them.
 * @throws VaultError input-too-large, input-not-json, input-too-deep, input-duplicate-key; input-invalid for `__proto__`
 *   and half surrogate pairs
 */
export function parseJson(bytes: Uint8Array | string, source: string, limits: JsonLimits = {}): JsonDocument {
  const maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
  const maxDepth = limits.maxDepth ?? DEFAULT_MAX_DEPTH;
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (size > maxBytes) {
    throw new VaultError('input-too-large', `${source} has ${String(size)} bytes; at most ${String(maxBytes)} are allowed.`, {
      details: { source, size, maxBytes },
    });
  }
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes, source);
  if (text.startsWith('\uFEFF')) {
    throw new VaultError('input-not-json', `${source}:1:1: the file begins with a byte order mark, which JSON does not allow.`, {
      hint: 'Save it as UTF-8 without a byte order mark.',
      details: { source, line: 1, column: 1 },
    });
  }
  scan(text, source, maxDepth);
  let root: ValueNode;
  try {
    root = parse(text, { mode: 'json' }).body;
  } catch (cause) {
    throw notJson(cause, text, source);
  }
  const members = new WeakMap<ObjectNode, ReadonlyMap<string, ValueNode>>();
  return { source, value: evaluate(root, source), locate: (path) => locate(root, path, members) };
}

function decodeUtf8(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new VaultError('input-not-json', `${source} is not UTF-8 text.`, { cause, details: { source } });
  }
}

/**
 * Counts brackets outside strings, so that no recursive parser ever sees a text nested deeper than the limit; and finds
 * raw control characters inside strings, which the parser would let through.
 */
function scan(text: string, source: string, maxDepth: number): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
      else if (c < 0x20) throw notJson(undefined, text, source, i);
    } else if (c === 0x22) inString = true;
    else if (c === 0x5b || c === 0x7b) {
      if (++depth > maxDepth) {
        const at = positionOf(text, i);
        throw new VaultError(
          'input-too-deep',
          `${source}:${String(at.line)}:${String(at.column)}: nested more than ${String(maxDepth)} levels deep.`,
          { details: { source, ...at, maxDepth } },
        );
      }
    } else if (c === 0x5d || c === 0x7d) depth--;
  }
}

function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

function notJson(cause: unknown, text: string, source: string, offset = text.length): VaultError {
  const at: Position = hasPosition(cause) ? { line: cause.line, column: cause.column } : positionOf(text, offset);
  // The parser's own message may quote the text, which may hold a secret: say only where.
  return new VaultError('input-not-json', `${source}:${String(at.line)}:${String(at.column)}: this is not valid JSON.`, {
    hint: 'Look for a missing comma, quote or bracket at or just before that place; comments and trailing commas are not JSON.',
    details: { source, ...at },
  });
}

function hasPosition(error: unknown): error is Error & Position {
  return error instanceof Error && 'line' in error && 'column' in error
    && typeof error.line === 'number' && typeof error.column === 'number';
}

function evaluate(node: ValueNode, source: string): unknown {
  switch (node.type) {
    case 'Object': {
      const result: Record<string, unknown> = {};
      for (const member of node.members) {
        const key = nameOf(member);
        checkText(key, member.name, source);
        if (key === '__proto__') throw refusedKey('input-invalid', key, 'is not allowed as a key', member.name, source);
        if (Object.hasOwn(result, key)) {
          throw refusedKey('input-duplicate-key', key, 'appears twice in one object', member.name, source);
        }
        result[key] = evaluate(member.value, source);
      }
      return result;
    }
    case 'Array':
      return node.elements.map((element) => evaluate(element.value, source));
    case 'String':
      checkText(node.value, node, source);
      return node.value;
    case 'Number':
    case 'Boolean':
      return node.value;
    case 'Null':
      return null;
    default:
      throw new VaultError('input-not-json', `${source}: ${node.type} is not JSON.`, { details: { source } });
  }
}

function nameOf(member: ObjectNode['members'][number]): string {
  return member.name.type === 'String' ? member.name.value : member.name.name;
}

function checkText(text: string, node: Located, source: string): void {
  if (!/\p{Surrogate}/u.test(text)) return;
  const { line, column } = node.loc.start;
  throw new VaultError(
    'input-invalid',
    `${source}:${String(line)}:${String(column)}: this text holds half of a surrogate pair (\\uD800 to \\uDFFF), which is no character.`,
    { details: { source, line, column } },
  );
}

function refusedKey(
  code: 'input-invalid' | 'input-duplicate-key', key: string, what: string, node: Located, source: string,
): VaultError {
  const { line, column } = node.loc.start;
  return new VaultError(code, `${source}:${String(line)}:${String(column)}: ${quoted(key)} ${what}.`, {
    details: { source, line, column, key: key.slice(0, 200) },
  });
}

function locate(root: ValueNode, path: JsonPath, seen: WeakMap<ObjectNode, ReadonlyMap<string, ValueNode>>): Position {
  let node = root;
  for (const step of path) {
    let next: ValueNode | undefined;
    if (node.type === 'Object' && typeof step === 'string') {
      let members = seen.get(node);
      if (members === undefined) {
        members = new Map(node.members.map((member) => [nameOf(member), member.value]));
        seen.set(node, members);
      }
      next = members.get(step);
    } else if (node.type === 'Array' && typeof step === 'number') {
      next = node.elements[step]?.value;
    }
    if (next === undefined) break;
    node = next;
  }
  return { line: node.loc.start.line, column: node.loc.start.column };
}
