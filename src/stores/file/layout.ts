import { join } from 'node:path';
import { checkName, KEYS_SUFFIX } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';

/** Where the files of an item lie. */
export interface ItemPaths {
  readonly directory: string;
  readonly item: string;
  readonly keys: string;
  readonly pending: string;
}

const PENDING = '.pending';

/** @throws VaultError name-invalid */
export function pathsOf(root: string, { vault, item }: ItemRef): ItemPaths {
  checkName('vault', vault);
  checkName('item', item);
  const directory = join(root, 'data_bags', vault);
  return {
    directory,
    item: join(directory, `${item}.json`),
    keys: join(directory, `${item}${KEYS_SUFFIX}.json`),
    pending: join(directory, `.${item}${PENDING}`),
  };
}

/** The item that a pending file of this name belongs to. */
export function pendingItem(name: string): string | undefined {
  return name.startsWith('.') && name.endsWith(PENDING) ? name.slice(1, -PENDING.length) : undefined;
}

/** Which files hold what, for those who watch them. */
export interface FileLayout {
  readonly root: string;
  /** The directories from the root down to the items of a vault. */
  vaultDirectories(vault: string): readonly string[];
  readonly trustDirectories: readonly string[];
  itemFiles(ref: ItemRef): readonly string[];
  /** The item, in its vault's directory, that a file of this name may belong to. */
  itemOf(name: string): string | undefined;
}

/** The layout of a repository at `root`. */
export function layoutOf(root: string): FileLayout {
  return {
    root,
    vaultDirectories: (vault) => [root, join(root, 'data_bags'), join(root, 'data_bags', checkName('vault', vault))],
    trustDirectories: [root, join(root, 'trust')],
    itemFiles: (ref) => {
      const { pending, keys, item } = pathsOf(root, ref);
      return [pending, keys, item];
    },
    itemOf: (name) => pendingItem(name) ?? (name.endsWith(`${KEYS_SUFFIX}.json`) ? name.slice(0, -`${KEYS_SUFFIX}.json`.length)
      : name.endsWith('.json') ? name.slice(0, -'.json'.length) : undefined),
  };
}
