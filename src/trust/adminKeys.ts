import { VaultError } from '../errors.ts';
import { checkName } from '../names.ts';
import { parsePublicKey, parseSigningKey } from '../sealing/publicKey.ts';
import type { Admin } from './roster.ts';

/**
 * An admin with keys as a person gave them. The line of an SSH key serves for both.
 * @param signingLine may be left out for an `ssh-ed25519` key
 * @throws VaultError name-invalid, key-invalid
 */
export function adminWithKeys(name: string, publicLine: string, signingLine: string | undefined): Admin {
  checkName('admin', name);
  const publicKey = parsePublicKey(publicLine);
  const signing = signingLine ?? (publicKey.type === 'ssh-ed25519' ? publicKey.line : undefined);
  if (signing === undefined) throw cannotSign(name, publicKey.type);
  return { name, public_key: publicKey.line, signing_key: parseSigningKey(signing).line };
}

function cannotSign(name: string, type: string): VaultError {
  return type === 'age'
    ? new VaultError('key-invalid', `An age key cannot sign, so it cannot be the key of the admin ${name}.`, {
        hint: 'An admin needs an identity of "vault key generate", or an SSH ed25519 key.', details: { name },
      })
    : new VaultError('key-invalid', `The key of ${name} is for sealing alone: the line of the signing key is missing.`, {
        hint: 'Give both lines of "vault key show" with --key and --signing-key, or the output of "vault key show --json" with --file.', details: { name },
      });
}
