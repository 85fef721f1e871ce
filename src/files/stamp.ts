import { lstatSync } from 'node:fs';

/** What the file system says of files: it changes whenever one of them does, unless two changes share one tick of its clock. */
export interface FileStamp {
  readonly text: string;
  /** When the last of them changed, in milliseconds of the file system's clock; 0 where there is none. */
  readonly changedMs: number;
}

/**
 * Size, times, inode and device of each path, to the nanosecond; of a link, not of what it points to. Never fails: what cannot be looked at counts as
 * missing. The time of the inode's last change cannot be set by whoever writes the file, as that of its content can.
 */
export function stampFiles(paths: readonly string[]): FileStamp {
  let changed = 0n;
  const texts = paths.map((path) => {
    try {
      const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (found === undefined) return '-';
      const { dev, ino, mode, size, mtimeNs, ctimeNs } = found;
      for (const each of [mtimeNs, ctimeNs]) if (each > changed) changed = each;
      return [dev, ino, mode, size, mtimeNs, ctimeNs].map(String).join(' ');
    } catch {
      return '-';
    }
  });
  return { text: texts.join('\n'), changedMs: Number(changed / 1_000_000n) };
}

/** The coarsest clock of a file system that is in use: FAT's. */
const CLOCK_MS = 2000;

/**
 * Whether a file that has the same stamp later is the same file. Not while its last change is so near that another may bear the same time,
 * and not where one of the clocks is wrong.
 */
export function isSettled({ changedMs }: FileStamp, now: number): boolean {
  return changedMs + CLOCK_MS < now;
}
