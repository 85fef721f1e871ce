import { VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { DEFAULT_POLICY, parsePolicy, type RefresherPolicy } from '../refresher/policy.ts';

const MAX_BYTES = 64 << 10;

/** Reads a refresher's policy; the default one where no file is named. @throws VaultError input-* */
export async function readRefresherFile(path: string | undefined): Promise<RefresherPolicy> {
  if (path === undefined) return DEFAULT_POLICY;
  const file = await readRegularFile(path, { maxBytes: MAX_BYTES, followLink: true });
  if (file === undefined) throw new VaultError('input-unreadable', `There is no policy at ${path}.`, { hint: 'Write one (docs/refresher.md has an example), or leave --policy out.', details: { source: path } });
  return parsePolicy(file.bytes, path);
}
