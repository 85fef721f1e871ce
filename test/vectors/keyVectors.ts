import { bech32, bech32m } from '@scure/base';
import { alice, bob, mac } from '../../src/items/example.testing.ts';
import { encodeProtectedSeed, encodeSeed, identityFromSeed } from '../../src/sealing/identity.ts';
import { encodeKeyText, KEY_TEXT } from '../../src/sealing/keyText.ts';
import { opensshPrivateKey, seedOf } from '../../src/sealing/opensshKey.testing.ts';
import { parsePublicKey } from '../../src/sealing/publicKey.ts';
import type { KeyVectors, ProtectedVector } from './vector.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const sealing = alice.identity.publicKey.line;
const signing = alice.identity.signingKey?.line ?? '';
const secret = encodeSeed(alice.secret);
const ssh = bob.identity.publicKey.line;
const age = mac.identity.publicKey.line;

function seeds(): KeyVectors['seeds'] {
  return [new Uint8Array(32), seedOf(0xff), alice.secret, Uint8Array.from({ length: 32 }, (_, i) => i)].map((seed) => {
    const { publicKey, signingKey } = identityFromSeed(seed);
    if (signingKey === undefined) throw new Error('cannot be');
    return {
      seed: hex(seed), secret_line: encodeSeed(seed), sealing_line: publicKey.line, signing_line: signingKey.line,
      x25519: hex(publicKey.x25519), ed25519: hex(signingKey.ed25519), fingerprint: publicKey.fingerprint, signing_fingerprint: signingKey.fingerprint,
    };
  });
}

function accepted(name: string, line: string): KeyVectors['sealing'][number] {
  const { type, line: canonical, x25519, fingerprint } = parsePublicKey(line);
  return { name, line, canonical, type, x25519: hex(x25519), fingerprint };
}

/** The line with one character changed to another of its alphabet. */
function flip(line: string, at: number): string {
  const i = at < 0 ? line.length + at : at;
  const [q, p] = line === line.toUpperCase() ? ['Q', 'P'] : ['q', 'p'];
  return line.slice(0, i) + (line[i] === q ? p : q) + line.slice(i + 1);
}

/** A key line with the version byte `version`. */
function versioned(prefix: string, version: number, key: Uint8Array): string {
  return bech32m.encode(prefix, bech32m.toWords(Uint8Array.of(version, ...key)), false);
}

/** Small multiples of the X25519 curve's points of small order, and the same with the highest bit set. */
const weak = [
  seedOf(0), Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)), Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 0x80 : 0)),
  Uint8Array.from(Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex')),
  Uint8Array.from(Buffer.from('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157', 'hex')),
  Uint8Array.from(Buffer.from('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex')),
];

