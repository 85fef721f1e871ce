import { identityFromSeed } from './identity.ts';
import { sodium } from './sodium.ts';

/** 32 bytes that are all `byte`: a seed to recognise. */
export function seedOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

/** An OpenSSH private key file without passphrase, as ssh-keygen writes it (PROTOCOL.key of OpenSSH). */
export function opensshPrivateKey(seed: Uint8Array, comment = 'test'): string {
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed);
  const text = (value: string | Uint8Array): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const one = Buffer.from([0, 0, 0, 1]);
  const publicBlob = Buffer.concat([text('ssh-ed25519'), text(publicKey)]);
  const check = Buffer.from([7, 7, 7, 7]);
  let secret = Buffer.concat([check, check, text('ssh-ed25519'), text(publicKey), text(privateKey), text(comment)]);
  for (let pad = 1; secret.length % 8 !== 0; pad++) secret = Buffer.concat([secret, Buffer.from([pad])]);
  const body = Buffer.concat([Buffer.from('openssh-key-v1\0'), text('none'), text('none'), text(''), one, text(publicBlob), text(secret)]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** The vault identity of a seed of one repeated byte. */
export function vaultIdentity(byte: number): ReturnType<typeof identityFromSeed> {
  return identityFromSeed(seedOf(byte));
}
