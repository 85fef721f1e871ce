import { join } from 'node:path';
import { listDirectory } from '../../files/read.ts';
import { isDigest, requireDigest } from '../proposalName.ts';

const SUFFIX = '.json';

/** Where a roster that still lacks signatures lies. @throws VaultError proposal-not-found for what is no digest */
export function proposalPath(root: string, digest: string): string {
  return join(root, 'trust', 'proposals', `${requireDigest(digest)}${SUFFIX}`);
}

/** Digests of the proposals, sorted. */
export async function listProposalFiles(root: string): Promise<string[]> {
  const names = await listDirectory(join(root, 'trust', 'proposals'));
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)).filter(isDigest);
}
