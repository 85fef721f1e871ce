import { VaultError } from '../../errors.ts';
import { pathKind } from '../../files/read.ts';
import { isSettled, stampFiles } from '../../files/stamp.ts';
import { watchDirectories } from '../../files/watch.ts';
import { digestOf } from '../../sealing/encoding.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Store } from '../../stores/store.ts';
import { refText } from '../configuration/configuration.ts';
import type { ReportEvent } from '../events.ts';
import type { Source, SourceReply } from '../source.ts';

/** How the store lays out its files. */
export interface FolderLayout {
  readonly root: string;
  /** The directories from the root down to the items of a vault. */
  vaultDirectories(vault: string): readonly string[];
  readonly trustDirectories: readonly string[];
  itemFiles(ref: ItemRef): readonly string[];
  /** The item that a file of this name may belong to. */
  itemOf(name: string): string | undefined;
}

export interface FolderOptions {
  readonly store: Pick<Store, 'location' | 'readItem' | 'readRoster'>;
  readonly layout: FolderLayout;
  readonly pollMs: number;
  readonly report: ReportEvent;
  /** Milliseconds since 1970, by the clock that files get their times from. */
  readonly now?: () => number;
}

/** The two files of an item, and whatever else is written at once, are one change. */
const GATHER_MS = 4;
const LEAST_CHECK_MS = 1000;

/** A folder laid out as a repository: a git checkout, or a mount. */
export function folderSource({ store, layout, pollMs, report, now = Date.now }: FolderOptions): Source {
  /** What the files of an item held when they last had a stamp that can be relied on; undefined for nothing. */
  const known = new Map<string, { readonly stamp: string; readonly version: string | undefined }>();

  return {
    location: store.location,
    pollMs,
    async readItem(ref, version): Promise<SourceReply> {
      const name = refText(ref);
      const before = stampFiles(layout.itemFiles(ref)); // Before they are read: what changes meanwhile has another one the next time.
      const last = known.get(name);
      if (last?.stamp === before.text) {
        if (last.version === undefined) return { kind: 'absent' };
        if (last.version === version) return { kind: 'unchanged' };
      }
      known.delete(name);
      const documents = await store.readItem(ref);
      const found = documents === undefined ? undefined : digestOf(documents.keys) + digestOf(documents.item);
      if (isSettled(before, now())) known.set(name, { stamp: before.text, version: found });
      if (documents === undefined || found === undefined) return { kind: 'absent' };
      return found === version ? { kind: 'unchanged' } : { kind: 'found', documents, version: found };
    },
    async readRoster(version) {
      const bytes = await store.readRoster(version);
      if (bytes === undefined && await pathKind(layout.root, true) !== 'directory') {
        throw new VaultError('store-unreachable', `There is no folder ${layout.root}.`, { hint: 'Check that it is mounted, or checked out, and that its name in the configuration is right.', details: { path: layout.root } });
      }
      return bytes;
    },
    follow(refs, changed) {
      /** Items by their directory and name. */
      const wanted = new Map<string, Map<string, ItemRef>>();
      const directories = new Set(layout.trustDirectories);
      for (const ref of refs) {
        const path = layout.vaultDirectories(ref.vault);
        for (const each of path) directories.add(each);
        const own = path.at(-1) ?? layout.root;
        wanted.set(own, (wanted.get(own) ?? new Map<string, ItemRef>()).set(ref.item, ref));
      }
      const trust = layout.trustDirectories.at(-1);

      let timer: NodeJS.Timeout | undefined;
      let gathered = new Map<string, ItemRef>();
      const flush = (): void => {
        timer = undefined;
        const chosen = [...gathered.values()];
        gathered = new Map();
        changed(chosen);
      };
      /** None: the roster alone, which is always looked at. */
      const add = (chosen: readonly ItemRef[]): void => {
        for (const ref of chosen) gathered.set(refText(ref), ref);
        timer ??= setTimeout(flush, GATHER_MS);
      };
      const close = watchDirectories({
        paths: [...directories], checkMs: Math.max(pollMs, LEAST_CHECK_MS),
        changed(directory, name) {
          if (directory === trust) { add([]); return; }
          const own = wanted.get(directory);
          if (own === undefined) return;
          const item = name === undefined ? undefined : layout.itemOf(name);
          const ref = item === undefined ? undefined : own.get(item);
          if (name === undefined) add([...own.values()]);
          else if (ref !== undefined) add([ref]);
        },
        failed(code) {
          report({ type: 'warned', text: `Changes of ${layout.root} are not noticed at once, for its directories cannot be watched (${code}); it is looked at every ${String(pollMs / 1000)} s. ${code === 'ENOSPC' ? 'Raise fs.inotify.max_user_watches.' : code === 'EMFILE' ? 'Raise fs.inotify.max_user_instances.' : ''}`.trimEnd() });
        },
      });
      return () => {
        clearTimeout(timer);
        close();
      };
    },
  };
}
