import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVaultError } from '../errors.ts';
import type { Recipient } from '../items/recipients.ts';
import { newDataKey, openDataKey } from '../sealing/dataKey.ts';
import { decodeBase64 } from '../sealing/encoding.ts';
import { generateSeed, identityFromSeed } from '../sealing/identity.ts';
import { sealerOn } from './sealOnThreads.ts';

const seal = sealerOn(new URL('../../dist/sealWorker.js', import.meta.url));
const ref = { vault: 'vault', item: 'item' };
const identities = [1, 2, 3].map(() => identityFromSeed(generateSeed()));

function recipients(count: number): Recipient[] {
  return Array.from({ length: count }, (_, i) => {
    const { publicKey } = identities[i % identities.length] ?? identityFromSeed(generateSeed());
    return { role: i % 7 === 0 ? 'admin' : 'client', name: `node${String(i)}`, publicKey };
  });
}

for (const count of [0, 3, 2001]) {
  test(`seals to ${String(count)} recipients, in their order, and each opens its own`, async () => {
    const dataKey = newDataKey();
    const wanted = recipients(count);
    const entries = await seal(dataKey, ref, wanted);
    assert.equal(entries.length, count);
    wanted.forEach(({ role, name, publicKey }, i) => {
      const entry = entries[i];
      const identity = identities[i % identities.length];
      assert.ok(entry !== undefined && identity !== undefined);
      assert.equal(entry.name, name);
      assert.equal(entry.fingerprint, publicKey.fingerprint);
      const opened = openDataKey(decodeBase64(entry.sealed_key, 'the entry'), { ...ref, role, name, fingerprint: publicKey.fingerprint }, identity);
      assert.deepEqual(opened, dataKey);
    });
  });
}

test('a key that cannot be sealed to fails as it does on one thread', async () => {
  const weak: Recipient = { role: 'client', name: 'weak', publicKey: { type: 'vault', line: '', x25519: new Uint8Array(32), fingerprint: '' } };
  await assert.rejects(seal(newDataKey(), ref, [...recipients(2000), weak]), (error) => isVaultError(error, 'key-invalid') && error.message.includes('weak'));
});
