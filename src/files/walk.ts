import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from './read.ts';

/** Files below `root`, relative to it, in no order. Symbolic links are neither given nor followed; what cannot be read is passed over. */
export async function walkFiles(root: string, skip: ReadonlySet<string>): Promise<string[]> {
  const files: string[] = [];
  const directories = [''];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of await entriesOf(join(root, directory))) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skip.has(entry.name)) directories.push(path);
      } else if (entry.isFile()) files.push(path);
    }
  }
  return files;
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) !== undefined) return [];
    throw error;
  }
}
