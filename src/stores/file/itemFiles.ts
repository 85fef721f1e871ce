import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod/mini';
import { isVaultError, VaultError } from '../../errors.ts';
import { listDirectory, readRegularFileNow } from '../../files/read.ts';
import { ensureDirectoryWithin, removeFile, replaceFile } from '../../files/write.ts';
import { parseDocument } from '../../json/document.ts';
import { layoutJson } from '../../json/canonical.ts';
import { checkName, KEYS_SUFFIX, nameProblem } from '../../names.ts';
import { digestOf, equalBytes } from '../../sealing/encoding.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { keysHead } from '../../items/keysHead.ts';
import { parseKeys, type ItemDocuments } from '../../items/model.ts';
import { compareNames } from '../../items/recipients.ts';
import { pathsOf, pendingItem, type ItemPaths } from './layout.ts';

const MAX_BYTES = 64 << 20;
const MODE = { mode: 0o644 };

/** How often a reader looks again when it meets a pair of files that do not belong together. */
const READ_ATTEMPTS = 20;

/**
 * An item is two files, which cannot be replaced in one step. So a writer first writes both into one "pending" file:
 * from that moment the new generation is the item. Then it replaces the two, and removes the pending file. A reader prefers
 * a pending file that is newer; a writer finishes one that it finds. Thus a writer may be killed anywhere.
 */
const pendingSchema = z.strictObject({ item: z.string(), keys: z.string() });

/** Reads both files of an item, of one generation. Needs no lock. */
export async function readItemFiles(root: string, ref: ItemRef): Promise<ItemDocuments | undefined> {
  const paths = pathsOf(root, ref);
  for (let attempt = 1; ; attempt++) {
    await setImmediate(); // Files are read at once: whoever reads in a loop must let others have their turn.
    const pending = readPending(paths);
    const stored = readPair(paths);
    if (pending !== undefined && generationOf(pending.keys) >= generationOf(stored.keys)) return pending;
    const { item, keys } = stored;
    if (item === undefined && keys === undefined) return undefined;
    // What has no head of ours is not half of a write: it is damaged, or another program's.
    if (item !== undefined && keys !== undefined && (keysHead(keys) === undefined || belongTogether(item, keys))) return { item, keys };
    if (attempt === READ_ATTEMPTS) {
      if (item !== undefined && keys !== undefined) return { item, keys }; // Verification says what is wrong with them.
      if (keys === undefined) return undefined; // A data bag item that was never a vault's.
      throw new VaultError('document-invalid', `${ref.vault}/${ref.item} is incomplete: ${paths.item} is missing.`, {
        hint: 'Restore the file from version control or a backup.', details: { ...ref },
      });
    }
    await new Promise((resolve) => setTimeout(resolve, attempt));
  }
}

/** Writes both files. The caller holds the repository's lock. */
export async function writeItemFiles(root: string, ref: ItemRef, documents: ItemDocuments, expected: number, premises?: () => Promise<void>): Promise<void> {
  const paths = pathsOf(root, ref);
  await ensureDirectoryWithin(root, 'data_bags', ref.vault);
  await finishPending(paths);
  const stored = readPair(paths);
  requireGeneration(ref, stored, expected);
  refuseOther(ref, paths, stored);
  await premises?.();
  if (stored.item !== undefined && equalBytes(stored.item, documents.item)) {
    await replaceFile(paths.keys, requireReadable(documents.keys, ref), MODE);
    return;
  }
  const text = new TextDecoder();
  const pending = new TextEncoder().encode(layoutJson({ item: text.decode(documents.item), keys: text.decode(documents.keys) }));
  await replaceFile(paths.pending, requireReadable(pending, ref), MODE);
  await applyPending(paths, documents);
}

function requireGeneration(ref: ItemRef, { keys }: Partial<ItemDocuments>, expected: number): void {
  const found = generationOf(keys);
  if (found === expected) return;
  throw new VaultError('store-conflict', expected === 0
    ? `${ref.vault}/${ref.item} exists already, at generation ${String(found)}.`
    : `${ref.vault}/${ref.item} was changed by somebody else: it is at generation ${String(found)}, not ${String(expected)}.`, {
    hint: 'Run the command again: it then starts from the present generation.',
    details: { ...ref, expected, found },
  });
}

/** Removes both files. The caller holds the repository's lock. */
export async function removeItemFiles(root: string, ref: ItemRef, expected: number): Promise<void> {
  const paths = pathsOf(root, ref);
  await finishPending(paths);
  requireGeneration(ref, readPair(paths), expected);
  // The keys document last: as long as it is there, what is left is known for an item of a vault.
  await removeFile(paths.item);
  await removeFile(paths.keys);
}

/** The two files as they are. */
export async function readRawFiles(root: string, ref: ItemRef): Promise<Partial<ItemDocuments>> {
  return Promise.resolve(readPair(pathsOf(root, ref)));
}

/** Nothing is written that no reader would take. */
function requireReadable(bytes: Uint8Array, { vault, item }: ItemRef): Uint8Array {
  if (bytes.byteLength <= MAX_BYTES) return bytes;
  throw new VaultError('input-too-large', `${vault}/${item} would have ${String(bytes.byteLength)} bytes; at most ${String(MAX_BYTES)} are allowed.`, {
    hint: 'Seal it to fewer recipients, or store less in it.', details: { vault, item, size: bytes.byteLength, maxBytes: MAX_BYTES },
  });
}

