import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isVaultError } from '../../errors.ts';
import { isSettled, stampFiles } from '../../files/stamp.ts';
import { alice, example, ref, roster, signedRoster } from '../../items/example.testing.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { openFileStore } from '../../stores/file/fileStore.ts';
import { layoutOf } from '../../stores/file/layout.ts';
import type { Store } from '../../stores/store.ts';
import type { Source } from '../source.ts';
import { folderSource } from './folder.ts';

const never = new AbortController().signal;

interface FolderScene {
  readonly source: Source;
  readonly store: Store;
  /** How often the store was asked for an item. */
  readonly reads: () => number;
  readonly file: (name: string) => string;
}

async function open(t: TestContext, now: () => number = Date.now): Promise<FolderScene> {
  const root = await mkdtemp(join(tmpdir(), 'vault-folder-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = openFileStore(root);
  await store.writeRoster(1, signedRoster(roster, [alice]));
  await store.writeItem(ref, example(), 0);
  let reads = 0;
  const counting = { ...store, readItem: (each: ItemRef) => { reads++; return store.readItem(each); } };
  return {
    store, reads: () => reads,
    source: folderSource({ store: counting, layout: layoutOf(root), pollMs: 3_600_000, report: ({ type }) => { assert.fail(type); }, now }),
    file: (name) => join(root, 'data_bags', 'vault', name),
  };
}

describe('a folder', () => {
  test('is not read where nothing changed, but for what may have changed within one tick of the clock', async (t) => {
    let later = 0;
    const { source, reads, file } = await open(t, () => Date.now() + later);
    const first = await source.readItem(ref, undefined, never);
    assert.ok(first.kind === 'found');
    const ask = async (): Promise<string> => (await source.readItem(ref, first.version, never)).kind;
    assert.deepEqual([await ask(), reads()], ['unchanged', 2], 'it was written just now');
    later = 10_000;
    assert.deepEqual([await ask(), await ask(), await ask(), reads()], ['unchanged', 'unchanged', 'unchanged', 3]);
    // The same size and time of change, as who replays a file can set.
    const path = file('account_user.json');
    const before = stampFiles([path]);
    const bytes = await readFile(path);
    const mtime = new Date(before.changedMs);
    await utimes(path, mtime, mtime);
    later = 20_000;
    await ask();
    bytes[10] = 0x20;
    await writeFile(path, bytes);
    await utimes(path, mtime, mtime);
    assert.equal(await ask(), 'found');
  });

  test('with a clock that is wrong is read each time', () => {
    const { changedMs } = { changedMs: Date.now() + 86_400_000 };
    assert.equal(isSettled({ text: '', changedMs }, Date.now()), false);
    assert.equal(isSettled({ text: '', changedMs: 0 }, Date.now()), true);
  });

  test('may hold anything in the place of a file: nothing is followed, nothing waits', { timeout: 10_000 }, async (t) => {
    const { source, file } = await open(t);
    const codeOf = async (): Promise<string> => {
      try {
        return (await source.readItem(ref, undefined, never)).kind;
      } catch (error) {
        return isVaultError(error) ? error.code : assert.fail(String(error));
      }
    };
    const keys = file('account_user_keys.json');
    const elsewhere = file('elsewhere');
    await writeFile(elsewhere, await readFile(keys));
    const things: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['input-unreadable', () => symlink(elsewhere, keys)],
      ['input-unreadable', () => mkdir(keys)],
      ['input-unreadable', () => Promise.resolve(spawnSync('mkfifo', [keys]))],
      ['input-too-large', async () => { await writeFile(keys, ''); await truncate(keys, 10 * 2 ** 30); }],
      ['absent', () => Promise.resolve()],
    ];
    for (const [code, put] of things) {
      await rm(keys, { recursive: true, force: true });
      await put();
      assert.equal(await codeOf(), code);
    }
  });

  test('that is gone is told from one without a roster', async (t) => {
    const { source, store } = await open(t);
    assert.equal(await source.readRoster(2, never), undefined);
    await rm(join(store.location, 'trust'), { recursive: true });
    assert.equal(await source.readRoster(1, never), undefined);
    await rm(store.location, { recursive: true });
    await assert.rejects(source.readRoster(1, never), (error) => isVaultError(error, 'store-unreachable'));
  });

  test('names the items that changed', { timeout: 10_000 }, async (t) => {
    const { source, store } = await open(t);
    const other = { vault: 'vault', item: 'other' };
    const late = { vault: 'late', item: 'a.b' };
    const named: string[] = [];
    let wake = (): void => undefined;
    const stop = source.follow([ref, other, late], (refs = []) => {
      named.push(refs.map(({ vault, item }) => `${vault}/${item}`).join() || 'roster');
      wake();
    });
    const alive = setInterval(() => undefined, 1000);
    t.after(() => {
      clearInterval(alive);
      stop();
    });
    const next = async (what: string): Promise<void> => {
      while (!named.includes(what)) await new Promise<void>((resolve) => { wake = resolve; });
      named.length = 0;
    };
    await store.writeItem(other, example({ ...other }), 0);
    await next('vault/other');
    await store.writeRoster(2, new Uint8Array());
    await next('roster');
    await store.writeItem(late, example({ ...late }), 0);
    await next('late/a.b');
    await store.writeItem({ vault: 'vault', item: 'unwanted' }, example({ item: 'unwanted' }), 0);
    await store.writeItem(ref, example({ generation: 2 }), 1);
    await next('vault/account_user');
  });
});
