import * as z from 'zod/v4/core';
import { isVaultError, VaultError } from '../../errors.ts';
import { keysHead, type KeysHead } from '../../items/keysHead.ts';
import { recipientsText } from '../../items/keysText.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { compareNames } from '../../items/recipients.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { digestOf, equalBytes, utf8 } from '../../sealing/encoding.ts';
import type { LiveReply, Revision, ToldHead } from '../live.ts';
import { failedFor } from './failure.ts';
import { parseHead, type Head, type StoredDocument } from './head.ts';
import { MOST_OPERATIONS, type KeyValues, type Stored } from './keyValues.ts';
import { headKey, HEADS, nodeKey, partKey, refOf, vaultKeys } from './layout.ts';
import { MOST_PART_BYTES } from './parts.ts';
import { collectRecipients, findRecipient, nodeSchema, type FetchNodes, type NodeRecord } from './recipientTree.ts';

/** Bytes asked for in one request. */
const MOST_READ_BYTES = 8 << 20;
/** A leaf of the tree of recipients, or a branch, about. */
const NODE_BYTES = 8 << 10;
/** How often a reader looks again where etcd forgot the revision that it was reading. */
const READ_ATTEMPTS = 5;

/** Where the items of one repository are read. */
export interface ItemKeys {
  readonly keyValues: KeyValues;
  /** The whole key, for messages. */
  source(key: string): string;
}

/** Both documents, of one generation: parts are read as they were when the head was. */
export async function readItemKeys(keys: ItemKeys, ref: ItemRef): Promise<ItemDocuments | undefined> {
  return await withHead(keys, ref, async (head, revision) => ({
    item: await joinDocument(keys, ref, head.item, revision),
    keys: await joinDocument(keys, ref, head.keys, revision),
  }));
}

/** See `LiveStore.readItemAs`. */
export async function readItemKeysAs(keys: ItemKeys, ref: ItemRef, fingerprint: string, known: Revision | undefined, told: ToldHead | undefined): Promise<LiveReply> {
  const key = headKey(ref);
  const join = async ({ value, revision }: ToldHead, at: Revision): Promise<LiveReply> => {
    const head = parseHead(value, keys.source(key));
    const item = await joinDocument(keys, ref, head.item, at);
    if (!('recipients' in head.keys)) return { kind: 'found', documents: { item, keys: await joinDocument(keys, ref, head.keys, at) }, revision, at };
    const own = recipientsText(await findRecipient(head.keys.recipients, fingerprint, fetchNodes(keys, ref, at)));
    if (own === undefined) throw damaged(keys.source(key), 'it names a recipient as no document can');
    return { kind: 'found', documents: { item, keys: utf8(own + head.keys.text), isPartial: true }, revision, at };
  };
  for (let attempt = 1, given = told; ; attempt++) {
    let found: Stored | undefined = given;
    let at = given?.revision ?? 0;
    if (given === undefined) {
      const outcome = await keys.keyValues.commit({ unchanged: { [key]: known ?? 0 }, otherwise: [key] });
      at = outcome.revision;
      if (outcome.done) return { kind: known === undefined ? 'absent' : 'unchanged', at };
      [found] = outcome.found;
    }
    if (found === undefined) return { kind: 'absent', at };
    try {
      return await join(found, at);
    } catch (error) {
      if (!failedFor(error, 'compacted') || attempt === READ_ATTEMPTS) throw error;
      given = undefined;
    }
  }
}

/** See `Store.readHead`. The header stands in the head, or, of a document that is no keys document of ours, in its parts. */
export async function readKeysHead(keys: ItemKeys, ref: ItemRef): Promise<KeysHead | undefined> {
  return await withHead(keys, ref, async ({ keys: document }, revision) =>
    keysHead('parts' in document ? await joinDocument(keys, ref, document, revision) : utf8('recipients' in document ? `{\n${document.text}` : document.text)));
}

/** What lies there. Where that cannot be joined, it is the head, which passes for neither document. */
export async function readRawKeys(keys: ItemKeys, ref: ItemRef): Promise<Partial<ItemDocuments>> {
  try {
    return await readItemKeys(keys, ref) ?? {};
  } catch (error) {
    if (!isVaultError(error, 'document-invalid', 'document-not-canonical', 'format-unsupported')) throw error;
    const { found: [head] } = await keys.keyValues.read([headKey(ref)]);
    return head === undefined ? {} : { item: head.value, keys: head.value };
  }
}

