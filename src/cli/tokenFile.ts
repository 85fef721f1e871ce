import { dirname } from 'node:path';
import { VaultError } from '../errors.ts';
import { pathKind, readRegularFile } from '../files/read.ts';
import { createFile } from '../files/write.ts';
import { readInput } from './input.ts';

const MAX_BYTES = 4096;
const OTHERS = 0o077;

/** Writes a token for its owner alone to read. @throws VaultError file-exists */
export async function writeToken(path: string, token: string): Promise<void> {
  if (await pathKind(dirname(path), true) !== 'directory') throw new VaultError('input-unreadable', `There is no directory ${dirname(path)}.`, { details: { path } });
  if (!await createFile(path, new TextEncoder().encode(`${token}\n`), { mode: 0o600 })) throw fileExists(path);
}

export function fileExists(path: string): VaultError {
  return new VaultError('file-exists', `There is something at ${path} already; it was left as it is.`, { hint: 'Choose another place with --output.', details: { path } });
}

/** The line in a file that its owner alone can read, or, for `-`, in standard input. @throws VaultError input-*, identity-too-open */
export async function readTokenFile(path: string): Promise<string> {
  if (path === '-') return new TextDecoder().decode(await readInput(MAX_BYTES));
  const file = await readRegularFile(path, { maxBytes: MAX_BYTES, followLink: true });
  if (file === undefined) throw new VaultError('input-unreadable', `There is no file ${path}.`, { details: { source: path } });
  if ((file.mode & OTHERS) !== 0) {
    throw new VaultError('identity-too-open', `The token in ${path} can be read or written by others: its mode is ${file.mode.toString(8).padStart(4, '0')}, and only 0600 or less is allowed.`, {
      hint: `Run "chmod 600 ${path}". If others could read it for long, have it revoked: "vault node uninvite".`, details: { path, mode: file.mode },
    });
  }
  return new TextDecoder().decode(file.bytes);
}
