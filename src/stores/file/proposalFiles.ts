import { join } from 'node:path';
import { VaultError } from '../../errors.ts';
import { listDirectory } from '../../files/read.ts';

/** A digest as it is part of a file's name. */
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
const SUFFIX = '.json';

/** Where a roster that still lacks signatures lies. @throws VaultError proposal-not-found for what is no digest */
export function proposalPath(root: string, digest: string): string {
  if (!DIGEST.test(digest)) {
    throw new VaultError('proposal-not-found', `${JSON.stringify(digest.slice(0, 60))} is not the fingerprint of a roster.`, { hint: 'See "vault admin list".', details: { digest: digest.slice(0, 60) } });
  }
  return join(root, 'trust', 'proposals', `${digest}${SUFFIX}`);
}

/** Digests of the proposals, sorted. */
export async function listProposalFiles(root: string): Promise<string[]> {
  const names = await listDirectory(join(root, 'trust', 'proposals'));
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)).filter((name) => DIGEST.test(name));
}
