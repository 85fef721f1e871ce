import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { VaultError } from '../../errors.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { isAudienceName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { divideItem, type Division, type Head } from './head.ts';
import { fetchNodes, isWritten, judgeHead, type ItemKeys } from './itemKeys.ts';
import { MOST_OPERATIONS, MOST_REQUEST_BYTES, NOTHING, type KeyValues } from './keyValues.ts';
import { BASIS, headKey, nodeKey, partKey, partKeys } from './layout.ts';
import { compareTrees, nodesBelow } from './recipientTree.ts';

/*
 * Parts are stored under their digests, and never change; the head names them. So a writer first stores the parts that the present
 * generation does not have, then replaces the head, if it is still the one that it read, in one transaction: nothing else can be seen of a write.
 * Where all fits into that transaction, it is the only one.
 *
 * Parts that no head names are left over: by writers that were killed, or came too late, and by the generation before. The next writer removes them, and
 * no reader does. It removes none that was stored after its own head was: whoever stores one then is at work on the generation that follows.
 * A writer relies on parts of the head that it read alone, and stores all others anew, even those that are there.
 */

/** How long a writer tries where what it goes by keeps changing. */
const MOST_MS = 30_000;
const PAUSE_MS = 20;
const MOST_ITEM_BYTES = 64 << 20;
/** What a key and its place in a request add to a value. */
const KEY_BYTES = 512;

/** What one write changes, given the head that it takes the place of. */
interface Plan {
  readonly put: readonly (readonly [key: string, value: Uint8Array])[];
  /** Part keys of the generation before that are not needed any more. */
  readonly remove: readonly string[];
}

/** Writes both documents, if the stored generation is `expected`. See `Store.writeItem`. */
export async function writeItemKeys(keys: ItemKeys, ref: ItemRef, documents: ItemDocuments, expected: number, premises?: () => Promise<void>): Promise<void> {
  for (const bytes of [documents.item, documents.keys]) requireReadable(bytes, ref);
  const { keyValues } = keys;
  const key = headKey(ref);
  const next = divideItem(documents);
  let planned: { readonly revision: number; readonly plan: Plan } | undefined;
  for (const until = Date.now() + MOST_MS; Date.now() < until;) {
    const { found: [present, basis], revision: now } = await keyValues.read([key, BASIS]);
    const { head, generation } = judgeHead(keys, ref, present);
    requireGeneration(ref, generation, expected);
    await premises?.();
    const revision = present?.revision ?? 0;
    // Parts of an item that is not there may have gone with one that was made and removed meanwhile.
    if (planned?.revision !== revision || revision === 0) {
      const plan = await planChange(keys, ref, next, head, now);
      planned = { revision, plan };
      if (!fitsInOne(plan, next) && !await storeParts(keyValues, key, revision, plan.put)) continue;
    }
    const { plan } = planned;
    const one = fitsInOne(plan, next);
    const outcome = await keyValues.commit({
      unchanged: { [key]: revision, [BASIS]: basis?.revision ?? 0 },
      put: [...(one ? plan.put : []), [key, next.bytes], ...(isNewEpoch(ref, head, next.head) ? [[BASIS, NOTHING] as const] : [])], remove: one ? plan.remove : [], otherwise: [key],
    });
    if (outcome.done || (outcome.repeated && isWritten(outcome.found[0], next.bytes))) {
      if (outcome.done) await cleanUp(keyValues, ref, next, outcome.revision, one ? [] : plan.remove);
      return;
    }
    await delay(PAUSE_MS * Math.random());
  }
  throw new VaultError('store-conflict', `${ref.vault}/${ref.item} was not written: for ${String(MOST_MS / 1000)} s nodes' keys or the roster were being changed meanwhile.`, {
    hint: 'Run the command again.', details: { ...ref, expected, found: expected },
  });
}

/** Removes an item, with all its parts, if the stored generation is `expected`. */
export async function removeItemKeys(keys: ItemKeys, ref: ItemRef, expected: number): Promise<void> {
  const key = headKey(ref);
  for (let repeated = false; ;) {
    const { found: [present] } = await keys.keyValues.read([key]);
    if (present === undefined && repeated) return;
    requireGeneration(ref, judgeHead(keys, ref, present).generation, expected);
    if (present === undefined) return;
    const outcome = await keys.keyValues.commit({ unchanged: { [key]: present.revision }, put: [[BASIS, NOTHING]], remove: [key], removeBelow: partKeys(ref) });
    if (outcome.done) return;
    repeated = outcome.repeated;
  }
}

