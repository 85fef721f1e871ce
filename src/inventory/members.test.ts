import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countMembers, countWrittenMembers, mayHaveDuplicates } from './members.ts';

const kept = (text: string): number => countMembers(JSON.parse(text), 100) ?? Number.NaN;

/** JSON text with all that could be taken for a member: quotes, colons and brackets in strings and keys, escapes, space. */
const { text: json } = fc.letrec<{ text: string }>((tie) => {
  const string = fc.string({ unit: fc.constantFrom('"', ':', ',', '{', '}', '[', '\\', ' ', '\n', '1', 'a', '\u{1f511}'), maxLength: 6 })
    .chain((s) => fc.constantFrom(JSON.stringify(s), `"${[...s].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`));
  const space = fc.constantFrom('', '', ' ', '\n\t', ' \r\n');
  const spaced = (part: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.tuple(space, part, space).map((parts) => parts.join(''));
  return {
    text: fc.oneof(
      { depthSize: 'medium' },
      spaced(fc.oneof(string, fc.constantFrom('1', '-1.5e+3', 'true', 'false', 'null'))),
      fc.array(tie('text'), { maxLength: 4 }).map((elements) => `[${elements.join(',')}]`),
      fc.array(fc.tuple(spaced(string), tie('text')), { maxLength: 4 }).map((members) => `{${members.map((m) => m.join(':')).join(',')}}`),
    ),
  };
});

test('the members of a text and those that JSON.parse kept differ exactly where a key is duplicate', () => {
  let duplicate = 0;
  fc.assert(fc.property(json, (text) => {
    const count = kept(text);
    // Counted another way: without what strings hold, only the colons of members are left.
    const members = [...text.replaceAll(/"(?:\\.|[^"\\])*"/gs, '""').matchAll(/:/g)].length;
    assert.equal(countWrittenMembers(text), members);
    if (members !== count) {
      duplicate++;
      assert.ok(mayHaveDuplicates(text, count));
    }
  }), { numRuns: 5000 });
  assert.ok(duplicate > 50);
});

test('strings that look like members seldom need a second look', () => {
  for (const value of ['::1', ':80', ':', ': ', 'a:b', '"quoted"', '::', ', :x', '{"a":1}']) {
    const text = JSON.stringify({ value, [value]: [value, 1], list: [value, { a: value }] });
    assert.equal(countWrittenMembers(text), kept(text));
    if (!/^:\s*$|"/.test(value)) assert.ok(!mayHaveDuplicates(text, kept(text)), value);
  }
});

test('duplicates are seen at any depth and in any spelling', () => {
  for (const text of ['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"a":{"b":[{"c":1,"c" : 2}]}}', '{"":1,"":2}', '{"__proto__":1,"__proto__":2}', '{",":1,",":1}', '{":":1,":":":"}']) {
    assert.ok(mayHaveDuplicates(text, kept(text)), text);
    assert.equal(countWrittenMembers(text), kept(text) + 1, text);
  }
});

test('depth counts hashes and lists', () => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}']] as const) {
    const nested = (depth: number): unknown => JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`);
    assert.notEqual(countMembers(nested(64), 64), undefined);
    assert.equal(countMembers(nested(65), 64), undefined);
    assert.equal(countMembers({ a: 1, b: [nested(64)] }, 64), undefined);
  }
});
