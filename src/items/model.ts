import * as z from 'zod/mini';
import { isVaultError, VaultError } from '../errors.ts';
import { layoutJson, type Json } from '../json/canonical.ts';
import { decodeDocument, parseDocument } from '../json/document.ts';
import { isAudienceName, KEYS_SUFFIX, nameProblem, type NameKind } from '../names.ts';
import { FORMAT, isBase64 } from '../sealing/encoding.ts';
import { parsePublicKey } from '../sealing/publicKey.ts';
import type { SealedField } from '../sealing/field.ts';
import { recipientsText, scanKeysText } from './keysText.ts';

/** What ITEM.json holds: the fields, each encrypted by itself. */
export interface ItemDocument {
  readonly format: typeof FORMAT;
  readonly id: string;
  readonly vault: string;
  readonly fields: Readonly<Record<string, SealedField>>;
}

/** The signed header in ITEM_keys.json. */
export interface ItemHeader {
  readonly format: typeof FORMAT;
  readonly type: 'item';
  /** ITEM_keys. */
  readonly id: string;
  readonly vault: string;
  /** Digest of version 1 of the roster: an item of one repository is none of another, though they share an admin. */
  readonly repository: string;
  /** Grows by one with every write. */
  readonly generation: number;
  /** The query that chose the clients; empty where they were named one by one. */
  readonly search_query: string;
  /** Names of the admins that it was made for; null for everyone on the roster. */
  readonly named_admins: readonly string[] | null;
  /** Names of clients that are recipients whatever the query selects. */
  readonly named_clients: readonly string[];
  /** Digest of the bytes of ITEM.json. */
  readonly item_digest: string;
  readonly commitment: string;
  readonly recipients_digest: string;
  readonly recipients_count: number;
  /** RFC 3339, UTC, to the second: when this generation was signed. */
  readonly time: string;
  /** Name of the admin who signed. */
  readonly signer: string;
  /** Of an audience alone. */
  readonly group?: GroupHeader;
}

/** The keys of an audience: what other items are sealed to. */
export type GroupHeader = {
  /** Grows by one with every new key pair. */
  readonly epoch: number;
  /** `vaultseal1…` lines, the present one first; then those that some item may still be sealed to. */
  readonly public_keys: readonly string[];
};

/** One who can open the item. */
export interface RecipientEntry {
  readonly name: string;
  readonly fingerprint: string;
  /** The data key, sealed to this recipient; base64url. */
  readonly sealed_key: string;
}

/** What ITEM_keys.json holds. */
export interface KeysDocument {
  readonly header: ItemHeader & { readonly signature: string };
  readonly admins: readonly RecipientEntry[];
  readonly clients: readonly RecipientEntry[];
  /** Where the item is sealed to an audience: then nobody else is listed. */
  readonly audience?: RecipientEntry;
}

/** An item as a store keeps it. */
export interface ItemDocuments {
  readonly item: Uint8Array;
  readonly keys: Uint8Array;
  /** `keys` lists, of the recipients, none but the reader's own entry: what was signed of the whole list cannot be compared. */
  readonly isPartial?: boolean;
}

/** A name that follows the rule of its kind. */
function name(kind: NameKind): z.ZodMiniString {
  return z.string().check(z.refine((text) => nameProblem(kind, text) === undefined, `not a valid ${kind} name`));
}

/** base64url of so many bytes. */
function base64(bytes: number): z.ZodMiniString {
  return z.string().check(z.refine((text) => isBase64(text, bytes), `not base64url of ${String(bytes)} bytes`));
}

/** Each name once, in the order of RFC 8785. */
const sortedNames = z.refine<string[]>((names) => names.every((each, i) => i === 0 || (names[i - 1] ?? '') < each), 'not sorted, or a name twice');

const digest = base64(32);
/** An authentication tag at least. */
const ciphertext = z.string().check(z.minLength(22), z.refine((text) => isBase64(text), 'not base64url'));

const itemSchema = z.strictObject({
  format: z.literal(FORMAT),
  id: name('item'),
  vault: name('vault'),
  fields: z.record(name('field'), z.strictObject({ ciphertext, nonce: base64(24) })),
});