async function planChange(keys: ItemKeys, ref: ItemRef, next: Division, head: Head | undefined, now: number): Promise<Plan> {
  const presentTree = head !== undefined && 'recipients' in head.keys ? head.keys.recipients : undefined;
  const nodes = await compareTrees(next.tree, presentTree, fetchNodes(keys, ref, now));
  const [before, after] = [new Set(partsOf(head)), new Set(partsOf(next.head))];
  return {
    put: [
      ...nodes.put.map(({ digest, bytes }) => [nodeKey(ref, digest), bytes] as const),
      ...next.parts.filter(({ digest }) => !before.has(digest)).map(({ digest, bytes }) => [partKey(ref, digest), bytes] as const),
    ],
    remove: [...nodes.remove.map((digest) => nodeKey(ref, digest)), ...[...before].filter((digest) => !after.has(digest)).map((digest) => partKey(ref, digest))],
  };
}

/** Whoever is sealing to the audience's keys of before must look again. */
function isNewEpoch({ item }: ItemRef, head: Head | undefined, next: Head): boolean {
  return isAudienceName(item) && head !== undefined && !isDeepStrictEqual(head.item, next.item);
}

function partsOf(head: Head | undefined): string[] {
  if (head === undefined) return [];
  return [head.item, head.keys].flatMap((document) => ('parts' in document ? document.parts : []));
}

function fitsInOne({ put, remove }: Plan, next: Division): boolean {
  const bytes = put.reduce((sum, [, value]) => sum + value.length + KEY_BYTES, next.bytes.length + remove.length * KEY_BYTES);
  return put.length + remove.length < MOST_OPERATIONS && bytes <= MOST_REQUEST_BYTES;
}

/** @returns false where the head is another now: then nobody will need them */
async function storeParts(keyValues: KeyValues, head: string, revision: number, parts: Plan['put']): Promise<boolean> {
  for (let start = 0; start < parts.length;) {
    let end = start;
    for (let bytes = 0; end < parts.length && end - start < MOST_OPERATIONS; end++) {
      bytes += (parts[end]?.[1].length ?? 0) + KEY_BYTES;
      if (bytes > MOST_REQUEST_BYTES && end > start) break;
    }
    const outcome = await keyValues.commit({ unchanged: { [head]: revision }, put: parts.slice(start, end) });
    if (!outcome.done) return false;
    start = end;
  }
  return true;
}

/** Removes what the generation before had, and what writers left over. The item is written: what fails here is left to the next one. */
async function cleanUp(keyValues: KeyValues, ref: ItemRef, next: Division, revision: number, remove: readonly string[]): Promise<void> {
  const below = partKeys(ref);
  try {
    for (let start = 0; start < remove.length; start += MOST_OPERATIONS) await removeOld(keyValues, revision, remove.slice(start, start + MOST_OPERATIONS));
    if (await keyValues.count(below) <= next.head.stored) return;
    const nodes = next.tree === undefined ? [] : [...nodesBelow(next.tree)];
    const needed = new Set([...nodes.map(({ digest }) => nodeKey(ref, digest)), ...next.parts.map(({ digest }) => partKey(ref, digest))]);
    const leftOver = (await keyValues.names(below)).map((name) => below + name).filter((key) => !needed.has(key));
    for (let start = 0; start < leftOver.length; start += MOST_OPERATIONS) await removeOld(keyValues, revision, leftOver.slice(start, start + MOST_OPERATIONS));
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
  }
}

/** All of these keys, where none was written since. */
async function removeOld(keyValues: KeyValues, revision: number, remove: readonly string[]): Promise<void> {
  await keyValues.commit({ olderThan: { revision, keys: remove }, remove });
}

function requireGeneration({ vault, item }: ItemRef, found: number, expected: number): void {
  if (found === expected) return;
  throw new VaultError('store-conflict', expected === 0
    ? `${vault}/${item} exists already, at generation ${String(found)}.`
    : `${vault}/${item} was changed by somebody else: it is at generation ${String(found)}, not ${String(expected)}.`, {
    hint: 'Run the command again: it then starts from the present generation.', details: { vault, item, expected, found },
  });
}

/** Nothing is written that no reader would take. */
function requireReadable(bytes: Uint8Array, { vault, item }: ItemRef): void {
  if (bytes.byteLength <= MOST_ITEM_BYTES) return;
  throw new VaultError('input-too-large', `${vault}/${item} would have ${String(bytes.byteLength)} bytes; at most ${String(MOST_ITEM_BYTES)} are allowed.`, {
    hint: 'Seal it to fewer recipients, or store less in it.', details: { vault, item, size: bytes.byteLength, maxBytes: MOST_ITEM_BYTES },
  });
}
