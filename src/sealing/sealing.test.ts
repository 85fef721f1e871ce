import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { isVaultError, type ErrorCode } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { commitmentOf, newDataKey, openDataKey, sealDataKey, type SealContext } from './dataKey.ts';
import { encodeBase64, decodeBase64 } from './encoding.ts';
import { openField, sealField } from './field.ts';
import { vaultIdentity } from './opensshKey.testing.ts';
import { vaultPublicKey } from './publicKey.ts';
import { verifyStatement, signStatement } from './signature.ts';

const web = vaultIdentity(0x11);
const other = vaultIdentity(0x22);
const ref = { vault: 'vault', item: 'item' };
const context: SealContext = { ...ref, role: 'client', name: 'web1', fingerprint: web.publicKey.fingerprint };
const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);

describe('a sealed data key', () => {
  test('opens for its recipient, in its context', () => {
    const dataKey = newDataKey();
    const sealed = sealDataKey(dataKey, context, web.publicKey);
    assert.equal(sealed.length, 112);
    assert.deepEqual(openDataKey(sealed, context, web), dataKey);
    assert.notDeepEqual(sealDataKey(dataKey, context, web.publicKey), sealed);
  });

  test('is bound to vault, item, role, name and key', () => {
    const sealed = sealDataKey(newDataKey(), context, web.publicKey);
    for (const change of [{ vault: 'v' }, { item: 'i' }, { role: 'admin' as const }, { name: 'web2' }, { fingerprint: other.publicKey.fingerprint }, { vault: 'vaul', item: 'titem' }]) {
      assert.throws(() => openDataKey(sealed, { ...context, ...change }, web), failsWith('sealed-key-context'), JSON.stringify(change));
    }
  });

  test('does not open for anybody else, nor damaged', () => {
    const sealed = sealDataKey(newDataKey(), context, web.publicKey);
    assert.throws(() => openDataKey(sealed, context, other), failsWith('sealed-key-unopenable'));
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => openDataKey(changed, context, web), failsWith('sealed-key-unopenable'));
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(() => openDataKey(bytes, context, web), failsWith('sealed-key-unopenable'));
    }));
  });

  test('is not made for a weak key', () => {
    assert.throws(() => sealDataKey(newDataKey(), context, vaultPublicKey(new Uint8Array(32))), failsWith('key-invalid'));
  });

  test('has a commitment that fits no other key, item or vault', () => {
    const dataKey = newDataKey();
    const commitment = commitmentOf(dataKey, ref);
    assert.equal(commitmentOf(Uint8Array.from(dataKey), { ...ref }), commitment);
    for (const different of [commitmentOf(newDataKey(), ref), commitmentOf(dataKey, { ...ref, item: 'i' }), commitmentOf(dataKey, { ...ref, vault: 'v' })]) {
      assert.notEqual(different, commitment);
    }
  });
});

describe('a sealed field', () => {
  const dataKey = newDataKey();

  test('comes back, whatever it holds', () => {
    fc.assert(fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const json = JSON.parse(JSON.stringify(value)) as Json;
      assert.deepEqual(openField(sealField(json, dataKey, ref, 'data'), dataKey, ref, 'data'), json);
    }));
  });

  test('is bound to key, vault, item and name', () => {
    const sealed = sealField('PLANTED', dataKey, ref, 'data');
    const attempts = [
      () => openField(sealed, newDataKey(), ref, 'data'), () => openField(sealed, dataKey, ref, 'datb'),
      () => openField(sealed, dataKey, { ...ref, item: 'i' }, 'data'), () => openField(sealed, dataKey, { ...ref, vault: 'v' }, 'data'),
      () => openField(sealed, dataKey, { vault: 'vaulti', item: 'tem' }, 'data'),
    ];
    for (const attempt of attempts) {
      assert.throws(attempt, (error) => isVaultError(error, 'field-unopenable') && !inspect(error, { depth: 9, showHidden: true }).includes('PLANTED'));
    }
  });

  test('does not open damaged', () => {
    const { ciphertext, nonce } = sealField('PLANTED', dataKey, ref, 'data');
    for (const [which, text] of Object.entries({ ciphertext, nonce })) {
      const bytes = decodeBase64(text, which);
      for (let at = 0; at < bytes.length; at++) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x80;
        assert.throws(() => openField({ ciphertext, nonce, [which]: encodeBase64(changed) }, dataKey, ref, 'data'), failsWith('field-unopenable'));
      }
    }
    fc.assert(fc.property(fc.oneof(fc.base64String(), fc.string()), (text) => {
      assert.throws(() => openField({ ciphertext: text, nonce }, dataKey, ref, 'data'), failsWith('field-unopenable', 'document-invalid'));
      assert.throws(() => openField({ ciphertext, nonce: text }, dataKey, ref, 'data'), failsWith('field-unopenable', 'document-invalid'));
    }));
  });

  test('shows nothing when it decrypts to what is no JSON', () => {
    // The engine's own message would quote the text.
    const sealed = sealField('x', dataKey, ref, 'data');
    assert.throws(() => openField({ ...sealed, ciphertext: sealed.ciphertext.slice(0, 20) }, dataKey, ref, 'data'), failsWith('field-unopenable', 'document-invalid'));
  });
});

describe('a signature', () => {
  const statement = { format: 'iam-vault/1', type: 'test', value: [1, 'x'] } as const;
  const key = web.signingKey;
  assert.ok(key !== undefined);

  test('is good for its statement and key, whatever the order of members', () => {
    const signature = signStatement(statement, web);
    assert.ok(verifyStatement({ value: [1, 'x'], type: 'test', format: 'iam-vault/1' }, signature, key));
    assert.ok(!verifyStatement({ ...statement, value: [1, 'y'] }, signature, key));
    assert.ok(!verifyStatement({ ...statement, extra: null }, signature, key));
    assert.ok(!verifyStatement(statement, signStatement(statement, other), key));
    assert.equal(signStatement(statement, web), signature, 'Ed25519 is deterministic');
  });

  test('of zeros, or by a key of small order, is bad', () => {
    const zeros = encodeBase64(new Uint8Array(64));
    assert.ok(!verifyStatement(statement, zeros, key));
    for (const first of [0, 1]) {
      const ed25519 = new Uint8Array(32);
      ed25519[0] = first;
      assert.ok(!verifyStatement(statement, encodeBase64(Uint8Array.of(...ed25519, ...new Uint8Array(32))), { ...key, ed25519 }));
    }
  });

  test('of another length is refused', () => {
    for (const text of ['', 'AA', encodeBase64(new Uint8Array(63)), 'x'.repeat(86), '!'.repeat(86)]) {
      assert.throws(() => verifyStatement(statement, text, key), failsWith('document-invalid'));
    }
  });
});
