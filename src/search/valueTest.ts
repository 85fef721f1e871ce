import type { Bound, Leaf, PatternPart } from './ast.ts';

/** The test that a leaf makes of one value of its field. */
export function valueTest(leaf: Leaf): (value: string) => boolean {
  switch (leaf.kind) {
    case 'exists':
      return () => true;
    case 'equals': {
      const wanted = leaf.value;
      return (value) => value === wanted;
    }
    case 'pattern': {
      const { parts } = leaf;
      return (value) => matchesPattern(parts, value);
    }
    case 'range': {
      const { lower, upper } = leaf;
      return (value) => isWithin(value, lower, 1) && isWithin(value, upper, -1);
    }
  }
}

function isWithin(value: string, bound: Bound | undefined, direction: 1 | -1): boolean {
  if (bound === undefined) return true;
  const order = compareCodePoints(value, bound.value) * direction;
  return bound.inclusive ? order >= 0 : order > 0;
}

/** Orders strings as Lucene does, by code point: JavaScript's `<` puts surrogate pairs below U+E000 to U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Only the last `*` is ever tried again, so the time is at most pattern times value: no pattern is slow. */
function matchesPattern(parts: readonly PatternPart[], value: string): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let resume = 0;
  for (;;) {
    const current = parts[part];
    if (current === undefined) {
      if (at === value.length) return true;
    } else if ('text' in current) {
      if (value.startsWith(current.text, at)) {
        at += current.text.length;
        part++;
        continue;
      }
    } else if (current.wildcard === '*') {
      star = part++;
      resume = at;
      if (part === parts.length) return true;
      continue;
    } else if (at < value.length) {
      at += width(value, at);
      part++;
      continue;
    }
    if (star === -1 || resume >= value.length) return false;
    resume += width(value, resume);
    at = resume;
    part = star + 1;
  }
}

function width(value: string, at: number): 1 | 2 {
  return (value.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
