import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { skipWithout } from '../../test/scripts/peers.ts';
import { isVaultError, type ErrorCode } from '../errors.ts';
import { encodeProtectedSeed, encodeSeed, generateSeed, identityFromSeed, parseIdentity, type Identity } from './identity.ts';
import { opensshPrivateKey, seedOf, vaultIdentity } from './opensshKey.testing.ts';
import { parsePublicKey } from './publicKey.ts';
import { signStatement, verifyStatement } from './signature.ts';
import { sodium } from './sodium.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const CHEAP = { operations: 1, memoryBytes: 8192 };
const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);
const says = (passphrase: string) => (): Promise<Uint8Array> => Promise.resolve(utf8(passphrase));

/** What is sealed to the line that others see, the identity opens; and what it signs is good. */
function assertWorks(identity: Identity, publicLine = identity.publicKey.line): void {
  const message = utf8('message');
  assert.deepEqual(identity.openSealed(sodium.crypto_box_seal(message, parsePublicKey(publicLine).x25519)), message);
  assert.equal(identity.openSealed(sodium.crypto_box_seal(message, vaultIdentity(250).publicKey.x25519)), undefined);
  assert.equal(identity.openSealed(new Uint8Array(3)), undefined);
  if (identity.signingKey === undefined) return;
  const statement = { format: 'iam-vault/1', type: 'test', n: 1 };
  const signature = signStatement(statement, identity);
  assert.ok(verifyStatement(statement, signature, identity.signingKey));
  assert.ok(!verifyStatement({ ...statement, type: 'other' }, signature, identity.signingKey));
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'vault-identity-'));
  t.after(() => { rmSync(path, { recursive: true, force: true }); });
  return path;
}

describe('an identity of the project', () => {
  test('comes back from its file, with comments and any line ends', async () => {
    const seed = generateSeed();
    const identity = identityFromSeed(seed);
    for (const text of [encodeSeed(seed), `${encodeSeed(seed)}\n`, `# one\r\n\r\n${encodeSeed(seed)}\r\n# two`]) {
      const read = await parseIdentity(text, 'file');
      assert.equal(read.publicKey.line, identity.publicKey.line);
      assert.equal(read.signingKey?.line, identity.signingKey?.line);
      assertWorks(read);
    }
  });

  test('has keys to seal to and to sign with that do not say anything about each other', () => {
    const { publicKey, signingKey } = identityFromSeed(seedOf(7));
    assert.ok(signingKey !== undefined);
    assert.notDeepEqual(sodium.crypto_sign_ed25519_pk_to_curve25519(signingKey.ed25519), publicKey.x25519);
    assert.notDeepEqual(sodium.crypto_scalarmult_base(seedOf(7)), publicKey.x25519);
  });

  test('under a passphrase opens with that passphrase alone', async () => {
    const seed = generateSeed();
    const line = await encodeProtectedSeed(seed, utf8('right'), CHEAP);
    assert.notEqual(line, await encodeProtectedSeed(seed, utf8('right'), CHEAP));
    assertWorks(await parseIdentity(line, 'file', says('right')), identityFromSeed(seed).publicKey.line);
    for (const wrong of ['', 'Right', 'right ']) await assert.rejects(parseIdentity(line, 'file', says(wrong)), failsWith('identity-locked'));
    await assert.rejects(parseIdentity(line, 'file'), failsWith('identity-locked'));
    await assert.rejects(parseIdentity(line, 'file', () => Promise.reject(new Error('cancelled'))), { message: 'cancelled' });
  });

  test('is not shown by inspection, and is gone when it was wiped', () => {
    const identity = identityFromSeed(seedOf(0x5c));
    const sealed = sodium.crypto_box_seal(utf8('m'), identity.publicKey.x25519);
    const shown = inspect(identity, { depth: 9, showHidden: true, getters: true }) + JSON.stringify(identity);
    const scalar = sodium.crypto_kdf_derive_from_key(32, 1, 'ivltseal', seedOf(0x5c));
    for (const secret of [scalar, seedOf(0x5c)]) {
      assert.ok(!shown.includes([...secret.slice(0, 8)].join(', ')) && !shown.includes(Buffer.from(secret).toString('hex').slice(0, 20)));
    }
    identity.wipe();
    assert.equal(identity.openSealed(sealed), undefined);
  });
});

