import { loadIdentities } from '../config/identities.ts';
import type { Environment } from '../config/environment.ts';
import { isVaultError, VaultError } from '../errors.ts';
import { openItem } from '../operations/openItem.ts';
import type { Workspace } from '../operations/workspace.ts';
import { passphrasePrompt } from './prompt.ts';

/** Opens an item for a person or a node, with the identity that is named or the first of the usual places that fits. The caller wipes it. */
export async function openForReading(environment: Environment, workspace: Workspace, vault: string, item: string, named: string | undefined): Promise<Awaited<ReturnType<typeof openItem>>> {
  const identities = loadIdentities(environment, named, passphrasePrompt('Passphrase of the identity: '));
  return await openItem(workspace, { vault, item }, identities).catch((error: unknown) => {
    if (!isVaultError(error, 'identity-missing')) throw error;
    throw new VaultError(error.code, error.message, {
      hint: 'Name yours with --identity; a new one must first be made a recipient by an admin.', details: error.details, cause: error,
    });
  });
}
