import { isVaultError, VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { parseIdentity, refusePublicKey, type Identity } from '../sealing/identity.ts';
import type { AskPassphrase } from '../sealing/passphrase.ts';
import { identityPaths, variable, type Environment } from './environment.ts';

/** An identity and the file that it came from. */
export interface LoadedIdentity {
  readonly path: string;
  readonly identity: Identity;
}

/** Bits of a file's mode that let anybody but its owner in. */
const OTHERS = 0o077;

/**
 * Reads one identity file. It must be a regular file that its owner alone can read.
 * @throws VaultError identity-missing, identity-too-open, identity-invalid, identity-locked, input-unreadable
 */
export async function loadIdentity(path: string, askPassphrase?: AskPassphrase, uid = process.geteuid?.()): Promise<Identity> {
  const file = await readRegularFile(path, { maxBytes: 1 << 16, followLink: true });
  if (file === undefined) {
    throw new VaultError('identity-missing', `There is no identity at ${path}.`, {
      hint: 'Make one with "vault key generate", or name another with --identity.', details: { path },
    });
  }
  try {
    const text = new TextDecoder().decode(file.bytes);
    refusePublicKey(text, path); // Others may read it, and its mode is no mistake.
    if ((file.mode & OTHERS) !== 0) {
      throw new VaultError('identity-too-open', `The identity ${path} can be read or written by others: its mode is ${file.mode.toString(8).padStart(4, '0')}, and only 0600 or less is allowed.`, {
        hint: `Run "chmod 600 ${path}". If others could read it for long, make a new one.`, details: { path, mode: file.mode },
      });
    }
    if (uid !== undefined && uid !== 0 && file.uid !== uid && file.uid !== 0) {
      throw new VaultError('identity-too-open', `The identity ${path} belongs to another user (${String(file.uid)}), who knows it.`, {
        hint: 'Make one of your own with "vault key generate".', details: { path, owner: file.uid },
      });
    }
    return await parseIdentity(text, path, askPassphrase);
  } finally {
    file.bytes.fill(0);
  }
}

/**
 * The identities to try: the one that is named (by --identity or VAULT_IDENTITY) or those at the usual places that are
 * there and may be read. They are loaded one by one, as they are asked for.
 */
export async function* loadIdentities(
  environment: Environment, named: string | undefined, askPassphrase?: AskPassphrase,
): AsyncGenerator<LoadedIdentity> {
  const chosen = named ?? variable(environment, 'VAULT_IDENTITY');
  if (chosen !== undefined) {
    yield { path: chosen, identity: await loadIdentity(chosen, askPassphrase) };
    return;
  }
  let first: VaultError | undefined;
  let found = 0;
  for (const path of identityPaths(environment)) {
    try {
      yield { path, identity: await loadIdentity(path, askPassphrase) };
      found++;
    } catch (error) {
      if (!isVaultError(error) || error.code === 'interrupted') throw error;
      if (error.code !== 'identity-missing') first ??= error;
    }
  }
  if (found > 0) return;
  // Not one could be used: say what is wrong with the first that is there.
  throw first ?? new VaultError('identity-missing', `There is no identity at any of the usual places: ${identityPaths(environment).join(', ')}.`, {
    hint: 'Make one with "vault key generate", or name one with --identity.', details: { paths: identityPaths(environment) },
  });
}