function sshLine(type: string, key: Uint8Array): string {
  const part = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([part(Buffer.from(type)), part(key)]).toString('base64')}`;
}

function bad(): KeyVectors['bad'] {
  const seal = (name: string, line: string): KeyVectors['bad'][number] => ({ name, kind: 'sealing', line, error: 'key-invalid' });
  const sign = (name: string, line: string): KeyVectors['bad'][number] => ({ name, kind: 'signing', line, error: 'key-invalid' });
  const identity = (name: string, line: string): KeyVectors['bad'][number] => ({ name, kind: 'identity', line, error: 'identity-invalid' });
  const key = alice.identity.publicKey.x25519;
  return [
    seal('empty', ''),
    seal('a key to sign with', signing),
    seal('a secret key', secret),
    seal('highest bit set', encodeKeyText(KEY_TEXT.sealing, key.map((byte, i) => (i === 31 ? byte | 0x80 : byte)))),
    seal('not reduced', encodeKeyText(KEY_TEXT.sealing, Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xf6 : i === 31 ? 0x7f : 0xff)))),
    seal('wrong checksum', flip(sealing, -1)),
    seal('wrong letter', flip(sealing, 20)),
    seal('mixed case', `vaultseal1${sealing.slice(10).toUpperCase()}`),
    seal('upper case', sealing.toUpperCase()),
    seal('bech32 instead of bech32m', bech32.encode(KEY_TEXT.sealing, bech32.toWords(Uint8Array.of(1, ...key)), false)),
    seal('version 0', versioned(KEY_TEXT.sealing, 0, key)),
    seal('version 2', versioned(KEY_TEXT.sealing, 2, key)),
    seal('31 bytes', encodeKeyText(KEY_TEXT.sealing, key.slice(1))),
    seal('33 bytes', encodeKeyText(KEY_TEXT.sealing, Uint8Array.of(...key, 0))),
    seal('no bytes', bech32m.encode(KEY_TEXT.sealing, [], false)),
    seal('very long', `vaultseal1${'q'.repeat(500)}`),
    ...weak.flatMap((point, i) => [
      seal(`weak point ${String(i)} as vault key`, encodeKeyText(KEY_TEXT.sealing, point)),
      seal(`weak point ${String(i)} as age key`, bech32.encode('age', bech32.toWords(point), false)),
    ]),
    seal('ssh-rsa', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ=='),
    seal('ssh without key', 'ssh-ed25519'),
    seal('ssh truncated', ssh.slice(0, -4)),
    seal('ssh with padding', `${ssh}=`),
    seal('ssh with a letter that is none of base64', ssh.replace(/.$/, '*')),
    seal('ssh with another type inside', sshLine('ssh-ed25518', seedOf(1))),
    seal('ssh with 31 bytes', sshLine('ssh-ed25519', seedOf(1).slice(1))),
    seal('ssh with a small point', sshLine('ssh-ed25519', weak[1] ?? seedOf(0))),
    seal('ssh with no point', sshLine('ssh-ed25519', Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 2 : 0)))),
    seal('age wrong checksum', flip(age, -1)),
    seal('age upper case', age.toUpperCase()),
    seal('age of another kind', 'age1yubikey1qg8u3f4sj5sn0hzxvmdpcdzfyns6lcmu9xzfe7lk3sgw7dse7ux0c5rgskx'),
    seal('RSA key of a Chef client', '-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----\n'),
    sign('a key to seal to', sealing),
    sign('wrong checksum', flip(signing, -1)),
    sign('an age key', age),
    sign('a small point', encodeKeyText(KEY_TEXT.signing, weak[1] ?? seedOf(0))),
    sign('no point', encodeKeyText(KEY_TEXT.signing, Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 2 : 0)))),
    identity('empty', ''),
    identity('comments alone', '# a comment\n'),
    identity('a public key', sealing),
    identity('wrong checksum', flip(secret, -1)),
    identity('lower case', secret.toLowerCase()),
    identity('two identities', `${secret}\n${secret}`),
    identity('version 2', versioned(KEY_TEXT.secret, 2, alice.secret).toUpperCase()),
    identity('31 bytes', encodeKeyText(KEY_TEXT.secret, alice.secret.slice(1)).toUpperCase()),
    identity('a public key under the name of a secret one', encodeKeyText(KEY_TEXT.protected, alice.secret).toUpperCase()),
    identity('age wrong checksum', flip(mac.text.trim(), -1)),
    identity('age mixed case', `AGE-SECRET-KEY-1${mac.text.trim().slice(16).toLowerCase()}`),
    identity('OpenSSH damaged', opensshPrivateKey(bob.secret).replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')),
    identity('text', 'PLANTED SECRET'),
  ];
}

export function keyVectors(): KeyVectors {
  return {
    seeds: seeds(),
    sealing: [
      accepted('vault key', sealing), accepted('ssh-ed25519 key', ssh), accepted('ssh-ed25519 key with comment', `${ssh} root@host two words`),
      accepted('age key', age), accepted('age key of its specification', 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'),
      accepted('spaces around', `  ${sealing}\n`),
    ],
    bad: bad(),
  };
}

/** Low costs keep the test fast; `vault key generate` uses 3 and 256 MiB. */
export async function protectedVectors(): Promise<ProtectedVector[]> {
  const encoder = new TextEncoder();
  const seed = alice.secret;
  const protectedBy = async (passphrase: string, operations: number, memoryBytes: number): Promise<string> =>
    await encodeProtectedSeed(seed, encoder.encode(passphrase), { operations, memoryBytes });
  const good = { seed: hex(seed), sealing_line: sealing };
  const line = await protectedBy('correct horse', 1, 8192);
  const words = bech32m.fromWords(bech32m.decode(line as `${string}1${string}`, false).words);
  const withCost = (operations: number, memoryBytes: number): string => {
    const bytes = words.slice(1);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, operations);
    view.setUint32(4, memoryBytes);
    return encodeKeyText(KEY_TEXT.protected, bytes).toUpperCase();
  };
  return [
    { name: 'least cost', line, passphrase: 'correct horse', expect: good },
    { name: 'more cost, a passphrase in UTF-8', line: await protectedBy('Grüße 😀', 2, 1 << 20), passphrase: 'Grüße 😀', expect: good },
    { name: 'wrong passphrase', line, passphrase: 'battery staple', expect: { error: 'identity-locked' } },
    { name: 'cost changed', line: withCost(2, 8192), passphrase: 'correct horse', expect: { error: 'identity-locked' } },
    { name: 'no operations', line: withCost(0, 8192), passphrase: 'correct horse', expect: { error: 'identity-invalid' } },
    { name: 'too many operations', line: withCost(11, 8192), passphrase: 'correct horse', expect: { error: 'identity-invalid' } },
    { name: 'too little memory', line: withCost(1, 8191), passphrase: 'correct horse', expect: { error: 'identity-invalid' } },
    { name: 'too much memory', line: withCost(1, 0xffffffff), passphrase: 'correct horse', expect: { error: 'identity-invalid' } },
    { name: 'wrong checksum', line: flip(line, -1), passphrase: 'correct horse', expect: { error: 'identity-invalid' } },
  ];
}
