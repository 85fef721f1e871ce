import { isVaultError, VaultError } from '../errors.ts';

/**
 * What may be told of a failure that nobody foresaw. Its own message is not repeated: whose text that is, nobody knows (JSON.parse quotes what it could not
 * read). Where it was thrown is.
 */
export function knownError(error: unknown): VaultError {
  if (isVaultError(error)) return error;
  if (!(error instanceof Error)) return new VaultError('internal', `A fault of this program: ${typeof error} was thrown.`, { cause: error });
  const code = 'code' in error && typeof error.code === 'string' && /^[A-Z0-9_]{1,40}$/.test(error.code) ? ` (${error.code})` : '';
  const [frame] = /^ +at .+$/m.exec(error.stack ?? '') ?? [];
  return new VaultError('internal', `A fault of this program: ${error.name}${code}${frame === undefined ? '' : ` ${frame.trim()}`}.`, { cause: error, hint: 'Report it.' });
}
