import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isVaultError, type ErrorCode } from '../../errors.ts';
import { example, ref, repository, roster } from '../../items/example.testing.ts';
import { parseKeys, type ItemDocuments } from '../../items/model.ts';
import { parseItemDocuments, verifyItem } from '../../items/verify.ts';
import { layoutJson } from '../../json/canonical.ts';
import { openFileStore } from './fileStore.ts';

async function folder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'vault-store-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);
const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const generationOf = (documents: ItemDocuments | undefined): number => (documents === undefined ? 0 : parseKeys(documents.keys, 'keys').header.generation);
const assertWhole = (documents: ItemDocuments | undefined): void => {
  assert.ok(documents !== undefined);
  verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration: 0 });
};
const same = (a: ItemDocuments | undefined, b: ItemDocuments): void => {
  assert.equal(text(a?.keys), text(b.keys));
  assert.equal(text(a?.item), text(b.item));
};

describe('the file store', () => {
  const bag = (root: string, name: string): string => join(root, 'data_bags', 'vault', name);
  const pendingOf = (documents: ItemDocuments): string => layoutJson({ item: text(documents.item), keys: text(documents.keys) });

  test('loses no update of several processes', async (t) => {
    const root = await folder(t);
    const [processes, each] = [3, 8];
    const writer = fileURLToPath(new URL('fileStoreWriter.testing.ts', import.meta.url));
    await Promise.all(Array.from({ length: processes }, async () => {
      const child = spawn(process.execPath, ['--import', 'tsx', writer, root, String(each)], { stdio: ['ignore', 'ignore', 'inherit'] });
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    }));
    const documents = await openFileStore(root).readItem(ref);
    assertWhole(documents);
    assert.equal(generationOf(documents), processes * each);
    assert.deepEqual((await readdir(join(root, 'data_bags', 'vault'))).sort(), ['account_user.json', 'account_user_keys.json']);
  });

  const [one, two, three] = [example(), example({ generation: 2 }), example({ generation: 3 })];

  for (const [stored, files] of Object.entries({ nothing: [undefined, undefined], 'the old pair': [one.item, one.keys], 'a mixed pair': [two.item, one.keys], 'the new pair': [two.item, two.keys] } as const)) {
    for (const finisher of ['reader', 'writer']) test(`a writer was killed after its pending file, a ${finisher} finishes it: there was ${stored}`, async (t) => {
      const root = await folder(t);
      const store = openFileStore(root);
      await mkdir(join(root, 'data_bags', 'vault'), { recursive: true });
      const [item, keys] = files;
      if (item !== undefined) await writeFile(bag(root, 'account_user.json'), item);
      if (keys !== undefined) await writeFile(bag(root, 'account_user_keys.json'), keys);
      await writeFile(bag(root, '.account_user.pending'), pendingOf(two));
      same(await store.readItem(ref), two);
      assert.deepEqual(await store.listItems(), [ref]);
      if (finisher === 'reader') await store.finishItem(ref);
      else await assert.rejects(store.writeItem(ref, three, 1), failsWith('store-conflict'));
      await assert.rejects(stat(bag(root, '.account_user.pending')), { code: 'ENOENT' });
      assert.equal(await readFile(bag(root, 'account_user_keys.json'), 'utf8'), text(two.keys), 'it is finished');
      await store.writeItem(ref, three, 2);
      same(await store.readItem(ref), three);
      assert.deepEqual((await readdir(join(root, 'data_bags', 'vault'))).sort(), ['account_user.json', 'account_user_keys.json']);
    });
  }

  test('all that writers were killed in is finished, but for what is damaged', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await store.finishItems();
    await store.writeItem(ref, one, 0);
    await writeFile(bag(root, '.account_user.pending'), pendingOf(two));
    await writeFile(bag(root, '.damaged.pending'), '{}');
    await store.finishItems();
    assert.deepEqual((await readdir(join(root, 'data_bags', 'vault'))).sort(), ['.damaged.pending', 'account_user.json', 'account_user_keys.json']);
    same(await store.readItem(ref), two);
  });

  test('a pending file that is older than the pair is left over', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await store.writeItem(ref, one, 0);
    await store.writeItem(ref, two, 1);
    await writeFile(bag(root, '.account_user.pending'), pendingOf(one));
    same(await store.readItem(ref), two);
    await store.writeItem(ref, three, 2);
    same(await store.readItem(ref), three);
  });

  test('a mixed pair without a pending file is left to verification', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await store.writeItem(ref, two, 0);
    await writeFile(bag(root, 'account_user.json'), one.item);
    const documents = await store.readItem(ref);
    assert.ok(documents !== undefined);
    assert.throws(() => verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration: 0 }), failsWith('item-digest-mismatch'));
    await unlink(bag(root, 'account_user.json'));
    await assert.rejects(store.readItem(ref), failsWith('document-invalid'));
  });

  test('damaged files are refused with a code', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await store.writeItem(ref, one, 0);
    await writeFile(bag(root, 'account_user_keys.json'), '{"header":');
    await assert.rejects(store.writeItem(ref, two, 1), failsWith('document-invalid'));
    await writeFile(bag(root, 'account_user_keys.json'), one.keys);
    for (const pending of ['', '{}', '{\n  "item": "",\n  "keys": ""\n}\n']) {
      await writeFile(bag(root, '.account_user.pending'), pending);
      await assert.rejects(store.readItem(ref), failsWith('document-invalid'));
      await assert.rejects(store.writeItem(ref, two, 1), failsWith('document-invalid'));
    }
  });

  test('a data bag item that is no vault item is not overwritten, and not listed', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await mkdir(join(root, 'data_bags', 'vault'), { recursive: true });
    await writeFile(bag(root, 'account_user.json'), '{"id":"account_user","plain":1}');
    assert.equal(await store.readItem(ref), undefined);
    assert.deepEqual(await store.listItems(), []);
    await assert.rejects(store.requireFree(ref), failsWith('item-exists'));
    await assert.rejects(store.writeItem(ref, one, 0), failsWith('item-exists'));
    assert.equal(await readFile(bag(root, 'account_user.json'), 'utf8'), '{"id":"account_user","plain":1}');
    assert.deepEqual(await openFileStore(root).listForeign('vault'), ['account_user']);
    assert.equal(new TextDecoder().decode((await openFileStore(root).readRaw(ref)).item), '{"id":"account_user","plain":1}');
  });

  test('symbolic links are refused, and never written through', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    const target = join(root, 'target');
    await writeFile(target, 'untouched');
    await store.writeItem(ref, one, 0);
    for (const name of ['account_user.json', 'account_user_keys.json', '.account_user.pending']) {
      await rm(bag(root, name), { force: true });
      await symlink(target, bag(root, name));
      await assert.rejects(store.readItem(ref), failsWith('input-unreadable'), name);
      await assert.rejects(store.writeItem(ref, two, 1), failsWith('input-unreadable'), name);
      await unlink(bag(root, name));
      await writeFile(bag(root, 'account_user.json'), one.item);
      await writeFile(bag(root, 'account_user_keys.json'), one.keys);
    }
    for (const neighbour of ['.account_user.json.new', '.account_user_keys.json.new']) await symlink(target, bag(root, neighbour));
    await store.writeItem(ref, two, 1);
    same(await store.readItem(ref), two);
    await unlink(join(root, '.vault.lock'));
    await symlink(join(root, 'elsewhere'), join(root, '.vault.lock'));
    await assert.rejects(store.writeItem(ref, three, 2), failsWith('store-unreachable'));
    assert.equal(await readFile(target, 'utf8'), 'untouched');
    assert.ok(!(await readdir(root)).includes('elsewhere'));
    await mkdir(join(root, 'nodes'));
    await symlink(target, join(root, 'nodes', 'n.json'));
    await assert.rejects(store.readInventory('nodes', 'n'), failsWith('input-unreadable'));
  });

  test('adding a recipient touches one file', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await store.writeItem(ref, one, 0);
    const before = await stat(bag(root, 'account_user.json'));
    const keys = example({ generation: 2 }).keys;
    await store.writeItem(ref, { item: one.item, keys }, 1);
    assert.equal((await stat(bag(root, 'account_user.json'))).ino, before.ino);
    assert.equal((await stat(bag(root, 'account_user_keys.json'))).mode & 0o777, 0o644);
  });

  test('files that are no documents are passed over', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await mkdir(join(root, 'data_bags', 'vault'), { recursive: true });
    await mkdir(join(root, 'nodes'));
    await writeFile(join(root, 'data_bags', 'README'), '');
    for (const name of ['_keys.json', 'x_keys_keys.json', '.hidden_keys.json', 'with space_keys.json', '..pending', 'plain.json']) await writeFile(bag(root, name), '');
    for (const name of ['.n.json', 'n.rb', 'with space.json', '__proto__.json', 'ok.json']) await writeFile(join(root, 'nodes', name), '{}');
    assert.deepEqual(await store.listItems(), []);
    assert.deepEqual(await store.listInventoryNames('nodes'), ['ok']);
  });

  test('a document that no reader would take is not written', async (t) => {
    const root = await folder(t);
    const store = openFileStore(root);
    await assert.rejects(store.writeItem(ref, { item: one.item, keys: new Uint8Array((64 << 20) + 1).fill(0x20) }, 0), failsWith('input-too-large'));
    assert.deepEqual(await readdir(join(root, 'data_bags', 'vault')), []);
  });
});
