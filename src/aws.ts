import type { ExpiringCredentials, FromVaultOptions } from './library/credentialProvider.ts';

export { VaultError, isVaultError, type ErrorCode, type ErrorDetails } from './errors.ts';
export type { ExpiringCredentials, FromVaultOptions } from './library/credentialProvider.ts';
export type { AccessKeyCredentials, VaultOptions } from './library/vault.ts';

/**
 * A credential provider for the AWS SDK for JavaScript, version 3, that opens an item of a vault itself: no agent is needed.
 *
 *     import { S3Client } from '@aws-sdk/client-s3';
 *     import { fromVault } from 'iam-vault/aws';
 *     const s3 = new S3Client({ credentials: fromVault({ vault: 'vault', item: 'an-aws-account-name_secret-files' }) });
 *
 * Each item is read, and verified, when a client first needs it and again before the expiration. Once it could be read, its last good key is used on where
 * that fails, which {@link VaultOptions.onNotice} is told. What it rejects with before: VaultError, with the codes of openVault and of an item's
 * credentials().
 */
export function fromVault(options: FromVaultOptions): () => Promise<ExpiringCredentials> {
  let provider: Promise<() => Promise<ExpiringCredentials>> | undefined;
  return async () => {
    // Loaded here, not at the top: libsodium starts asynchronously, and this package can be required from CommonJS too.
    provider ??= import('./library/credentialProvider.ts').then(({ openProvider }) => openProvider(options));
    return await (await provider)();
  };
}
