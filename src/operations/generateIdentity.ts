import { dirname } from 'node:path';
import { VaultError } from '../errors.ts';
import { createFile, ensureDirectory } from '../files/write.ts';
import { wipe } from '../sealing/encoding.ts';
import { encodeProtectedSeed, encodeSeed, generateSeed, identityFromSeed, type Identity } from '../sealing/identity.ts';
import type { AskPassphrase } from '../sealing/passphrase.ts';

/**
 * Makes an identity and its file, mode 0600. An existing file is never replaced.
 * @param askPassphrase protects the identity with what it gives
 * @throws VaultError identity-exists, store-unreachable
 */
export async function generateIdentity(path: string, now: Date, askPassphrase?: AskPassphrase): Promise<Identity> {
  const seed = generateSeed();
  const identity = identityFromSeed(seed);
  let bytes: Uint8Array | undefined;
  try {
    const secretLine = askPassphrase === undefined ? encodeSeed(seed) : await protect(seed, askPassphrase);
    bytes = new TextEncoder().encode([
      '# iam-vault identity. Keep this file secret: whoever has it opens what is sealed to it.',
      `# created ${now.toISOString()}`,
      `# public key: ${identity.publicKey.line}`,
      `# signing key: ${identity.signingKey?.line ?? ''}`,
      secretLine,
      '',
    ].join('\n'));
    await ensureDirectory(dirname(path), 0o700);
    if (await createFile(path, bytes, { mode: 0o600 })) return identity;
  } finally {
    wipe(seed, bytes);
  }
  identity.wipe();
  throw new VaultError('identity-exists', `There is an identity at ${path} already; it was left as it is.`, {
    hint: 'Use it, or choose another place with --output.', details: { path },
  });
}

async function protect(seed: Uint8Array, askPassphrase: AskPassphrase): Promise<string> {
  const passphrase = await askPassphrase();
  try {
    return await encodeProtectedSeed(seed, passphrase);
  } finally {
    wipe(passphrase);
  }
}
