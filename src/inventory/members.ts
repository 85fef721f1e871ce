/*
 * JSON.parse keeps the last of duplicate keys and says nothing. Where it kept fewer members than the text has, there were
 * some: at any depth, and however their escapes are written.
 */

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** How many members the objects in a value have; undefined where it is nested deeper than `maxDepth`. */
export function countMembers(value: unknown, maxDepth: number): number | undefined {
  const members = typeof value === 'object' && value !== null ? countWithin(value, maxDepth) : 0;
  return Number.isNaN(members) ? undefined : members;
}

/** NaN where it is too deep: a sum with it is NaN. */
function countWithin(value: object, depth: number): number {
  if (depth === 0) return NaN;
  let members = 0;
  if (Array.isArray(value)) {
    for (const each of value as readonly unknown[]) {
      if (typeof each === 'object' && each !== null) members += countWithin(each, depth - 1);
    }
    return members;
  }
  // Several times as fast as Object.values; what JSON.parse makes inherits nothing that could be counted.
  for (const key in value) {
    members++;
    const each = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof each === 'object' && each !== null) members += countWithin(each, depth - 1);
  }
  return members;
}

/**
 * False where `text`, which is valid JSON, has no more members than were kept. Fast, so that few texts must be read
 * exactly: it counts the colons after a quote, which every member has, and leaves out those after a quote that is certain
 * to open a string, as in "::1" and ":80".
 */
export function mayHaveDuplicates(text: string, kept: number): boolean {
  let most = 0;
  for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
    let quote = colon - 1;
    while (isSpace(text.charCodeAt(quote))) quote--;
    if (text.charCodeAt(quote) !== QUOTE) continue;
    if (!canOpen(text.charCodeAt(quote - 1)) || canBeValue(text, colon + 1)) most++;
  }
  return most !== kept;
}

/** Whether a quote after `before` can open a string. */
function canOpen(before: number): boolean {
  return before === COLON || before === 0x2c || before === 0x5b || before === 0x7b || isSpace(before);
}

/** Whether the value of a member, and what comes after it, can begin at `start`. */
function canBeValue(text: string, start: number): boolean {
  let at = skipSpace(text, start);
  const first = text.charAt(at);
  if (first === '"' || first === '[' || first === '{') return true;
  while (at < text.length && !/[",:}\s]/.test(text.charAt(at))) at++;
  at = skipSpace(text, at);
  return text.charAt(at) === ',' || text.charAt(at) === '}';
}

/** How many members `text`, which is valid JSON, has: its colons outside strings. */
export function countWrittenMembers(text: string): number {
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === COLON) members++;
    else if (c === QUOTE) at = endOfString(text, at);
  }
  return members;
}

/** Where the closing quote of the string that begins at `start` stands. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) return at;
    if (c === BACKSLASH) at++;
  }
  return text.length;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
