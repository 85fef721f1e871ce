import { VaultError } from '../../errors.ts';
import type { ItemFile } from '../../git/itemHistory.ts';
import { mergeText } from '../../git/mergeText.ts';
import { findWorkTree } from '../../git/workTree.ts';
import type { Git } from '../../git/run.ts';
import { compareVersions, type ItemChanges, type ItemVersion } from '../../items/changes.ts';
import { parseItem, parseKeys, type ItemDocuments } from '../../items/model.ts';
import { FORMAT } from '../../sealing/encoding.ts';
import { findPairs } from './findVersions.ts';
import { mergeItemVersions, mergeRosterFile, type FileVersions, type Merger } from './mergeFile.ts';

/** What git asks of a merge driver. */
export interface DriverRequest {
  /** As git writes it, from the work tree's top: what messages name. */
  readonly path: string;
  readonly file: ItemFile | 'roster';
  readonly files: FileVersions;
  readonly openMerger: () => Promise<Merger>;
  /** Where git runs, for what is said of a conflict. */
  readonly git: Git;
}

/** One side of a conflict, as far as it can be read. */
export interface ConflictSide {
  readonly generation: number;
  readonly signer: string;
  readonly time: string;
  /** What it changed, from what both began with. */
  readonly changes: ItemChanges;
}

/** How merging a file ended; `foreign`: it is no document of a vault, and left to git. */
export type DriverResult =
  | { readonly kind: 'merged'; readonly bytes: Uint8Array }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'conflict'; readonly error: unknown; readonly ours: ConflictSide | undefined; readonly theirs: ConflictSide | undefined };

/** Merges a file of a vault. Never throws for what the file holds: a failure is a conflict, with what both sides changed. */
export async function runMergeDriver({ path, file, files, openMerger, git }: DriverRequest): Promise<DriverResult> {
  if (![files.base, files.ours, files.theirs].some((bytes) => bytes !== undefined && isDocument(bytes))) return { kind: 'foreign' };
  try {
    return { kind: 'merged', bytes: file === 'roster' ? mergeRosterFile(path, files) : await mergeItemVersions(await openMerger(), file, files) };
  } catch (error) {
    const sides = file === 'roster' ? undefined : await describeSides(file, files, path, git);
    return { kind: 'conflict', error, ours: sides?.ours, theirs: sides?.theirs };
  }
}

/** Merges what is no document of a vault as git would. @returns whether no conflict is left */
export async function mergeForeignFile(git: Git, files: { readonly base: string; readonly ours: string; readonly theirs: string }): Promise<boolean> {
  return await mergeText(git, files);
}

const family = `${FORMAT.split('/')[0] ?? ''}/`;

/** Whether a file says that it is of this program's format, whatever the version. */
function isDocument(bytes: Uint8Array): boolean {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as { format?: unknown; header?: { format?: unknown }; roster?: { format?: unknown } };
    return [value.format, value.header?.format, value.roster?.format].some((format) => typeof format === 'string' && format.startsWith(family));
  } catch {
    return false;
  }
}

async function describeSides({ ref, kind }: ItemFile, { base, ours, theirs }: FileVersions, path: string, git: Git): Promise<{ ours: ConflictSide | undefined; theirs: ConflictSide | undefined }> {
  const tree = await findWorkTree(git.directory, git.variables).catch(() => undefined);
  const prefix = path.slice(0, path.lastIndexOf('data_bags/'));
  const pairs = tree === undefined ? undefined : findPairs({ ...tree, prefix }, ref);
  const read = async (bytes: Uint8Array | undefined): Promise<ItemVersion | undefined> => {
    if (bytes === undefined) return undefined;
    try {
      const documents: Partial<ItemDocuments> = kind === 'keys' ? await pairs?.ofKeys(bytes).catch(() => undefined) ?? { keys: bytes } : (await pairs?.ofItem(bytes))?.[0] ?? {};
      if (documents.keys === undefined) return undefined;
      return { keys: parseKeys(documents.keys, 'keys'), document: documents.item === undefined ? undefined : parseItem(documents.item, 'item') };
    } catch (error) {
      if (error instanceof VaultError) return undefined; // What cannot be read is not described.
      throw error;
    }
  };
  const from = await read(base);
  const side = (version: ItemVersion | undefined): ConflictSide | undefined => {
    if (version === undefined) return undefined;
    const { generation, signer, time } = version.keys.header;
    return { generation, signer, time, changes: compareVersions(from, version) };
  };
  return { ours: side(await read(ours)), theirs: side(await read(theirs)) };
}
