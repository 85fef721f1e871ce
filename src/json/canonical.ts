import canonicalize from 'canonicalize';

/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** RFC 8785 (JSON Canonicalization Scheme) text of `value`. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('canonicalJson: not a JSON value');
  return text;
}

/** UTF-8 bytes of {@link canonicalJson}. */
export function canonicalBytes(value: Json): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/**
 * The stored layout of a document: made for diffs. The root object and the objects and arrays that are its members
 * are written one member or element a line, indented by two and four spaces; everything deeper is canonical text.
 * Keys are in RFC 8785's order. The text ends in a newline. Specified in docs/format.md, "Layout".
 */
export function layoutJson(document: { readonly [key: string]: Json }): string {
  const lines = sortedKeys(document).map((key) => `  ${canonicalJson(key)}: ${layoutMember(document[key] ?? null)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function layoutMember(value: Json): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((element: Json) => `    ${canonicalJson(element)}`).join(',\n')}\n  ]`;
  }
  if (value !== null && typeof value === 'object') {
    const object = value as { readonly [key: string]: Json };
    const keys = sortedKeys(object);
    if (keys.length === 0) return '{}';
    return `{\n${keys.map((key) => `    ${canonicalJson(key)}: ${canonicalJson(object[key] ?? null)}`).join(',\n')}\n  }`;
  }
  return canonicalJson(value);
}

/** RFC 8785 sorts by UTF-16 code units, which is what Array.prototype.sort does. */
function sortedKeys(object: { readonly [key: string]: Json }): string[] {
  return Object.keys(object).sort();
}
