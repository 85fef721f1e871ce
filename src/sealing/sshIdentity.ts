import { VaultError } from '../errors.ts';
import { wipe } from './encoding.ts';
import { locked, type AskPassphrase } from './passphrase.ts';

/**
 * The Ed25519 seed in an OpenSSH private key file, by way of the sshpk library, which also reads the
 * passphrase-protected ones (bcrypt and AES).
 * @throws VaultError identity-invalid, identity-locked
 */
export async function parseSshIdentity(
  text: string, source: string, askPassphrase: AskPassphrase | undefined,
): Promise<{ ed25519Seed: Uint8Array }> {
  const { default: sshpk } = await import('sshpk');
  const parse = (passphrase?: string): unknown =>
    sshpk.parsePrivateKey(text, 'auto', { filename: source, ...(passphrase === undefined ? {} : { passphrase }) });
  let key: unknown;
  try {
    key = parse();
  } catch (error) {
    if (!isNamed(error, 'KeyEncryptedError')) throw unreadable(source);
    if (askPassphrase === undefined) throw locked(source, 'is protected by a passphrase, and there is no terminal to ask for it');
    const passphrase = await askPassphrase();
    try {
      key = parse(Buffer.from(passphrase).toString('utf8'));
    } catch {
      throw locked(source, 'does not open with that passphrase');
    } finally {
      wipe(passphrase);
    }
  }
  if (!isEd25519(key)) {
    throw new VaultError('identity-invalid', `The SSH key in ${source} is not of type ed25519.`, {
      hint: 'Of SSH keys only ed25519 can open sealed items; make one with ssh-keygen -t ed25519, or use "vault key generate".',
    });
  }
  const seed = Uint8Array.from(key.part.k.data);
  key.part.k.data.fill(0);
  const ed25519Seed = seed.slice(-32);
  wipe(seed);
  return { ed25519Seed };
}

function unreadable(source: string): VaultError {
  return new VaultError('identity-invalid', `The private key in ${source} cannot be read: it is damaged or of an unknown kind.`, {
    hint: 'Allowed: a file of "vault key generate", an OpenSSH ed25519 private key, an age X25519 identity.',
  });
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function isEd25519(key: unknown): key is { part: { k: { data: Buffer } } } {
  return typeof key === 'object' && key !== null && 'type' in key && key.type === 'ed25519' && 'part' in key
    && typeof key.part === 'object' && key.part !== null && 'k' in key.part
    && typeof key.part.k === 'object' && key.part.k !== null && 'data' in key.part.k && Buffer.isBuffer(key.part.k.data);
}
