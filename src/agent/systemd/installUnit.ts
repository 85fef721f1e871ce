import { join } from 'node:path';
import { VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { replaceFile } from '../../files/write.ts';
import { isUntouched, UNIT_NAME } from './unit.ts';

/** What became of a unit. */
export interface InstalledUnit {
  readonly path: string;
  readonly state: 'created' | 'updated' | 'unchanged';
}

const MAX_BYTES = 1 << 20;

/**
 * Writes a unit into a directory. One that somebody changed is replaced only where that is asked for.
 * @throws VaultError file-exists, input-unreadable, store-unreachable
 */
export async function installUnit(directory: string, unit: string, force: boolean): Promise<InstalledUnit> {
  const path = join(directory, UNIT_NAME);
  const found = await readRegularFile(path, { maxBytes: MAX_BYTES });
  const text = found === undefined ? undefined : new TextDecoder().decode(found.bytes);
  if (text === unit) return { path, state: 'unchanged' };
  if (text !== undefined && !isUntouched(text) && !force) {
    throw new VaultError('file-exists', `${path} was changed since it was written, or is not this program's.`, {
      hint: 'Put changes into a drop-in ("systemctl edit iam-vault-agent"), then run this with --force; --dry-run shows the unit.', details: { path },
    });
  }
  await replaceFile(path, new TextEncoder().encode(unit), { mode: 0o644 });
  return { path, state: text === undefined ? 'created' : 'updated' };
}
