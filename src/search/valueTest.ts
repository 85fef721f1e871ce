import type { Bound, Leaf } from './ast.ts';
import { compilePattern } from './pattern.ts';

/** The test that a leaf makes of one value of its field. */
export function valueTest(leaf: Leaf): (value: string) => boolean {
  switch (leaf.kind) {
    case 'exists':
      return () => true;
    case 'equals': {
      const wanted = leaf.value;
      return (value) => value === wanted;
    }
    case 'pattern':
      return compilePattern(leaf.parts);
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