const headerSchema = z.strictObject({
  format: z.literal(FORMAT),
  type: z.literal('item'),
  id: z.string().check(z.maxLength(140), z.endsWith(KEYS_SUFFIX)),
  vault: name('vault'),
  repository: digest,
  generation: z.int().check(z.gte(1)),
  search_query: z.string().check(z.maxLength(16_384)),
  named_admins: z.nullable(z.array(name('admin')).check(z.minLength(1), sortedNames)),
  named_clients: z.array(name('node')).check(sortedNames),
  item_digest: digest,
  commitment: digest,
  recipients_digest: digest,
  recipients_count: z.int().check(z.gte(1)),
  time: z.iso.datetime({ precision: 0 }),
  signer: name('admin'),
  group: z.optional(z.strictObject({ epoch: z.int().check(z.gte(1)), public_keys: z.array(z.string().check(z.maxLength(200))).check(z.minLength(1), z.maxLength(1000)) })),
  signature: base64(64),
});

const entrySchema = z.strictObject({ name: name('node'), fingerprint: digest, sealed_key: base64(112) });

const audienceEntrySchema = z.strictObject({ name: name('item').check(z.refine(isAudienceName, 'not the name of an audience')), fingerprint: digest, sealed_key: base64(112) });

const keysSchema = z.strictObject({ header: headerSchema, admins: z.array(entrySchema), clients: z.array(entrySchema), audience: z.optional(audienceEntrySchema) });

/**
 * Parses ITEM.json.
 * @throws VaultError document-invalid, document-not-canonical, format-unsupported
 */
export function parseItem(bytes: Uint8Array, source: string): ItemDocument {
  return parseDocument(itemSchema, bytes, source, { name: FORMAT, path: ['format'] });
}

/** The bytes of ITEM.json. */
export function encodeItem(document: ItemDocument): Uint8Array {
  return new TextEncoder().encode(layoutJson(document as unknown as { [key: string]: Json }));
}

/**
 * Parses ITEM_keys.json.
 * @throws VaultError document-invalid, document-not-canonical, format-unsupported
 */
export function parseKeys(bytes: Uint8Array, source: string): KeysDocument {
  const text = decodeDocument(bytes, source);
  const document = scanKeys(text, source) ?? parseKeysText(text, source);
  requireForm(document, source);
  return document;
}

/** {@link parseKeysText}, in a tenth of the time; undefined where something is wrong with the document. */
function scanKeys(text: string, source: string): KeysDocument | undefined {
  const scanned = scanKeysText(text);
  if (scanned === undefined) return undefined;
  try {
    return { ...parseKeysText(scanned.rest, source), admins: scanned.admins, clients: scanned.clients };
  } catch (error) {
    if (isVaultError(error)) return undefined;
    throw error;
  }
}

/**
 * {@link parseKeys} by the schema and the layout alone: what it refuses is refused, and in its words.
 * @throws VaultError document-invalid, document-not-canonical, format-unsupported
 */
export function parseKeysText(text: string, source: string): KeysDocument {
  // What is missing in JSON is missing, and not undefined.
  const document = parseDocument(keysSchema, text, source, { name: FORMAT, path: ['header', 'format'] }) as KeysDocument;
  for (const [list, entries] of Object.entries({ admins: document.admins, clients: document.clients })) {
    if (entries.every((entry, i) => i === 0 || (entries[i - 1]?.name ?? '') < entry.name)) continue;
    throw new VaultError('document-not-canonical', `${source} was changed by hand or by another program: its ${list} are not sorted by name, each once.`, {
      hint: 'Restore it from version control or a backup.', details: { source },
    });
  }
  return document;
}

/** An item is sealed to those it lists, or to one audience; and an audience, by its name, has keys, and no audience itself. */
function requireForm({ header, admins, clients, audience }: KeysDocument, source: string): void {
  const isAudience = isAudienceName(header.id.slice(0, -KEYS_SUFFIX.length));
  const isGood = isAudience === (header.group !== undefined) && (audience === undefined || (!isAudience && admins.length + clients.length === 0))
    && (header.group?.public_keys ?? []).every(isSealingLine);
  if (!isGood) throw new VaultError('document-invalid', `${source} does not fit: an item lists recipients or names one audience, and an audience has keys.`, { details: { source } });
}

function isSealingLine(line: string): boolean {
  try {
    const key = parsePublicKey(line);
    return key.type === 'vault' && key.line === line;
  } catch (error) {
    if (isVaultError(error, 'key-invalid')) return false;
    throw error;
  }
}

/** The bytes of ITEM_keys.json. */
export function encodeKeys(document: KeysDocument): Uint8Array {
  const { header, admins, clients, audience } = document;
  if (audience !== undefined) return new TextEncoder().encode(layoutOf(document));
  const recipients = recipientsText(document);
  return new TextEncoder().encode(recipients === undefined ? layoutOf({ header, admins, clients }) : recipients + layoutOf({ header }).slice('{\n'.length));
}

function layoutOf(members: Partial<KeysDocument>): string {
  return layoutJson(members as unknown as { [key: string]: Json });
}
