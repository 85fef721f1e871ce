import { join } from 'node:path';
import type { Environment } from '../config/environment.ts';
import { readRegularFile } from '../files/read.ts';
import { expectedAt, type Candidate, type Commands, type Expected } from './commandLine.ts';

const MANIFEST = 'oclif.manifest.json';

/**
 * What a shell shows when a person asks how a command line could go on: a line for each word, with a tab and its description;
 * or `:files` or `:directories`, which a shell knows better. Names never begin with a colon. Whatever goes wrong, there is nothing.
 * @param typed words after the program's name; the last is the one at the cursor
 * @param packageRoot where the manifest of commands lies
 */
export async function complete(environment: Environment, typed: readonly string[], packageRoot: string): Promise<string> {
  try {
    const manifest = await readRegularFile(join(packageRoot, MANIFEST), { maxBytes: 16 << 20 });
    if (manifest === undefined) return '';
    const { commands } = JSON.parse(new TextDecoder().decode(manifest.bytes)) as { commands: Commands };
    const expected = expectedAt(commands, typed);
    if (expected.kind === 'file') return ':files\n';
    if (expected.kind === 'directory') return ':directories\n';
    const current = typed[typed.length - 1] ?? '';
    const candidates = (await candidatesOf(environment, expected)).filter(({ word }) => word.startsWith(current));
    return candidates.map(({ word, description = '' }) => `${word}\t${firstLine(description)}\n`).join('');
  } catch {
    // There is no place for a message between the keys that a person presses.
    return '';
  }
}

async function candidatesOf(environment: Environment, expected: Expected): Promise<readonly Candidate[]> {
  if (expected.kind === 'words') return expected.words;
  if (expected.kind !== 'name') return [];
  const { openRepository } = await import('../config/repository.ts');
  const { namesOf } = await import('./names.ts');
  const { store } = await openRepository(environment, expected.repository);
  return (await namesOf(store, expected.of, expected.given)).map((name) => ({ word: expected.before + name }));
}

/** Of a description in our own manifest. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replaceAll('\t', ' ') ?? '';
}
