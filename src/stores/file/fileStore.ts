import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isVaultError, VaultError } from '../../errors.ts';
import { withLock } from '../../files/lock.ts';
import { listDirectory, readRegularFile, readRegularFileNow } from '../../files/read.ts';
import { createFile, ensureDirectoryWithin, removeFile, replaceFile } from '../../files/write.ts';
import { keysHead } from '../../items/keysHead.ts';
import { checkName, nameProblem } from '../../names.ts';
import type { InventoryDocument, InventoryKind, Store } from '../store.ts';
import { finishItemFiles, hasPendingFile, listForeignFiles, listItemFiles, listPendingFiles, readItemFiles, readRawFiles, removeItemFiles, requireFree, writeItemFiles } from './itemFiles.ts';
import { listProposalFiles, proposalPath } from './proposalFiles.ts';

const MAX_ROSTER_BYTES = 4 << 20;
/** A Chef node object with all that ohai found can have several megabytes. */
const MAX_INVENTORY_BYTES = 16 << 20;
const MODE = { mode: 0o644 };
const READ_BATCH = 64;

/** Name of the file, in the root of a repository, that its writers lock. */
export const LOCK_FILE = '.vault.lock';
/** There while `vault migrate` writes here. */
const MIGRATION_FILE = '.vault.migration';

/** Documents as files, laid out as a chef-repo (docs/format.md, "The repository"). `root` is an absolute path. */
export function openFileStore(root: string): Store {
  const lock = <T>(work: () => Promise<T>): Promise<T> => withLock(join(root, LOCK_FILE), work);
  const rosterPath = (version: number): string => join(root, 'trust', `${String(version)}.json`);
  const inventoryPath = (kind: InventoryKind, name: string): string => join(root, kind, `${checkName('node', name)}.json`);

  const readProposal = async (digest: string): Promise<Uint8Array | undefined> =>
    (await readRegularFile(proposalPath(root, digest), { maxBytes: MAX_ROSTER_BYTES }))?.bytes;

  const readInventory = (kind: InventoryKind, name: string): InventoryDocument | undefined => {
    const source = inventoryPath(kind, name);
    const file = readRegularFileNow(source, { maxBytes: MAX_INVENTORY_BYTES });
    return file === undefined ? undefined : { name, bytes: file.bytes, source };
  };
  const listInventoryNames = async (kind: InventoryKind): Promise<string[]> =>
    (await listDirectory(join(root, kind)))
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
      .filter((name) => nameProblem('node', name) === undefined)
      .sort();

  return {
    location: root,
    directory: root,
    readItem: (ref) => readItemFiles(root, ref),
    async readHead(ref) {
      const documents = await readItemFiles(root, ref);
      return documents === undefined ? undefined : keysHead(documents.keys);
    },
    writeItem: (ref, documents, expected, premises) => lock(() => writeItemFiles(root, ref, documents, expected, premises)),
    removeItem: (ref, expected) => lock(() => removeItemFiles(root, ref, expected)),
    readRaw: (ref) => readRawFiles(root, ref),
    listForeign: (vault) => listForeignFiles(root, vault),
    requireFree: (ref) => requireFree(root, ref),
    async finishItem(ref) {
      if (await hasPendingFile(root, ref)) await lock(() => finishItemFiles(root, ref));
    },
    async finishItems() {
      for (const ref of await listPendingFiles(root)) {
        await lock(() => finishItemFiles(root, ref)).catch((error: unknown) => {
          if (!isVaultError(error, 'document-invalid', 'document-not-canonical', 'format-unsupported', 'input-unreadable', 'input-too-large')) throw error;
        });
      }
    },
    listItems: (vault) => listItemFiles(root, vault),
    async readRoster(version) {
      return (await readRegularFile(rosterPath(version), { maxBytes: MAX_ROSTER_BYTES }))?.bytes;
    },
    async writeRoster(version, bytes) {
      await ensureDirectoryWithin(root, 'trust');
      await lock(async () => {
        if (!await createFile(rosterPath(version), bytes, MODE)) {
          throw new VaultError('store-conflict', `Version ${String(version)} of the roster exists already.`, { details: { version } });
        }
      });
    },
    withdrawRoster: () => lock(() => removeFile(rosterPath(1))),
    listProposals: () => listProposalFiles(root),
    readProposal,
    async changeProposal(digest, change) {
      const path = proposalPath(root, digest);
      await ensureDirectoryWithin(root, 'trust', 'proposals');
      await lock(async () => {
        const next = change(await readProposal(digest));
        if (next === undefined) await removeFile(path);
        else await replaceFile(path, next, MODE);
      });
    },
    readInventory: async (kind, name) => await Promise.resolve(readInventory(kind, name)),
    async *listInventory(kind) {
      const names = await listInventoryNames(kind);
      for (const [i, name] of names.entries()) {
        if (i % READ_BATCH === READ_BATCH - 1) await setImmediate(); // Others have their turn.
        const document = readInventory(kind, name);
        if (document !== undefined) yield document;
      }
    },
    listInventoryNames,
    async writeInventory(kind, name, bytes) {
      await ensureDirectoryWithin(root, kind);
      await lock(() => replaceFile(inventoryPath(kind, name), bytes, MODE));
    },
    removeInventory: (kind, name) => lock(async () => {
      const there = readInventory(kind, name) !== undefined;
      if (there) await removeFile(inventoryPath(kind, name));
      return there;
    }),
    async readMigration() {
      return (await readRegularFile(join(root, MIGRATION_FILE), { maxBytes: 1 << 16 }))?.bytes;
    },
    writeMigration: (bytes) => lock(() => (bytes === undefined ? removeFile(join(root, MIGRATION_FILE)) : replaceFile(join(root, MIGRATION_FILE), bytes, MODE))),
  };
}
