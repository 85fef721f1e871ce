import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { realPath } from '../files/read.ts';
import { variable, type Environment } from './environment.ts';

const NAMES = ['vault', 'iam-vault'];

/**
 * The words by which other programs of this person can start this one again: its bare name where the PATH leads to it, so that an
 * update changes nothing; otherwise, for another product's binary is called `vault` too, Node.js and the file.
 */
export async function launcherWords(environment: Environment, script: string, node: string): Promise<string[]> {
  const [, self] = await programWords(environment, script, node);
  for (const name of NAMES) {
    for (const directory of (variable(environment, 'PATH') ?? '').split(delimiter).filter(isAbsolute)) {
      const found = await realPath(join(directory, name));
      if (found === self) return [name];
      if (found !== undefined) break; // Another one is found first.
    }
  }
  return [node, self];
}

/** Node.js and this program's file, by their own paths: for whoever starts it without a PATH. */
export async function programWords(environment: Environment, script: string, node: string): Promise<[node: string, file: string]> {
  const file = resolve(environment.cwd, script);
  return [node, await realPath(file) ?? file];
}