describe('an OpenSSH identity', () => {
  test('comes back for any seed', async () => {
    await fc.assert(fc.asyncProperty(fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 0, max: 255 }).map(seedOf),
      fc.integer({ min: 0, max: 255 }).map((byte) => Uint8Array.of(0, 0, byte, ...seedOf(9).slice(3)))), async (seed) => {
      const { publicKey } = sodium.crypto_sign_seed_keypair(seed);
      const identity = await parseIdentity(opensshPrivateKey(seed), 'file');
      assert.deepEqual(identity.signingKey?.ed25519, publicKey);
      assertWorks(identity);
    }), { numRuns: 40 });
  });

  test('made by ssh-keygen is read, with and without passphrase', { skip: skipWithout('ssh-keygen') }, async (t) => {
    for (const passphrase of ['', 'Grüße']) {
      const path = join(folder(t), 'key');
      assert.equal(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'a comment', '-f', path]).status, 0);
      const text = readFileSync(path, 'utf8');
      const asked = passphrase === '' ? undefined : says(passphrase);
      const identity = await parseIdentity(text, path, asked);
      assertWorks(identity, readFileSync(`${path}.pub`, 'utf8'));
      assert.ok(readFileSync(`${path}.pub`, 'utf8').startsWith(`${identity.publicKey.line} `));
      if (passphrase === '') continue;
      await assert.rejects(parseIdentity(text, path, says('wrong')), failsWith('identity-locked'));
      await assert.rejects(parseIdentity(text, path), failsWith('identity-locked'));
    }
  });

  test('of another type is refused', { skip: skipWithout('ssh-keygen') }, async (t) => {
    for (const type of ['rsa', 'ecdsa']) {
      const path = join(folder(t), 'key');
      assert.equal(spawnSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path]).status, 0);
      await assert.rejects(parseIdentity(readFileSync(path, 'utf8'), path), failsWith('identity-invalid'));
      assert.throws(() => parsePublicKey(readFileSync(`${path}.pub`, 'utf8')), failsWith('key-invalid'));
    }
  });
});

describe('an age identity', () => {
  test('made by age-keygen is read, opens, and cannot sign', { skip: skipWithout('age-keygen') }, async () => {
    const text = spawnSync('age-keygen', { encoding: 'utf8' }).stdout;
    const line = /public key: (age1\S+)/.exec(text)?.[1];
    const identity = await parseIdentity(text, 'file');
    assert.equal(identity.publicKey.line, line);
    assertWorks(identity);
    assert.throws(() => identity.sign(utf8('m')), failsWith('not-an-admin'));
  });
});

describe('what is no identity', () => {
  test('gives a VaultError that does not show it', async () => {
    const start = fc.constantFrom('', 'VAULT-SECRET-KEY-1', 'VAULT-PROTECTED-KEY-1', 'AGE-SECRET-KEY-1', '-----BEGIN OPENSSH PRIVATE KEY-----\n', '-----BEGIN PRIVATE KEY-----\n', '# x\n');
    const end = fc.constantFrom('', '\n-----END OPENSSH PRIVATE KEY-----\n', '\n-----END PRIVATE KEY-----\n');
    const middle = fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.base64String({ maxLength: 300 }), fc.string({ unit: fc.constantFrom(...Array.from('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')) }));
    await fc.assert(fc.asyncProperty(start, middle, end, async (before, text, after) => {
      await assert.rejects(parseIdentity(`${before}PLANTED${text}${after}`, 'file', says('x')), (error) => {
        assert.ok(isVaultError(error, 'identity-invalid', 'identity-locked'), inspect(error));
        assert.ok(!(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).includes('PLANTED'));
        return true;
      });
    }), { numRuns: 300 });
  });

  test('damaged keys of OpenSSH give a VaultError that does not show them', async () => {
    const whole = opensshPrivateKey(seedOf(0x5c));
    const secret = Buffer.from(seedOf(0x5c)).toString('base64').slice(0, 20);
    for (let at = 36; at < whole.length - 35; at += 3) {
      for (const changed of [whole.slice(0, at) + whole.slice(at + 1), `${whole.slice(0, at)}!${whole.slice(at + 1)}`, `${whole.slice(0, at)}A${whole.slice(at + 1)}`]) {
        try {
          await parseIdentity(changed, 'file');
        } catch (error) {
          assert.ok(isVaultError(error, 'identity-invalid', 'identity-locked'), inspect(error));
          assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(secret));
        }
      }
    }
  });
});
