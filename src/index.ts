export { VaultError, isVaultError, type ErrorCode, type ErrorDetails } from './errors.ts';
