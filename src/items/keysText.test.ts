import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError } from '../errors.ts';
import { canonicalBytes, layoutJson, type Json } from '../json/canonical.ts';
import { decodeDocument } from '../json/document.ts';
import { nameProblem } from '../names.ts';
import { digestOf } from '../sealing/encoding.ts';
import { alice, asRecipient, bob, db, example, mac, web } from './example.testing.ts';
import { scanKeysText } from './keysText.ts';
import { encodeKeys, parseKeys, parseKeysText, type KeysDocument } from './model.ts';
import { recipientNames, recipientsDigest } from './recipients.ts';

const people = [web, db, mac, alice, bob];
const name = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_@+=,-][A-Za-z0-9_.@+=,-]{0,127}$/), fc.constantFrom('a', 'b', 'B', 'a.b', 'a-b', 'a_keys', '0'))
  .filter((each) => nameProblem('node', each) === undefined);
const names = fc.uniqueArray(name, { maxLength: 6 });

/** Documents that this program would write. */
const keysBytes = fc.tuple(names, names.filter(({ length }) => length > 0), fc.string({ unit: 'grapheme' })).map(([clients, admins, searchQuery]) => example({
  searchQuery,
  recipients: [
    ...clients.map((each, i) => ({ ...asRecipient('client', people[i % people.length] ?? web), name: each })),
    ...admins.map((each, i) => ({ ...asRecipient('admin', people[i % people.length] ?? web), name: each })),
  ],
}).keys);

/** What somebody could do to them: by line, by character, and by text that looks as if it belonged there. */
const PIECES = ['\r', ' ', '\t', '\n', '"', '\\', '\\u0061', ',', '[]', '{', '}', '\u00e9', '\u2028', '\ufeff', '__proto__', 'constructor', '.', '=', 'A', 'B', '_',
  '"name":"x",', '    {"fingerprint":"', '  "clients": [],\n', '  "admins": [],\n', '  "header": {', 'iam-vault/2'];
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('replace' as const), at: fc.nat(), length: fc.nat({ max: 3 }), with: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 2 })) }),
  fc.record({ kind: fc.constantFrom('swap' as const, 'double' as const, 'remove' as const, 'crlf' as const, 'cut' as const), at: fc.nat(), other: fc.nat() }),
);

function mutate(text: string, change: (typeof mutation extends fc.Arbitrary<infer T> ? T : never)): string {
  if (change.kind === 'replace') {
    const at = change.at % text.length;
    return text.slice(0, at) + change.with + text.slice(at + change.length);
  }
  const lines = text.split('\n');
  const [at, other] = [change.at % lines.length, change.other % lines.length];
  if (change.kind === 'crlf') return text.replaceAll('\n', '\r\n');
  if (change.kind === 'cut') return text.slice(0, change.at % text.length);
  const [one = '', two = ''] = [lines[at], lines[other]];
  if (change.kind === 'swap') [lines[at], lines[other]] = [two, one];
  else lines.splice(at, 1, ...(change.kind === 'double' ? [one, one] : []));
  return lines.join('\n');
}

/** What came of it: the document, or how it was refused. */
function outcome(parse: () => KeysDocument): unknown {
  try {
    return parse();
  } catch (error) {
    assert.ok(isVaultError(error), String(error));
    return { code: error.code, message: error.message };
  }
}

function assertAgree(bytes: Uint8Array): void {
  assert.deepEqual(outcome(() => parseKeys(bytes, 'keys')), outcome(() => parseKeysText(decodeDocument(bytes, 'keys'), 'keys')));
}

describe('the recipients in the text of a keys document', () => {
  test('are read without the schema where they are valid', () => {
    fc.assert(fc.property(keysBytes, (bytes) => {
      const text = decodeDocument(bytes, 'keys');
      const scanned = scanKeysText(text);
      const { admins, clients } = parseKeysText(text, 'keys');
      assert.deepEqual({ admins: scanned?.admins, clients: scanned?.clients }, { admins, clients });
      assertAgree(bytes);
    }), { numRuns: 50 });
  });

  test('are judged as the schema and the layout judge them', () => {
    fc.assert(fc.property(keysBytes, fc.array(fc.array(mutation, { minLength: 1, maxLength: 2 }), { minLength: 60, maxLength: 60 }), (bytes, all) => {
      const text = decodeDocument(bytes, 'keys');
      for (const changes of all) assertAgree(new TextEncoder().encode(changes.reduce(mutate, text)));
    }), { numRuns: 60 });
  });

  test('are judged as the schema judges each flipped bit', () => {
    const bytes = example().keys;
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bit;
        assertAgree(changed);
      }
    }
  });

  test('are written as the layout says, and digested as RFC 8785 says, whatever they are', () => {
    const text = fc.oneof(name, fc.string({ unit: 'grapheme' }), fc.constantFrom('"', '\\', '\u2028', ''));
    const entries = fc.array(fc.record({ name: text, fingerprint: text, sealed_key: text }), { maxLength: 4 });
    const { header } = parseKeys(example().keys, 'keys');
    fc.assert(fc.property(entries, entries, (admins, clients) => {
      const document = { header, admins, clients };
      assert.equal(new TextDecoder().decode(encodeKeys(document)), layoutJson(document as unknown as { [key: string]: Json }));
      const list = recipientNames(document);
      const sorted = [...list].sort((a, b) => (a.role === b.role ? (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) : a.role < b.role ? -1 : 1));
      assert.equal(recipientsDigest(list), digestOf(canonicalBytes(sorted.map((each) => [each.role, each.name, each.fingerprint]))));
    }));
  });
});
