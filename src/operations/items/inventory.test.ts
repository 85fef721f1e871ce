import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateSeed, identityFromSeed } from '../../sealing/identity.ts';
import { openFileStore } from '../../stores/file/fileStore.ts';
import { newNodeDocuments, removeNode } from '../nodes.ts';
import { openInventory } from './inventory.ts';

test('says the same of few clients, which are read by name, and of many, which are read together', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'iam-vault-inventory-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = openFileStore(root);
  const { publicKey, signingKey } = identityFromSeed(generateSeed());
  const names = Array.from({ length: 210 }, (_, i) => `n${String(i).padStart(3, '0')}`);
  for (const name of names) {
    const { node, client } = newNodeDocuments({ name, publicKey, signingKey }, { chef_environment: '_default', run_list: ['role[web]'], normal: {} });
    await store.writeInventory('nodes', name, node);
    await store.writeInventory('clients', name, client);
  }
  const [damaged = '', keyless = '', left = ''] = names;
  await store.writeInventory('clients', damaged, Buffer.from('{'));
  await store.removeInventory('clients', keyless);
  const many = openInventory(store);
  const few = openInventory(store);
  for (const each of [many, few]) assert.equal((await each.select('role:web')).names.length, names.length);
  await removeNode(store, left);
  const { node, client } = newNodeDocuments({ name: 'late', publicKey, signingKey }, { chef_environment: '_default', run_list: [], normal: {} });
  await store.writeInventory('clients', 'late', client);
  await store.writeInventory('nodes', 'late', node);

  const together = await many.clients([...names, 'late', 'nobody']);
  for (const name of [damaged, keyless, left, 'n209', 'late', 'nobody']) {
    const alone = await few.clients([name]);
    for (const ask of ['keyOf', 'isKnown', 'isNewer', 'hasLeft'] as const) assert.deepEqual(together[ask](name), alone[ask](name), `${ask} ${name}`);
  }
  assert.deepEqual(['n209', damaged, keyless, left, 'late', 'nobody'].map((name) => [together.keyOf(name) === undefined, together.isKnown(name), together.isNewer(name), together.hasLeft(name)]), [
    [false, true, false, false], [false, true, false, false], [true, false, false, false], [true, false, false, true], [false, true, true, false], [true, false, false, false],
  ]);
});
