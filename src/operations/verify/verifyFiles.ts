import { withTemporaryDirectory } from '../../files/temporary.ts';
import { walkFiles } from '../../files/walk.ts';
import { checkoutIndex } from '../../git/checkoutIndex.ts';
import { listFiles } from '../../git/listFiles.ts';
import type { Git } from '../../git/run.ts';
import type { Store } from '../../stores/store.ts';
import { filesOf } from '../git/filesOf.ts';
import type { Workspace } from '../workspace.ts';
import { verifyRepository, type Verification, type VerifyRequest } from './verifyRepository.ts';

export interface VerifyFilesRequest extends Pick<VerifyRequest, 'vault' | 'item'> {
  /** Runs in the root of the repository. */
  readonly git: Git;
  /** Look at what git's index holds, as a commit would; nothing of it is remembered. */
  readonly staged: boolean;
  /** Look for plaintext credentials. */
  readonly scan: boolean;
  /** Files and folders, relative to the root, in which plaintext credentials are meant to be. */
  readonly allow: readonly string[];
  readonly openStore: (root: string) => Store;
}

/** Without git, these folders hold what is not the repository's. */
const NOT_OURS = new Set(['.git', 'node_modules']);

/**
 * Verifies the repository in git's directory, or what git's index holds of it.
 * @throws VaultError git-failed, and as {@link verifyRepository}
 */
export async function verifyFiles(workspace: Workspace, request: VerifyFilesRequest): Promise<Verification> {
  const { git, staged, openStore } = request;
  if (!staged) return await verifyAt(workspace, git.directory, request);
  filesOf(workspace.store);
  return await withTemporaryDirectory(async (directory) => {
    const place = await checkoutIndex(git, directory);
    // What is remembered of the repository is remembered by its own place.
    return await verifyAt({ ...workspace, store: { ...openStore(place), location: workspace.store.location } }, place, request);
  });
}

async function verifyAt(workspace: Workspace, place: string, { vault, item, git, staged, scan, allow }: VerifyFilesRequest): Promise<Verification> {
  const files = scan && vault === undefined ? await listFiles(git, { staged }) ?? await walkFiles(place, NOT_OURS) : undefined;
  const allowed = allow.map((path) => path.replace(/^(\.\/+)+/, '').replace(/\/+$/, ''));
  return await verifyRepository(workspace, {
    vault, item, forget: staged,
    scan: files === undefined ? undefined : { root: place, files: files.filter((path) => !allowed.some((each) => path === each || path.startsWith(`${each}/`))) },
  });
}
