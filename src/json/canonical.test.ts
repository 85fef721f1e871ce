import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalBytes, canonicalJson, layoutJson, type Json } from './canonical.ts';

/** JSON values as parseJson lets them in: no half surrogate pairs, no `__proto__`, no negative zero. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const key = fc.oneof(text, fc.constantFrom('constructor', 'toString', '1', '10', '2', 'é', '\u20ac', '\ud83d\ude00'))
  .filter((k) => k !== '__proto__');
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(key, tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const object = fc.dictionary(key, json, { maxKeys: 6, noNullPrototype: true });

describe('canonicalJson', () => {
  test("sorts as RFC 8785's example does", () => {
    const sample = { '\u20ac': 'Euro Sign', '\r': 'Carriage Return', '\ufb33': 'Hebrew', '1': 'One', '\ud83d\ude00': 'Emoji', '\u0080': 'Control', '\u00f6': 'o' };
    assert.deepEqual(Object.values(JSON.parse(canonicalJson(sample)) as object).slice(1),
      ['Carriage Return', 'Control', 'o', 'Euro Sign', 'Emoji', 'Hebrew']);
    assert.equal(canonicalJson([1e21, 0.000001, 333333333.33333329, -0]), '[1e+21,0.000001,333333333.3333333,0]');
  });

  test('is undone by JSON.parse, and is a fixed point', () => {
    fc.assert(fc.property(json, (value) => {
      const once = canonicalJson(value);
      assert.deepEqual(JSON.parse(once), value);
      assert.equal(canonicalJson(JSON.parse(once) as Json), once);
      assert.equal(new TextDecoder().decode(canonicalBytes(value)), once);
    }));
  });

  test('does not depend on the order in which members were made', () => {
    fc.assert(fc.property(object, (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonicalJson(reversed), canonicalJson(value));
      assert.equal(layoutJson(reversed), layoutJson(value));
    }));
  });
});

describe('layoutJson', () => {
  test('writes one member or element a line', () => {
    assert.equal(layoutJson({ b: [{ z: 1, y: [2] }, 3], a: { d: { e: 1 }, c: 'x' }, c: [], d: {} }),
      '{\n  "a": {\n    "c": "x",\n    "d": {"e":1}\n  },\n  "b": [\n    {"y":[2],"z":1},\n    3\n  ],\n  "c": [],\n  "d": {}\n}\n');
  });

  test('is undone by JSON.parse, and is a fixed point', () => {
    fc.assert(fc.property(object, (value) => {
      const once = layoutJson(value);
      const parsed = JSON.parse(once) as Record<string, Json>;
      assert.deepEqual(parsed, value);
      assert.equal(layoutJson(parsed), once);
      assert.ok(once.endsWith('\n') && !once.endsWith('\n\n'));
    }));
  });
});
