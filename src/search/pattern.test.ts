import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PatternPart } from './ast.ts';
import { compilePattern } from './pattern.ts';

function matches(pattern: string, value: string): boolean {
  const parts = (pattern.match(/[*?]|[^*?]+/g) ?? []).map((part): PatternPart => (part === '*' || part === '?' ? { wildcard: part } : { text: part }));
  return compilePattern(parts)(value);
}

/** The rules again, in the simplest code: which prefixes of the value each prefix of the pattern matches. */
function plainMatches(pattern: string, value: string): boolean {
  const characters = [...value];
  let reached = [true, ...characters.map(() => false)];
  for (const piece of pattern) {
    const next = characters.map((character, i) => reached[i] === true && (piece === '?' || piece === character));
    if (piece === '*') for (let i = 1; i < reached.length; i++) reached[i] ||= reached[i - 1] ?? false;
    else reached = [false, ...next];
  }
  return reached.at(-1) ?? false;
}

test('short and long segments match by the same rules', () => {
  const unit = fc.constantFrom('a', 'b', '?', '*', '\u{1f511}');
  // Long runs reach what is searched for in more than one word of bits.
  const pattern = fc.array(fc.oneof(unit, fc.tuple(fc.constantFrom('a', '?', 'ab', 'a?', '\u{1f511}?'), fc.integer({ min: 10, max: 40 })).map(([s, n]) => s.repeat(n))), { minLength: 1, maxLength: 7 }).map((p) => p.join(''));
  const value = fc.oneof(fc.constantFrom('a', 'b', '?', '\u{1f511}'), fc.string({ unit: fc.constantFrom('a', 'b', '\u{1f511}', '\ud83d', '\udd11'), maxLength: 6 }));
  // A value made of the pattern itself, so that many match.
  const pair = pattern.chain((text) => fc.tuple(fc.constant(text), fc.array(value, { minLength: 3, maxLength: 3 }).map(([star = '', one = '', end = '']) =>
    text.replaceAll('*', star).replaceAll('?', one) + (end.length > 4 ? end : ''))));
  let matched = 0;
  fc.assert(
    fc.property(pair, ([text, of]) => {
      const expected = plainMatches(text, of);
      if (expected) matched++;
      assert.equal(matches(text, of), expected);
    }),
    { numRuns: 3000 },
  );
  assert.ok(matched > 500);
});

test('what stands between two * may touch, and may not overlap', () => {
  for (const [pattern, value, expected] of [
    ['ab*ba', 'aba', false], ['ab*ba', 'abba', true], ['a*b*c', 'abc', true], ['*ab*b', 'ab', false], ['*ab*b', 'abb', true],
    ['?*?', 'a', false], ['?*?', 'ab', true], ['?*?', '\u{1f511}', false], ['*?*', '', false], ['**', '', true], ['', '', true], ['*a**a*', 'a', false],
    [`*${'a'.repeat(40)}*${'a'.repeat(40)}`, 'a'.repeat(79), false], [`*${'a'.repeat(40)}*${'a'.repeat(40)}`, 'a'.repeat(80), true],
  ] as const) assert.equal(matches(pattern, value), expected, `${pattern} ${value}`);
});

test('the longest patterns are asked of the longest values', () => {
  const value = 'a'.repeat(256 * 1024);
  for (let i = 0; i < 8; i++) {
    for (const pattern of [`*b${'a'.repeat(1022)}*`, `*${'a'.repeat(1000)}b*`, `*${'a?'.repeat(500)}b?*`, `${'a*'.repeat(511)}b`, `*${'?'.repeat(1000)}b*`]) assert.ok(!matches(pattern, value));
    assert.ok(matches(`*b${'a'.repeat(1000)}?*`, `${value}b${value}`));
  }
});
