import * as z from 'zod/mini';
import { keysHead } from '../../items/keysHead.ts';
import { recipientsText, scanKeysText } from '../../items/keysText.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { layoutJson } from '../../json/canonical.ts';
import { parseDocument } from '../../json/document.ts';
import { equalBytes, FORMAT, utf8 } from '../../sealing/encoding.ts';
import { divide, type Part } from './parts.ts';
import { growTree, nodeSchema, type TreeNode } from './recipientTree.ts';

/** Largest document that stands in the head itself. */
const MOST_INLINE_BYTES = 4 << 10;
/** Characters of a keys document's header that stand in the head: it may name ten thousand clients. */
const MOST_REST = 400_000;

const digest = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

/** A document is its text; or parts, one after the other; or, of a keys document, a tree of recipients and the text behind them. */
const documentSchema = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({ parts: z.array(digest) }),
  z.strictObject({ recipients: nodeSchema, text: z.string() }),
]);

const headSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** Of ITEM_keys.json; null where that is none of ours. */
  generation: z.nullable(z.int().check(z.gte(0))),
  item: documentSchema,
  keys: documentSchema,
  /** How many parts are stored; whatever else is below the item's part keys is left over. */
  stored: z.int().check(z.gte(0)),
});

/** The one key that says which generation of an item is stored: replacing it replaces the item. */
export type Head = z.output<typeof headSchema>;
export type StoredDocument = z.output<typeof documentSchema>;

/** An item as it is stored: the head, and parts that it names. */
export interface Division {
  readonly head: Head;
  readonly bytes: Uint8Array;
  /** Of documents that are divided; each once. */
  readonly parts: readonly Part[];
  readonly tree: TreeNode | undefined;
}

interface DividedDocument {
  readonly document: StoredDocument;
  readonly parts: readonly Part[];
  readonly tree?: TreeNode;
}

/** Divides an item, so that joining gives the same bytes. Takes any bytes: what is no keys document is stored whole. */
export function divideItem({ item, keys }: ItemDocuments): Division {
  const [dividedItem, dividedKeys] = [divideBytes(item), divideKeys(keys) ?? divideBytes(keys)];
  const parts = new Map([...dividedItem.parts, ...dividedKeys.parts].map((part) => [part.digest, part]));
  const { tree } = dividedKeys;
  const generation = keysHead(keys)?.generation;
  const head: Head = {
    format: FORMAT,
    generation: generation !== undefined && Number.isSafeInteger(generation) && generation >= 0 ? generation : null,
    item: dividedItem.document,
    keys: dividedKeys.document,
    stored: parts.size + (tree?.below ?? 0),
  };
  return { head, bytes: utf8(layoutJson(head)), parts: [...parts.values()], tree };
}

function divideBytes(bytes: Uint8Array): DividedDocument {
  if (bytes.length <= MOST_INLINE_BYTES) {
    const text = textOf(bytes);
    if (text !== undefined) return { document: { text }, parts: [] };
  }
  const parts = divide(bytes);
  return { document: { parts: parts.map((part) => part.digest) }, parts };
}

/** Undefined where the document is small, or not what this program writes. */
function divideKeys(keys: Uint8Array): DividedDocument | undefined {
  const text = keys.length > MOST_INLINE_BYTES ? textOf(keys) : undefined;
  const scanned = text === undefined ? undefined : scanKeysText(text);
  const recipients = scanned === undefined ? undefined : recipientsText(scanned);
  if (text === undefined || scanned === undefined || recipients === undefined || !text.startsWith(recipients)) return undefined;
  const tree = growTree(scanned);
  const rest = text.slice(recipients.length);
  return tree === undefined || rest.length > MOST_REST ? undefined : { document: { recipients: tree.record, text: rest }, parts: [], tree };
}

/** The text of which these are the bytes; undefined where there is none. */
function textOf(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return equalBytes(utf8(text), bytes) ? text : undefined;
}

/** @throws VaultError document-invalid, document-not-canonical, format-unsupported */
export function parseHead(bytes: Uint8Array, source: string): Head {
  return parseDocument(headSchema, bytes, source, { name: FORMAT, path: ['format'] });
}
