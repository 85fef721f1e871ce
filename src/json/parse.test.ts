import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError, VaultError, type ErrorCode } from '../errors.ts';
import { parseJson } from './parse.ts';

function fails(input: string | Uint8Array, code: ErrorCode, at?: { line: number; column: number }): void {
  assert.throws(() => parseJson(input, 'x.json'), (error: unknown) => {
    assert.ok(error instanceof VaultError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.details['source'], 'x.json');
    if (at !== undefined) assert.deepEqual({ line: error.details['line'], column: error.details['column'] }, at);
    return true;
  });
}

describe('parseJson', () => {
  test('finds values where they stand, or their nearest existing ancestor', () => {
    const document = parseJson('{\r\n  "a": [1, {"b c": null}],\n\t"d": {}\n}', 'x.json');
    assert.deepEqual(document.value, { a: [1, { 'b c': null }], d: {} });
    assert.deepEqual(document.locate([]), { line: 1, column: 1 });
    assert.deepEqual(document.locate(['a', 0]), { line: 2, column: 9 });
    assert.deepEqual(document.locate(['a', 1, 'b c']), { line: 2, column: 20 });
    assert.deepEqual(document.locate(['a', 1, 'missing', 'x']), { line: 2, column: 12 });
    assert.deepEqual(document.locate(['a', 'b']), { line: 2, column: 8 });
    assert.deepEqual(document.locate(['d', 0]), { line: 3, column: 7 });
  });

  test('takes CRLF and what JavaScript objects have of themselves as plain names', () => {
    const document = parseJson('{"constructor": 1,\r\n"toString": 2, "hasOwnProperty": 3}', 'x.json');
    assert.deepEqual(document.value, { constructor: 1, toString: 2, hasOwnProperty: 3 });
    assert.deepEqual(document.locate(['toString']), { line: 2, column: 13 });
  });

  test('refuses what is not JSON, with the place', () => {
    fails('', 'input-not-json', { line: 1, column: 1 });
    fails('{"a": 1,}', 'input-not-json', { line: 1, column: 9 });
    fails('{\n "a" 1}', 'input-not-json', { line: 2, column: 6 });
    fails('{"a": 1} x', 'input-not-json');
    fails('// comment\n{}', 'input-not-json');
    fails("{'a': 1}", 'input-not-json');
    fails('{"a": NaN}', 'input-not-json');
    fails('"tab\there"', 'input-not-json');
    fails('[01]', 'input-not-json');
    fails(new Uint8Array([0x22, 0xff, 0x22]), 'input-not-json');
    fails(new Uint8Array([0x7b, 0, 0x7d]), 'input-not-json');
  });

  test('refuses a byte order mark', () => {
    fails(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'input-not-json', { line: 1, column: 1 });
    fails('\uFEFF{}', 'input-not-json', { line: 1, column: 1 });
    fails(new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]), 'input-not-json');
  });

  test('refuses duplicate keys at any level, escaped or not', () => {
    fails('{"a": 1,\n "a": 1}', 'input-duplicate-key', { line: 2, column: 2 });
    fails('[{"b": {"a": 1, "\\u0061": 2}}]', 'input-duplicate-key');
    fails('{"toString": 1, "toString": 1}', 'input-duplicate-key');
  });

  test('refuses __proto__ at any level, escaped or not', () => {
    fails('{"__proto__": {}}', 'input-invalid', { line: 1, column: 2 });
    fails('{"a": [{"\\u005f_proto__": {"x": 1}}]}', 'input-invalid');
  });

  test('refuses half of a surrogate pair', () => {
    fails('{"a": "\\ud800"}', 'input-invalid', { line: 1, column: 7 });
    fails('{"\\udc00": 1}', 'input-invalid');
    assert.equal(parseJson('"\\ud83d\\ude00"', 'x.json').value, '😀');
  });

  test('refuses what is huge, before reading it', () => {
    fails(new Uint8Array((1 << 20) + 1), 'input-too-large');
    fails('"' + 'é'.repeat(1 << 19) + '"', 'input-too-large');
    assert.throws(() => parseJson('[1]', 'x.json', { maxBytes: 2 }), (e) => isVaultError(e, 'input-too-large'));
  });

  test('refuses what is deep, without recursing into it', () => {
    fails('['.repeat(65) + ']'.repeat(65), 'input-too-deep', { line: 1, column: 65 });
    fails('{"a":'.repeat(150_000), 'input-too-deep');
    assert.ok(parseJson('['.repeat(64) + ']'.repeat(64), 'x.json'));
    assert.equal(parseJson('"[[[[\\"[["', 'x.json', { maxDepth: 0 }).value, '[[[["[[');
  });

  test('never throws anything but a VaultError, on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseJson(bytes, 'x.json');
      } catch (error) {
        assert.ok(error instanceof VaultError, String(error));
      }
    }));
  });

  test('agrees with JSON.parse on any JSON', () => {
    fc.assert(fc.property(fc.json({ noUnicodeString: false, maxDepth: 8 }), (text) => {
      try {
        assert.deepEqual(parseJson(text, 'x.json').value, JSON.parse(text));
      } catch (error) {
        assert.ok(isVaultError(error, 'input-invalid'), String(error));
      }
    }));
  });

  test('accepts nothing that JSON.parse refuses', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"b\\n"', '"', '\\', '0', '1', '-', '.', 'e', '+', 'true',
      'null', 'NaN', ' ', '\n', '\t', '\v', '\u00a0', '/*', '*/', '//', "'", '\\u00', '\u0000', '\u001f');
    fc.assert(fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      let value: unknown;
      try {
        value = parseJson(text, 'x.json').value;
      } catch (error) {
        assert.ok(error instanceof VaultError, String(error));
        return;
      }
      assert.deepEqual(value, JSON.parse(text));
    }), { numRuns: 5000 });
    const small = fc.constantFrom('[', ']', ',', '"', '\\', 'u', '0', '1', '-', '.', 'e', 'E', '+', ' ', '\t', '\v', '\f', '\u007f', 'x', 'n');
    fc.assert(fc.property(fc.array(small, { maxLength: 6 }), (parts) => {
      for (const text of [parts.join(''), `"${parts.join('')}"`]) {
        try {
          parseJson(text, 'x.json');
        } catch {
          continue;
        }
        JSON.parse(text);
      }
    }), { numRuns: 5000 });
  });
});
