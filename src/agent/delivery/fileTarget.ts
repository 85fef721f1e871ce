import { basename, dirname, join } from 'node:path';
import { accountNumber } from '../../files/accounts.ts';
import { holdsFileSet, removeFileSet, replaceFileSet } from '../../files/fileSet.ts';
import { pathKind } from '../../files/read.ts';
import { trustedDirectory } from '../../files/trusted.ts';
import { holdsFile, removeFile, replaceFile, type WriteOptions } from '../../files/write.ts';
import type { AccessConfiguration, DirectoryDelivery, FileDelivery } from '../configuration/schema.ts';
import type { Target } from './target.ts';

/** A file that is replaced as a whole. A symbolic link in its place is replaced, not followed. */
export function fileTarget(delivery: FileDelivery): Target {
  return {
    async prepare(render) {
      const bytes = await render(delivery);
      const options = await accessOf(delivery);
      const path = join(await trustedDirectory(dirname(delivery.path)), basename(delivery.path));
      return { isInPlace: () => holdsFile(path, bytes, options), put: () => replaceFile(path, bytes, options) };
    },
    remove: () => removeDelivered(delivery),
    close: () => Promise.resolve(),
  };
}

/** A directory whose files change together. */
export function directoryTarget(delivery: DirectoryDelivery): Target {
  const { files, group, mode } = delivery;
  return {
    async prepare(render) {
      const contents: Uint8Array[] = [];
      for (const file of files) contents.push(await render(file));
      const set = await Promise.all(files.map(async ({ name, ...file }, i) => ({ name, bytes: contents[i] ?? new Uint8Array(), ...await accessOf(file) })));
      const access = { mode, gid: group === undefined ? undefined : await accountNumber('group', group) };
      const path = await trustedDirectory(delivery.path);
      return { isInPlace: () => holdsFileSet(path, set, access), put: () => replaceFileSet(path, set, access) };
    },
    remove: () => removeDelivered(delivery),
    close: () => Promise.resolve(),
  };
}

/** Removes what was delivered. @throws VaultError store-unreachable */
export async function removeDelivered({ type, path }: { readonly type: 'file' | 'directory' | 'socket'; readonly path: string }): Promise<void> {
  if (await pathKind(dirname(path), true) !== 'directory') return;
  const place = join(await trustedDirectory(dirname(path)), basename(path));
  if (type !== 'directory') await removeFile(place);
  else if (await pathKind(path, true) === 'directory') await removeFileSet(await trustedDirectory(path));
}

/** @throws VaultError store-unreachable where there is no such account */
export async function accessOf({ owner, group, mode }: AccessConfiguration): Promise<WriteOptions> {
  return {
    mode,
    uid: owner === undefined ? undefined : await accountNumber('user', owner),
    gid: group === undefined ? undefined : await accountNumber('group', group),
  };
}
