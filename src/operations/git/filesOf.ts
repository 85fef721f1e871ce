import { VaultError } from '../../errors.ts';
import type { Store } from '../../stores/store.ts';

/** The directory that holds the repository's documents as files. @throws VaultError git-failed where they are kept elsewhere, so that git has none */
export function filesOf({ directory, location }: Store): string {
  if (directory !== undefined) return directory;
  throw new VaultError('git-failed', `The documents of the vault repository at ${location} are not files, so git has none of them: its vault.json names another store.`, {
    hint: 'This is for the file store. "vault show" and "vault verify" work with every store; "vault migrate" moves between them.', details: { root: location },
  });
}
