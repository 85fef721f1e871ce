import { VaultError } from '../errors.ts';

/** Asks for the passphrase of a protected identity; resolves to its UTF-8 bytes, which are wiped after use. */
export type AskPassphrase = () => Promise<Uint8Array>;

/** The error for an identity that a passphrase protects. */
export function locked(source: string, why: string): VaultError {
  return new VaultError('identity-locked', `The identity in ${source} ${why}.`, {
    hint: 'Run the command in a terminal and type the passphrase, or give an unprotected identity with --identity.',
    details: { source },
  });
}