export async function listItemKeys({ keyValues }: ItemKeys, vault?: string): Promise<ItemRef[]> {
  const below = vault === undefined ? HEADS : vaultKeys(vault);
  const refs = (await keyValues.names(below)).flatMap((name) => refOf(vault === undefined ? name : `${vault}/${name}`) ?? []);
  return refs.sort((a, b) => compareNames(a.vault, b.vault) || compareNames(a.item, b.item));
}

async function withHead<T>(keys: ItemKeys, ref: ItemRef, work: (head: Head, revision: number) => Promise<T>): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    const { found: [stored], revision } = await keys.keyValues.read([headKey(ref)]);
    if (stored === undefined) return undefined;
    try {
      return await work(parseHead(stored.value, keys.source(headKey(ref))), revision);
    } catch (error) {
      if (!failedFor(error, 'compacted') || attempt === READ_ATTEMPTS) throw error;
    }
  }
}

async function joinDocument(keys: ItemKeys, ref: ItemRef, document: StoredDocument, revision: number): Promise<Uint8Array> {
  if ('parts' in document) return Buffer.concat(await readParts(keys, document.parts.map((digest) => partKey(ref, digest)), MOST_PART_BYTES, revision));
  if (!('recipients' in document)) return utf8(document.text);
  const recipients = recipientsText(await collectRecipients(document.recipients, fetchNodes(keys, ref, revision)));
  if (recipients === undefined) throw damaged(keys.source(headKey(ref)), 'it names a recipient as no document can');
  return utf8(recipients + document.text);
}

/** Reads nodes of the tree of recipients as they were at a revision. */
export function fetchNodes(keys: ItemKeys, ref: ItemRef, revision: number): FetchNodes {
  return async (digests) => {
    const names = digests.map((digest) => nodeKey(ref, digest));
    return (await readParts(keys, names, NODE_BYTES, revision)).map((bytes, i) => parseNode(bytes, keys.source(names[i] ?? '')));
  };
}

function parseNode(bytes: Uint8Array, source: string): NodeRecord {
  try {
    return z.parse(nodeSchema, JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    throw damaged(source, 'it is no list of recipients');
  }
}

/** @param size how large each may be expected to be */
async function readParts({ keyValues, source }: ItemKeys, keys: readonly string[], size: number, revision: number): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  const batch = Math.min(MOST_OPERATIONS, Math.floor(MOST_READ_BYTES / size));
  for (let start = 0; start < keys.length; start += batch) {
    const asked = keys.slice(start, start + batch);
    const { found } = await keyValues.read(asked, revision);
    found.forEach((part, i) => {
      const key = asked[i] ?? '';
      if (part === undefined) throw damaged(source(key), 'it is missing');
      if (!key.endsWith(digestOf(part.value))) throw damaged(source(key), 'it is not what it is named for');
      parts.push(part.value);
    });
  }
  return parts;
}

/** The stored head, and its generation; 0 where there is none. @throws VaultError document-invalid */
export function judgeHead(keys: ItemKeys, ref: ItemRef, stored: Stored | undefined): { readonly head: Head | undefined; readonly generation: number } {
  if (stored === undefined) return { head: undefined, generation: 0 };
  const head = parseHead(stored.value, keys.source(headKey(ref)));
  if (head.generation === null) throw damaged(keys.source(headKey(ref)), 'its keys document is none of a vault');
  return { head, generation: head.generation };
}

/** Whether these are the bytes that a repeated attempt was to write. */
export function isWritten(stored: Stored | undefined, bytes: Uint8Array): boolean {
  return stored !== undefined && equalBytes(stored.value, bytes);
}

function damaged(source: string, why: string): VaultError {
  return new VaultError('document-invalid', `${source} is damaged: ${why}.`, {
    hint: 'Restore etcd from a backup, as docs/etcd.md says; or delete the key with etcdctl and make the item anew.', details: { source },
  });
}
