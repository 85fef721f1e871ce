import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { globMatches, globsOverlap, globSteps } from './glob.ts';

/** As plain as can be, and exponential: fine for the short texts here. */
function naive(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) return naive(pattern.slice(1), text) || (text !== '' && naive(pattern, text.slice(1)));
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && naive(pattern.slice(1), text.slice(1));
}

const pattern = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', '?'), maxLength: 7 });
const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', '?'), maxLength: 7 });

const matches = (p: string, t: string, colon = true): boolean => globMatches(globSteps(p, colon), t);

describe('globMatches', () => {
  test('knows * and ?, and nothing else', () => {
    assert.ok(matches('', ''));
    assert.ok(matches('*', ''));
    assert.ok(!matches('?', ''));
    assert.ok(matches('a*c', 'abbbc'));
    assert.ok(!matches('a*c', 'abbbcd'));
    assert.ok(matches('a.c', 'a.c'));
    assert.ok(!matches('a.c', 'abc'));
    assert.ok(!matches('[ab]', 'a'));
    assert.ok(!matches('ab', 'AB'));
  });

  test('keeps a wildcard from colons where told', () => {
    assert.ok(matches('a*b', 'a:b'));
    assert.ok(!matches('a*b', 'a:b', false));
    assert.ok(!matches('a?b', 'a:b', false));
    assert.ok(matches('a:*b', 'a:xb', false));
  });

  test('agrees with a naive reference', () => {
    fc.assert(fc.property(pattern, text, (p, t) => matches(p, t) === naive(p, t)), { numRuns: 5000 });
  });

  test('any text matches itself with parts replaced by wildcards', () => {
    fc.assert(fc.property(fc.string(), fc.nat(), fc.nat(), (t, a, b) => {
      const [from = 0, to = 0] = [a % (t.length + 1), b % (t.length + 1)].sort((x, y) => x - y);
      assert.ok(matches(`${t.slice(0, from)}*${t.slice(to)}`, t));
      assert.ok(matches(t.slice(0, from) + '?'.repeat(to - from) + t.slice(to), t));
    }));
  });

  test('takes no time on patterns that are made to take time', () => {
    const started = process.hrtime.bigint();
    assert.ok(!matches('a*'.repeat(200) + 'b', 'a'.repeat(2000)));
    assert.ok(Number(process.hrtime.bigint() - started) < 5e9);
  });
});

describe('globsOverlap', () => {
  test('finds whether one text matches both', () => {
    const overlap = (a: string, b: string): boolean => globsOverlap(globSteps(a), globSteps(b));
    assert.ok(overlap('a*', '*b'));
    assert.ok(overlap('', '**'));
    assert.ok(overlap('a?c', 'ab*'));
    assert.ok(!overlap('a*', 'b*'));
    assert.ok(!overlap('ab', 'a'));
    assert.ok(!overlap('?', '??'));
    assert.ok(!globsOverlap(globSteps('a:b'), globSteps('a?b', false)));
  });

  test('is symmetric, and true where a text is found that matches both', () => {
    fc.assert(fc.property(pattern, pattern, text, (a, b, t) => {
      const found = globsOverlap(globSteps(a), globSteps(b));
      assert.equal(globsOverlap(globSteps(b), globSteps(a)), found);
      if (naive(a, t) && naive(b, t)) assert.ok(found);
    }), { numRuns: 5000 });
  });

  test('with a pattern that is plain text, is matching', () => {
    fc.assert(fc.property(pattern, text.filter((t) => !/[*?]/.test(t)), (p, t) => globsOverlap(globSteps(p), globSteps(t)) === naive(p, t)), { numRuns: 3000 });
  });

  test('is true only where some short text matches both', () => {
    const small = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 4 });
    const texts = [''];
    for (const t of texts) if (t.length < 8) texts.push(`${t}a`, `${t}b`);
    fc.assert(fc.property(small, small, (a, b) =>
      globsOverlap(globSteps(a), globSteps(b)) === texts.some((t) => matches(a, t) && matches(b, t))), { numRuns: 300 });
  });
});
