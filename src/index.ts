import type { Vault, VaultOptions } from './library/vault.ts';

export { VaultError, isVaultError, type ErrorCode, type ErrorDetails } from './errors.ts';
export type { Json } from './json/canonical.ts';
export type { AccessKeyCredentials, ItemList, ItemProblem, ItemSummary, Vault, VaultItem, VaultOptions } from './library/vault.ts';

/**
 * Opens the vault repository that the program runs in, or the one that `options` name.
 *
 *     const { aws_access_key_id } = await (await openVault()).item('vault', 'an-aws-account-name_secret-files').field('data');
 *
 * @throws VaultError repository-missing, input-*
 */
export async function openVault(options: VaultOptions = {}): Promise<Vault> {
  // Loaded here, not at the top: libsodium starts asynchronously, and this package can be required from CommonJS too.
  const { openVaultWith } = await import('./library/vault.ts');
  return await openVaultWith(options);
}