/** Refuses a name that a plain data bag item has. Needs no lock. */
export async function requireFree(root: string, ref: ItemRef): Promise<void> {
  const paths = pathsOf(root, ref);
  if (readPending(paths) === undefined) refuseOther(ref, paths, readPair(paths));
  return Promise.resolve();
}

function refuseOther(ref: ItemRef, paths: ItemPaths, { item, keys }: Partial<ItemDocuments>): void {
  if (item === undefined || keys !== undefined) return;
  throw new VaultError('item-exists', `${paths.item} is there already, and is not a vault's: nothing beside it says who can open it.`, {
    hint: 'Move the file away, or choose another name.', details: { ...ref },
  });
}

/** Whether a writer was killed before it was done, or is at work. Needs no lock. */
export async function hasPendingFile(root: string, ref: ItemRef): Promise<boolean> {
  return Promise.resolve(readPending(pathsOf(root, ref)) !== undefined);
}

/** Completes what a writer that was killed had begun. The caller holds the repository's lock. */
export async function finishItemFiles(root: string, ref: ItemRef): Promise<void> {
  await finishPending(pathsOf(root, ref));
}

async function finishPending(paths: ItemPaths): Promise<void> {
  const pending = readPending(paths);
  if (pending === undefined) return;
  const stored = readRegularFileNow(paths.keys, { maxBytes: MAX_BYTES });
  if (generationOf(pending.keys) < generationOf(stored?.bytes)) {
    await removeFile(paths.pending); // Left over: the files have moved on since, through version control.
    return;
  }
  await applyPending(paths, pending);
}

async function applyPending(paths: ItemPaths, documents: ItemDocuments): Promise<void> {
  await replaceFile(paths.item, documents.item, MODE);
  await replaceFile(paths.keys, documents.keys, MODE);
  await removeFile(paths.pending);
}

function readPending(paths: ItemPaths): ItemDocuments | undefined {
  const file = readRegularFileNow(paths.pending, { maxBytes: MAX_BYTES });
  if (file === undefined) return undefined;
  const { item, keys } = parseDocument(pendingSchema, file.bytes, paths.pending);
  const text = new TextEncoder();
  return { item: text.encode(item), keys: text.encode(keys) };
}

function readPair(paths: ItemPaths): Partial<ItemDocuments> {
  const keys = readRegularFileNow(paths.keys, { maxBytes: MAX_BYTES });
  const item = readRegularFileNow(paths.item, { maxBytes: MAX_BYTES });
  return { ...(item === undefined ? {} : { item: item.bytes }), ...(keys === undefined ? {} : { keys: keys.bytes }) };
}

/** 0 where there is no such document. */
function generationOf(keys: Uint8Array | undefined): number {
  if (keys === undefined) return 0;
  const head = keysHead(keys);
  if (head === undefined) parseKeys(keys, 'The stored keys document'); // Throws, and says what is wrong.
  return head?.generation ?? 0;
}

function belongTogether(item: Uint8Array, keys: Uint8Array): boolean {
  return digestOf(item) === keysHead(keys)?.item_digest;
}

/** Items of a data bag that have no keys document; sorted. */
export async function listForeignFiles(root: string, vault: string): Promise<string[]> {
  const files = (await listDirectory(join(root, 'data_bags', checkName('vault', vault)))).filter((name) => name.endsWith('.json'));
  const names = new Set(files.map((name) => name.slice(0, -'.json'.length)));
  return [...names].filter((name) => !name.endsWith(KEYS_SUFFIX) && !names.has(`${name}${KEYS_SUFFIX}`) && nameProblem('item', name) === undefined).sort(compareNames);
}

/** Items that have a keys document, or one that is pending; sorted. */
export async function listItemFiles(root: string, vault?: string): Promise<ItemRef[]> {
  const suffix = `${KEYS_SUFFIX}.json`;
  return await itemsNamed(root, vault, (name) => (name.endsWith(suffix) ? name.slice(0, -suffix.length) : pendingItem(name)));
}

/** Items that a writer is at work on, or was when it was killed; sorted. */
export async function listPendingFiles(root: string): Promise<ItemRef[]> {
  return await itemsNamed(root, undefined, pendingItem);
}

/** @param itemOf the item that a file of this name belongs to */
async function itemsNamed(root: string, vault: string | undefined, itemOf: (name: string) => string | undefined): Promise<ItemRef[]> {
  const bags = join(root, 'data_bags');
  const vaults = vault === undefined ? (await listDirectory(bags)).filter((name) => nameProblem('vault', name) === undefined)
    : [checkName('vault', vault)];
  const found: ItemRef[] = [];
  for (const each of vaults) {
    let names: string[];
    try {
      names = await listDirectory(join(bags, each), true);
    } catch (error) {
      if (isVaultError(error, 'input-unreadable')) continue; // A file among the folders.
      throw error;
    }
    for (const item of new Set(names.map(itemOf))) {
      if (item !== undefined && nameProblem('item', item) === undefined) found.push({ vault: each, item });
    }
  }
  return found.sort((a, b) => compareNames(a.vault, b.vault) || compareNames(a.item, b.item));
}
