import { randomBytes } from 'node:crypto';
import { bech32 } from '@scure/base';
import sshpk from 'sshpk';

/** A new SSH key without passphrase, as ssh-keygen writes it. */
export function newSshKey(): { readonly privateKey: string; readonly publicLine: string } {
  const key = sshpk.generatePrivateKey('ed25519');
  return { privateKey: key.toString('openssh'), publicLine: `${key.toPublic().toString('ssh')}\n` };
}

/** A new identity as age-keygen writes it. */
export function newAgeIdentity(): string {
  return `# created: 2026-01-01T00:00:00Z\n${bech32.encode('age-secret-key-', bech32.toWords(randomBytes(32)), false).toUpperCase()}\n`;
}
