import type { PatternPart } from './ast.ts';

/** A piece of a pattern that fixes how many characters it matches: literal text, or exactly one character. */
type Piece = Exclude<PatternPart, { readonly wildcard: '*' }>;

/** What stands between two `*`. */
type Segment = readonly Piece[];

/** Finds the first match of a segment at or after `from`; the result is where it ends, or -1. */
type Find = (value: string, from: number) => number;

/** Longest text whose naive search is no slower than what `scanner` does for the longest pattern. */
const NAIVE_MAX = 32;

/**
 * Makes the test of whether a pattern matches a whole value. The first and the last segment stand fixed at the value's
 * ends, and the others are found from left to right, each once, so a `*` is never tried again: the time is that of
 * reading the value once, with at most 32 steps for each of its characters (for a pattern of 1,024 characters).
 */
export function compilePattern(parts: readonly PatternPart[]): (value: string) => boolean {
  const [first = [], ...rest] = split(parts);
  const last = rest.pop()?.toReversed();
  if (last === undefined) return (value) => matchForwards(first, value) === value.length;
  const finds = rest.filter((segment) => segment.length > 0).map(finder);
  return (value) => {
    let at = matchForwards(first, value);
    if (at === -1) return false;
    const end = matchBackwards(last, value);
    // A search goes on beyond `end` at most once, since then it is the last.
    for (const find of finds) {
      if (at > end) return false;
      at = find(value, at);
      if (at === -1) return false;
    }
    return at <= end;
  };
}

/** The segments between the `*`; one more than there are `*`. */
function split(parts: readonly PatternPart[]): Segment[] {
  const segments: Piece[][] = [[]];
  for (const part of parts) {
    if ('wildcard' in part && part.wildcard === '*') segments.push([]);
    else segments.at(-1)?.push(part);
  }
  return segments;
}

/** Where a match of the segment at the value's beginning ends, or -1. */
function matchForwards(segment: Segment, value: string): number {
  let at = 0;
  for (const piece of segment) {
    if ('text' in piece) {
      if (!value.startsWith(piece.text, at)) return -1;
      at += piece.text.length;
    } else {
      if (at === value.length) return -1;
      at += width(value, at);
    }
  }
  return at;
}

/** Where a match at the value's end begins, or -1. The segment is given last piece first. */
function matchBackwards(reversed: Segment, value: string): number {
  let end = value.length;
  for (const piece of reversed) {
    if ('text' in piece) {
      if (!value.endsWith(piece.text, end)) return -1;
      end -= piece.text.length;
    } else {
      if (end === 0) return -1;
      end -= end > 1 && width(value, end - 2) === 2 ? 2 : 1;
    }
  }
  return end;
}

function finder(segment: Segment): Find {
  const only = segment[0];
  if (segment.length === 1 && only !== undefined && 'text' in only && only.text.length <= NAIVE_MAX) {
    const { text } = only;
    return (value, from) => {
      const found = value.indexOf(text, from);
      return found === -1 ? -1 : found + text.length;
    };
  }
  return scanner(segment);
}

/** Bit-parallel search (Baeza-Yates and Gonnet's Shift-And): bit i says that the segment's first i + 1 characters end here. */
function scanner(segment: Segment): Find {
  const characters = segment.flatMap((piece) => ('text' in piece ? [...piece.text] : [undefined]));
  const words = (characters.length + 31) >>> 5;
  const anyOther = new Int32Array(words);
  const masks = new Map<number, Int32Array>();
  characters.forEach((character, i) => {
    if (character === undefined) setBit(anyOther, i);
  });
  characters.forEach((character, i) => {
    if (character === undefined) return;
    const code = character.codePointAt(0) ?? 0;
    const mask = masks.get(code) ?? anyOther.slice();
    setBit(mask, i);
    masks.set(code, mask);
  });
  const state = new Int32Array(words);
  const final = 1 << ((characters.length - 1) & 31);
  return (value, from) => {
    state.fill(0);
    for (let at = from; at < value.length;) {
      const code = value.codePointAt(at) ?? 0;
      at += code > 0xffff ? 2 : 1;
      const mask = masks.get(code) ?? anyOther;
      let carry = 1;
      for (let word = 0; word < words; word++) {
        const bits = state[word] ?? 0;
        state[word] = ((bits << 1) | carry) & (mask[word] ?? 0);
        carry = bits >>> 31;
      }
      if (((state[words - 1] ?? 0) & final) !== 0) return at;
    }
    return -1;
  };
}

function setBit(mask: Int32Array, i: number): void {
  mask[i >>> 5] = (mask[i >>> 5] ?? 0) | (1 << (i & 31));
}

function width(value: string, at: number): 1 | 2 {
  return (value.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
