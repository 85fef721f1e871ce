import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError, VaultError } from '../errors.ts';
import { decodeKeyText, encodeKeyText, KEY_TEXT } from './keyText.ts';
import { vaultIdentity } from './opensshKey.testing.ts';
import { agePublicKey, parsePublicKey, parseSigningKey, sshPublicKey, vaultPublicKey, vaultSigningKey } from './publicKey.ts';
import { decodeBase64, encodeBase64, equalBytes, isBase64, wipe } from './encoding.ts';
import { sodium } from './sodium.ts';

const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const invalid = (error: unknown): boolean => isVaultError(error, 'key-invalid');
const sealing = vaultIdentity(1).publicKey.line;
const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

describe('keys as text', () => {
  test('come back, whatever their bytes', () => {
    fc.assert(fc.property(key32, fc.constantFrom(...Object.values(KEY_TEXT)), (key, prefix) => {
      assert.deepEqual(decodeKeyText(prefix, encodeKeyText(prefix, key), 'The key', 32), key);
    }));
  });

  test('any other letter anywhere is noticed', () => {
    for (let at = 0; at < sealing.length; at++) {
      for (const letter of at < 10 ? ['x'] : LETTERS) {
        if (sealing[at] === letter) continue;
        assert.throws(() => parsePublicKey(sealing.slice(0, at) + letter + sealing.slice(at + 1)), invalid);
      }
    }
  });

  test('any two letters exchanged, left out or added are noticed', () => {
    for (let at = 10; at < sealing.length; at++) {
      assert.throws(() => parsePublicKey(sealing.slice(0, at) + sealing.slice(at + 1)), invalid);
      assert.throws(() => parsePublicKey(`${sealing.slice(0, at)}q${sealing.slice(at)}`), invalid);
      const exchanged = sealing.slice(0, at) + (sealing[at + 1] ?? '') + (sealing[at] ?? '') + sealing.slice(at + 2);
      if (at + 1 < sealing.length && exchanged !== sealing) assert.throws(() => parsePublicKey(exchanged), invalid);
    }
  });

  test('of one type are not taken for another', () => {
    const lines = Object.values(KEY_TEXT).map((prefix) => [prefix, encodeKeyText(prefix, vaultIdentity(1).publicKey.x25519)] as const);
    for (const [prefix, line] of lines) {
      for (const other of Object.values(KEY_TEXT)) {
        if (other !== prefix) assert.throws(() => decodeKeyText(other, line, 'The key', 32), invalid);
      }
    }
  });

  test('errors do not quote them', () => {
    const secret = encodeKeyText(KEY_TEXT.secret, new Uint8Array(32).fill(3));
    for (const parse of [parsePublicKey, parseSigningKey, (line: string) => decodeKeyText(KEY_TEXT.secret, `${line.slice(0, -1)}!`, 'The key', 32)]) {
      for (const text of [secret, secret.toUpperCase(), ` ${secret}x`]) {
        assert.throws(() => parse(text), (error) => {
          assert.ok(error instanceof VaultError);
          assert.ok(!`${String(error.stack)} ${String(error.hint)} ${JSON.stringify(error.details)} ${String(error.cause)}`.toLowerCase().includes(secret.slice(20, 50)));
          return true;
        });
      }
    }
  });
});

describe('public keys', () => {
  test('come back from their line, whatever the type', () => {
    fc.assert(fc.property(key32, (seed) => {
      const { publicKey } = sodium.crypto_sign_seed_keypair(seed);
      const x25519 = sodium.crypto_scalarmult_base(seed);
      for (const key of [vaultPublicKey(x25519), agePublicKey(x25519), sshPublicKey(publicKey)]) {
        const parsed = parsePublicKey(`${key.line}\n`);
        assert.deepEqual([parsed.type, parsed.line, parsed.x25519, parsed.fingerprint], [key.type, key.line, key.x25519, key.fingerprint]);
      }
      assert.deepEqual(parseSigningKey(vaultSigningKey(publicKey).line).ed25519, publicKey);
    }), { numRuns: 50 });
  });

  test('of one point have one fingerprint, in each text', () => {
    const { x25519, fingerprint } = vaultIdentity(5).publicKey;
    assert.equal(agePublicKey(x25519).fingerprint, fingerprint);
    assert.match(fingerprint, /^[A-Za-z0-9_-]{43}$/);
    assert.notEqual(vaultSigningKey(x25519).fingerprint, fingerprint, 'keys to sign with have their own');
  });

  test('any text gives a key or key-invalid', () => {
    const start = fc.constantFrom('', 'vaultseal1', 'vaultsign1', 'ssh-ed25519 ', 'ssh-', 'ssh-rsa ', 'age1', 'age1pq1', '-----BEGIN PUBLIC KEY-----', 'AGE-SECRET-KEY-1');
    const rest = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String(), fc.string({ unit: fc.constantFrom(...Array.from(LETTERS)) }));
    fc.assert(fc.property(start, rest, (before, after) => {
      for (const parse of [parsePublicKey, parseSigningKey]) {
        try {
          parse(before + after);
        } catch (error) {
          assert.ok(invalid(error), String(error));
        }
      }
    }), { numRuns: 1000 });
    for (const parse of [parsePublicKey, parseSigningKey]) {
      for (const before of ['vaultseal1', 'vaultsign1', 'age1', 'ssh-ed25519 ', '']) assert.throws(() => parse(before + 'q'.repeat(16 << 20)), invalid);
    }
  });

  test('what is refused is named', () => {
    for (const [text, says] of [
      ['-----BEGIN PUBLIC KEY-----\nMIIB', /RSA/], ['-----BEGIN RSA PUBLIC KEY-----', /RSA/], ['-----BEGIN OPENSSH PRIVATE KEY-----', /private/],
      ['VAULT-SECRET-KEY-1QQQQ', /private/], ['vaultsign1qqqq', /vaultsign/], ['ssh-rsa AAAA', /ssh-rsa/], ['hello', /unknown kind/],
    ] as const) {
      assert.throws(() => parsePublicKey(text), (error) => error instanceof VaultError && error.code === 'key-invalid' && says.test(error.message));
    }
  });
});

describe('base64url', () => {
  test('has one text for each value, and the check agrees with the decoder', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = encodeBase64(bytes);
      assert.ok(isBase64(text) && isBase64(text, bytes.length) && !isBase64(text, bytes.length + 1));
      assert.deepEqual(decodeBase64(text, 'It', bytes.length), bytes);
      assert.throws(() => decodeBase64(text, 'It', bytes.length + 1), (error) => isVaultError(error, 'document-invalid'));
    }));
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('A', 'B', 'Q', 'z', '9', '-', '_', '+', '/', '=', ' ', '\n', 'é'), maxLength: 12 }), (text) => {
      let decodes = true;
      try {
        decodeBase64(text, 'It');
      } catch (error) {
        assert.ok(isVaultError(error, 'document-invalid'));
        decodes = false;
      }
      assert.equal(isBase64(text), decodes, JSON.stringify(text));
    }), { numRuns: 2000 });
  });

  test('bytes are compared whole, and wiped', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    assert.ok(equalBytes(bytes, Uint8Array.of(1, 2, 3)));
    assert.ok(!equalBytes(bytes, Uint8Array.of(1, 2, 4)) && !equalBytes(bytes, Uint8Array.of(1, 2)));
    wipe(bytes, undefined);
    assert.deepEqual(bytes, new Uint8Array(3));
  });
});
