import { createHash } from 'node:crypto';
import { example } from '../../src/items/example.testing.ts';
import { encodeKeys, parseKeys, type ItemDocuments, type RecipientEntry } from '../../src/items/model.ts';

/** base64url of so many bytes that follow from `seed`. */
function bytes(seed: string, count: number): string {
  return Buffer.concat([0, 1, 2, 3].map((i) => createHash('sha256').update(`${seed} ${String(i)}`).digest())).subarray(0, count).toString('base64url');
}

/** A recipient that nobody is. @param key which data key is sealed to it */
export function recipient(name: string, key: number): RecipientEntry {
  return { fingerprint: bytes(name, 32), name, sealed_key: bytes(`${name} ${String(key)}`, 112) };
}

const small = parseKeys(example().keys, 'keys');
const item = new TextEncoder().encode('{\n  "format": "iam-vault/1"\n}\n');
/** Every process makes the same: what is sealed and signed is random. */
const header = { ...small.header, item_digest: bytes('item', 32), commitment: bytes('commitment', 32), signature: bytes('signature', 64) };

/** Documents that a store keeps, and that nobody could open: sealed to `count` nodes. @param key another one changes every entry */
export function largeItem(generation: number, key: number, count = 2200, more: readonly RecipientEntry[] = []): ItemDocuments {
  const clients = [...Array.from({ length: count }, (_, i) => recipient(`node-${String(i)}.example.com`, key)), ...more].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { item, keys: encodeKeys({ admins: [recipient('alice', key)], clients, header: { ...header, generation } }) };
}
