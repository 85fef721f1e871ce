import { lstatSync, statSync, watch as systemWatch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemCode } from './read.ts';

export interface WatchOptions {
  /** Directories, parents before what is in them. They need not exist. */
  readonly paths: readonly string[];
  /** Something happened to the entry `name` of `directory`; undefined where it may be any of them. */
  readonly changed: (directory: string, name: string | undefined) => void;
  /** Called once, where the system does not let more be watched: `ENOSPC`, `EMFILE`. Those directories are tried again. */
  readonly failed: (code: string) => void;
  /** How often it is looked whether the directories are still the same ones, in milliseconds. */
  readonly checkMs: number;
  /** In the place of the system's. */
  readonly watch?: (path: string, options: { readonly persistent: false }) => FSWatcher;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** Which directory it is, whatever is at its path now. */
  readonly id: string;
}

/**
 * Watches directories, not what is below them. One that is removed and made anew, or that another is mounted over or moved into the place of, is
 * watched again: at once where its parent is watched too, or else after `checkMs`. Nothing keeps the process from ending.
 * @returns ends it
 */
export function watchDirectories({ paths, changed, failed, checkMs, watch = systemWatch }: WatchOptions): () => void {
  const watched = new Map<string, Watched>();
  const [first] = paths;
  // The parent of the first is needed where that is a link, which can be pointed elsewhere, or is not there.
  const above = first === undefined ? [] : [dirname(first)];
  const wanted = new Set(paths);
  let tellsFailure = true;
  let isClosed = false;
  let due: NodeJS.Immediate | undefined;

  const close = (path: string): void => {
    watched.get(path)?.watcher.close();
    watched.delete(path);
  };

  /** @returns whether it is another directory than it was */
  const renew = (path: string, id: string | undefined): boolean => {
    if (watched.get(path)?.id === id) return false;
    close(path);
    if (id === undefined) return true;
    try {
      const watcher = watch(path, { persistent: false });
      watcher.on('change', (_event, name) => { noticed(path, typeof name === 'string' ? name : undefined); });
      watcher.on('error', () => { close(path); });
      watched.set(path, { watcher, id });
      return true;
    } catch (error) {
      const code = systemCode(error) ?? 'unknown reason';
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && tellsFailure) {
        tellsFailure = false;
        failed(code);
      }
      return false;
    }
  };

  const check = (isFirst = false): void => {
    due = undefined;
    if (isClosed) return;
    // Parents first: what appears in one after it was looked at is noticed by its watch.
    for (const path of above) renew(path, first === undefined || isPlainDirectory(first) ? undefined : directoryId(path));
    for (const path of paths) if (renew(path, directoryId(path)) && !isFirst) changed(path, undefined);
  };

  const noticed = (directory: string, name: string | undefined): void => {
    if (isClosed) return;
    // The system tells of the directory itself under its own name: it may be gone, and another have its number.
    const isItself = name === undefined || name === basename(directory);
    if (isItself) close(directory);
    if (isItself || wanted.has(join(directory, name))) due ??= setImmediate(() => { check(); });
    if (wanted.has(directory)) changed(directory, name);
  };

  check(true);
  const timer = setInterval(() => { check(); }, checkMs).unref();
  return () => {
    isClosed = true;
    clearInterval(timer);
    clearImmediate(due);
    for (const path of [...watched.keys()]) close(path);
  };
}

/** Through links, as a reader goes. */
function directoryId(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found?.isDirectory() === true ? `${String(found.dev)} ${String(found.ino)}` : undefined;
  } catch {
    return undefined;
  }
}

function isPlainDirectory(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}
