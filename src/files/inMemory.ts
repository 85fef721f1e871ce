import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './read.ts';

/** File systems that are in memory (statfs(2)): tmpfs, ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Whether a directory is on a file system in memory; false where that cannot be told. */
export function isInMemory(directory: string): boolean {
  try {
    return IN_MEMORY.has(statfsSync(directory).type);
  } catch {
    return false;
  }
}

/** {@link isInMemory}, of `path` or the nearest directory above it that is there. */
export function willBeInMemory(path: string): boolean {
  for (let directory = path; directory !== dirname(directory); directory = dirname(directory)) {
    try {
      return IN_MEMORY.has(statfsSync(directory).type);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') return false;
    }
  }
  return false;
}
