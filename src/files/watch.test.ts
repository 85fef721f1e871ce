import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { watchDirectories } from './watch.ts';

/** Watches root, root/bags and root/bags/vault; `seen` waits until something happened to an entry, or may have happened to any. */
function watching(t: TestContext, root: string): { seen(directory: string, name: string | undefined): Promise<void> } {
  const noticed: string[] = [];
  let wake = (): void => undefined;
  const keyOf = (directory: string, name: string | undefined): string => `${directory} ${name ?? '*'}`;
  const close = watchDirectories({
    paths: [root, join(root, 'bags'), join(root, 'bags', 'vault')], checkMs: 60_000, failed: (code) => { assert.fail(code); },
    changed(directory, name) {
      noticed.push(keyOf(directory, name));
      wake();
    },
  });
  const alive = setInterval(() => undefined, 1000); // A watch alone keeps no process from ending.
  t.after(() => {
    clearInterval(alive);
    close();
  });
  return {
    async seen(directory, name) {
      while (![name, undefined].some((each) => noticed.includes(keyOf(directory, each)))) await new Promise<void>((resolve) => { wake = resolve; });
      noticed.length = 0;
    },
  };
}

test('directories are watched that come, go, come back and are replaced', { timeout: 20_000 }, async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'vault-watch-'));
  t.after(() => rm(base, { recursive: true, force: true }));
  const root = join(base, 'root');
  const vault = join(root, 'bags', 'vault');
  const { seen } = watching(t, root);

  await mkdir(vault, { recursive: true });
  await seen(vault, undefined);
  await writeFile(join(vault, 'a'), '');
  await seen(vault, 'a');
  // Made anew, with what may be the same inode.
  for (let i = 0; i < 3; i++) {
    await rm(vault, { recursive: true });
    await mkdir(vault);
    await seen(vault, undefined);
    await writeFile(join(vault, 'b'), '');
    await seen(vault, 'b');
  }
  // Another tree in its place.
  await mkdir(join(base, 'next', 'bags', 'vault'), { recursive: true });
  await rename(root, join(base, 'old'));
  await rename(join(base, 'next'), root);
  await seen(vault, undefined);
  await writeFile(join(vault, 'c'), '');
  await seen(vault, 'c');
  // A file in its place, then a link to a directory.
  await rm(root, { recursive: true });
  await writeFile(root, '');
  await rm(root);
  await symlink(join(base, 'old'), root);
  await seen(vault, undefined);
  await writeFile(join(vault, 'd'), '');
  await seen(vault, 'd');
});

test('what cannot be watched is told once, and tried again', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'vault-watch-'));
  t.after(() => rm(base, { recursive: true, force: true }));
  const paths = Array.from({ length: 3 }, (_, i) => join(base, String(i)));
  for (const path of paths) await mkdir(path);
  const failures: string[] = [];
  await new Promise<void>((resolve) => {
    let tries = 0;
    const close = watchDirectories({
      paths, changed: () => undefined, failed: (code) => { failures.push(code); }, checkMs: 5,
      watch() {
        if (++tries === 3 * paths.length) {
          setImmediate(() => { close(); });
          clearInterval(alive);
          resolve();
        }
        throw Object.assign(new Error('no more'), { code: 'ENOSPC' });
      },
    });
    const alive = setInterval(() => undefined, 1000);
  });
  assert.deepEqual(failures, ['ENOSPC']);
});
