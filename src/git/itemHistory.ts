import * as z from 'zod/mini';
import { KEYS_SUFFIX, nameProblem } from '../names.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { digestOf } from '../sealing/encoding.ts';
import { listVersions, type FileVersion } from './history.ts';
import { readBlobs } from './objects.ts';
import type { WorkTree } from './workTree.ts';

/** A generation of an item that the history of the repository holds. */
export interface ItemGeneration {
  readonly ref: ItemRef;
  /** The bytes of ITEM_keys.json: unread and unjudged, and not necessarily a document. */
  readonly keys: Uint8Array;
  /** The bytes of the ITEM.json whose digest the keys name; undefined where the history has none. */
  readonly item: Uint8Array | undefined;
  /** The newest commit that brought these keys. */
  readonly commit: string;
  /** When that was committed: ISO 8601. */
  readonly time: string;
}

/**
 * Every generation of one item, or of all, that was ever committed on whatever branch, tag, stash or reflog: each once, the items one
 * after the other, the newest commits first. One pass over the history; no more than one item's versions are in memory.
 * @throws VaultError git-failed
 */
export async function* itemHistory(tree: WorkTree, ref?: ItemRef): AsyncGenerator<ItemGeneration> {
  const paths = ref === undefined ? [`${tree.prefix}data_bags`] : [itemPath(tree, ref), keysPath(tree, ref)];
  for (const { ref: each, item, keys } of groupByItem(tree, await listVersions(tree, paths))) {
    const contents = new Map<string, Uint8Array>();
    for await (const { bytes } of readBlobs(tree.git, item.map(({ blob }) => blob))) if (bytes !== undefined) contents.set(digestOf(bytes), bytes);
    let at = 0;
    for await (const { bytes } of readBlobs(tree.git, keys.map(({ blob }) => blob))) {
      const version = keys[at++];
      if (bytes === undefined || version === undefined) continue;
      yield { ref: each, keys: bytes, item: contents.get(itemDigestOf(bytes) ?? ''), commit: version.commit, time: version.time };
    }
  }
}

/** Path of ITEM.json, as git writes it. */
export function itemPath({ prefix }: WorkTree, { vault, item }: ItemRef): string {
  return `${prefix}data_bags/${vault}/${item}.json`;
}

/** Path of ITEM_keys.json. */
export function keysPath({ prefix }: WorkTree, { vault, item }: ItemRef): string {
  return `${prefix}data_bags/${vault}/${item}${KEYS_SUFFIX}.json`;
}

/** An item's file, by its path. */
export interface ItemFile {
  readonly ref: ItemRef;
  readonly kind: 'item' | 'keys';
}

/** Which item's file a path is; undefined for other files. */
export function itemFileOf({ prefix }: Pick<WorkTree, 'prefix'>, path: string): ItemFile | undefined {
  const [, vault, file] = (path.startsWith(prefix) ? /^data_bags\/([^/]+)\/([^/]+)\.json$/.exec(path.slice(prefix.length)) : null) ?? [];
  if (vault === undefined || file === undefined) return undefined;
  const kind = file.endsWith(KEYS_SUFFIX) ? 'keys' : 'item';
  const item = kind === 'keys' ? file.slice(0, -KEYS_SUFFIX.length) : file;
  if (nameProblem('vault', vault) !== undefined || nameProblem('item', item) !== undefined) return undefined;
  return { ref: { vault, item }, kind };
}

interface ItemVersions {
  readonly ref: ItemRef;
  readonly item: FileVersion[];
  readonly keys: FileVersion[];
}

function groupByItem(tree: WorkTree, versions: readonly FileVersion[]): ItemVersions[] {
  const items = new Map<string, ItemVersions>();
  for (const version of versions) {
    const file = itemFileOf(tree, version.path);
    if (file === undefined) continue;
    const id = `${file.ref.vault}/${file.ref.item}`;
    const group = items.get(id) ?? { ref: file.ref, item: [], keys: [] };
    items.set(id, group);
    group[file.kind].push(version);
  }
  return [...items.values()].filter(({ keys }) => keys.length > 0);
}

const headSchema = z.object({ header: z.object({ item_digest: z.string() }) });

/** Undefined for what is no keys document. */
export function itemDigestOf(keys: Uint8Array): string | undefined {
  try {
    return headSchema.parse(JSON.parse(new TextDecoder().decode(keys))).header.item_digest;
  } catch {
    return undefined;
  }
}
