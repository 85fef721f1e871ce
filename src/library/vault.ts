import { processEnvironment, stateDirectoryPath } from '../config/environment.ts';
import { loadIdentities } from '../config/identities.ts';
import { openRepository } from '../config/repository.ts';
import { ACCESS_KEY_FIELD, accessKeyIn, type AccessKeyCredentials } from '../items/accessKey.ts';
import type { Json } from '../json/canonical.ts';
import { listItems, type ItemList, type ItemProblem, type ItemSummary } from '../operations/listItems.ts';
import { openItem } from '../operations/openItem.ts';
import type { Workspace } from '../operations/workspace.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';

export type { AccessKeyCredentials, ItemList, ItemProblem, ItemSummary };

export interface VaultOptions {
  /** Root of the repository. Default: VAULT_REPOSITORY, or the nearest vault.json upward from the working directory. */
  readonly repository?: string;
  /** File of the private key. Default: VAULT_IDENTITY, or the first of the usual places that the item is sealed to. */
  readonly identity?: string;
  /** Fingerprint of a version of the roster that must be among those of the repository. Default: what was trusted before, or trust on first use. */
  readonly pin?: string;
  /** Where generations and pins are remembered. Default: VAULT_STATE_DIR, or the user's state directory. */
  readonly stateDirectory?: string;
  /** Asks for the passphrase of a protected identity. Without it, such identities fail with identity-locked. */
  readonly passphrase?: () => Promise<string>;
  /** Told what is no failure. Default: trust on first use is a warning of the process, nothing else is told. */
  readonly onNotice?: (text: string) => void;
}

/** An item of a vault. Every call reads and verifies it again, in the order of docs/format.md. */
export interface VaultItem {
  readonly vault: string;
  readonly item: string;
  /** The value of one field. @throws VaultError as {@link Vault.item} says, and field-not-found */
  field(name: string): Promise<Json>;
  /** Every field. */
  all(): Promise<Record<string, Json>>;
  /** The access key of an item that was made from an IAM file. @throws VaultError field-format where it holds none */
  credentials(): Promise<AccessKeyCredentials>;
}

/** An open repository. */
export interface Vault {
  /**
   * An item, which is not read before a field is asked for. What its methods reject with: VaultError item-not-found, name-invalid,
   * not-a-recipient, recipient-key-changed, identity-*, roster-*, and the codes of docs/format.md, "Order of verification".
   */
  item(vault: string, item: string): VaultItem;
  /** Every item of a vault, or of all, verified; those that fail it stand apart. */
  list(vault?: string): Promise<ItemList>;
}

/** See `openVault` in index.ts. */
export async function openVaultWith(options: VaultOptions): Promise<Vault> {
  const environment = processEnvironment();
  const { store } = await openRepository(environment, options.repository);
  const workspace: Workspace = {
    store,
    state: openStateDirectory(options.stateDirectory ?? stateDirectoryPath(environment)),
    now: () => new Date(),
    notice: options.onNotice ?? (() => undefined),
    warn: options.onNotice ?? ((text) => { process.emitWarning(text, 'IamVaultWarning'); }),
    pin: options.pin,
  };
  const { passphrase } = options;
  const ask = passphrase === undefined ? undefined : async () => new TextEncoder().encode(await passphrase());

  /** Opens the item, hands it to `use`, and wipes its key. */
  const opened = async <T>(vault: string, item: string, use: (item: { field(name: string): Json; all(): Record<string, Json> }) => T): Promise<T> => {
    const open = await openItem(workspace, { vault, item }, loadIdentities(environment, options.identity, ask));
    try {
      return use(open);
    } finally {
      open.wipe();
    }
  };
  return {
    item: (vault, item) => ({
      vault,
      item,
      field: (name) => opened(vault, item, (open) => open.field(name)),
      all: () => opened(vault, item, (open) => open.all()),
      credentials: () => opened(vault, item, (open) => accessKeyIn(open.field(ACCESS_KEY_FIELD), `${vault}/${item}`)),
    }),
    list: (vault) => listItems(workspace, vault),
  };
}
