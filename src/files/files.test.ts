import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { isVaultError, type ErrorCode } from '../errors.ts';
import { withLock } from './lock.ts';
import { listDirectory, readRegularFile } from './read.ts';
import { createFile, ensureDirectory, removeFile, replaceFile } from './write.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vault-files-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const LIMIT = { maxBytes: 10 };
const notAsRoot = process.getuid?.() === 0 ? 'root may write everywhere' : false;

describe('reading', () => {
  test('gives bytes, mode and owner of a regular file', async (t) => {
    const path = join(await folder(t), 'f');
    await writeFile(path, 'ten bytes!');
    await chmod(path, 0o640);
    const file = await readRegularFile(path, LIMIT);
    assert.deepEqual(file && [Buffer.from(file.bytes).toString(), file.mode, file.uid], ['ten bytes!', 0o640, process.getuid?.()]);
  });

  test('gives undefined where there is nothing', async (t) => {
    const root = await folder(t);
    await writeFile(join(root, 'f'), '');
    assert.equal(await readRegularFile(join(root, 'nothing'), LIMIT), undefined);
    assert.equal(await readRegularFile(join(root, 'nothing', 'below'), LIMIT), undefined);
    assert.equal(await readRegularFile(join(root, 'f', 'below'), LIMIT), undefined);
  });

  test('refuses everything but a regular file of the size', async (t) => {
    const root = await folder(t);
    await writeFile(join(root, 'large'), 'eleven bytes');
    await writeFile(join(root, 'target'), 'target');
    await symlink(join(root, 'target'), join(root, 'link'));
    await symlink(join(root, 'loop'), join(root, 'loop'));
    assert.equal(spawnSync('mkfifo', [join(root, 'pipe')]).status, 0);
    await assert.rejects(readRegularFile(join(root, 'large'), LIMIT), failsWith('input-too-large'));
    for (const name of ['link', 'loop', 'pipe', '.']) await assert.rejects(readRegularFile(join(root, name), LIMIT), failsWith('input-unreadable'), name);
    await assert.rejects(readRegularFile('/dev/zero', LIMIT), failsWith('input-unreadable'));
    await assert.rejects(readRegularFile(join(root, 'a\0b'), LIMIT), failsWith('input-unreadable'));
    assert.equal((await readRegularFile(join(root, 'link'), { ...LIMIT, followLink: true }))?.bytes.length, 6);
    await assert.rejects(readRegularFile(join(root, 'loop'), { ...LIMIT, followLink: true }), failsWith('input-unreadable'));
    await assert.rejects(readRegularFile(join(root, 'pipe'), { ...LIMIT, followLink: true }), failsWith('input-unreadable'));
  });

  test('lists a directory without hidden names, unless they are wanted', async (t) => {
    const root = await folder(t);
    for (const name of ['b', 'a', '.hidden']) await writeFile(join(root, name), '');
    assert.deepEqual(await listDirectory(root), ['a', 'b']);
    assert.deepEqual(await listDirectory(root, true), ['.hidden', 'a', 'b']);
    assert.deepEqual(await listDirectory(join(root, 'nothing')), []);
    assert.deepEqual(await listDirectory(join(root, 'a')), []);
  });
});

describe('writing', () => {
  test('replaces a file with the mode that was asked for, and leaves nothing beside it', async (t) => {
    const root = await folder(t);
    const path = join(root, 'f');
    for (const [content, mode] of [['one', 0o644], ['two', 0o600], ['three', 0o666]] as const) {
      await replaceFile(path, bytes(content), { mode });
      assert.equal(await readFile(path, 'utf8'), content);
      assert.equal((await stat(path)).mode & 0o7777, mode);
      assert.deepEqual(await readdir(root), ['f']);
    }
  });

  test('leaves nothing beside a file that cannot be replaced', async (t) => {
    const root = await folder(t);
    await mkdir(join(root, 'directory', 'full'), { recursive: true });
    await assert.rejects(replaceFile(join(root, 'directory'), bytes('x'), { mode: 0o600 }), failsWith('store-unreachable'));
    await assert.rejects(replaceFile(join(root, 'no', 'such', 'f'), bytes('x'), { mode: 0o600 }), failsWith('store-unreachable'));
    assert.deepEqual(await readdir(root), ['directory']);
  });

  test('replaces a link, not what it points to', async (t) => {
    const root = await folder(t);
    await writeFile(join(root, 'target'), 'untouched');
    await symlink(join(root, 'target'), join(root, 'f'));
    await symlink(join(root, 'target'), join(root, '.f.new'));
    await replaceFile(join(root, 'f'), bytes('new'), { mode: 0o600 });
    assert.ok((await stat(join(root, 'f'))).isFile());
    assert.equal(await readFile(join(root, 'target'), 'utf8'), 'untouched');
  });

  test('never writes into what lies at the place of its neighbour', async (t) => {
    const root = await folder(t);
    const path = join(root, 'f');
    // As a crash between link and unlink leaves it, or somebody who holds it open and waits for a secret.
    await writeFile(path, 'in use');
    await link(path, join(root, '.f.new'));
    await link(path, join(root, 'same'));
    await replaceFile(path, bytes('new'), { mode: 0o600 });
    assert.equal(await readFile(join(root, 'same'), 'utf8'), 'in use');
    assert.equal(spawnSync('mkfifo', [join(root, '.f.new')]).status, 0);
    await replaceFile(path, bytes('newer'), { mode: 0o600 });
    assert.equal(await readFile(path, 'utf8'), 'newer');
    assert.deepEqual((await readdir(root)).sort(), ['f', 'same']);
  });

  test('creates a file once, though many try', async (t) => {
    const root = await folder(t);
    const path = join(root, 'f');
    const contents = Array.from({ length: 16 }, (_, i) => `content ${String(i)} `.repeat(1000));
    const made = await Promise.all(contents.map((content) => createFile(path, bytes(content), { mode: 0o600 })));
    assert.equal(made.filter(Boolean).length, 1);
    assert.equal(await readFile(path, 'utf8'), contents[made.indexOf(true)], 'the winner\'s, and whole');
    assert.deepEqual(await readdir(root), ['f']);
    assert.equal((await stat(path)).mode & 0o7777, 0o600);
    assert.equal((await stat(path)).nlink, 1);
  });

  test('creates nothing where something is', async (t) => {
    const root = await folder(t);
    await mkdir(join(root, 'directory'));
    await symlink(join(root, 'nowhere'), join(root, 'link'));
    await writeFile(join(root, 'f'), 'as it was');
    await link(join(root, 'f'), join(root, '.f.new'));
    for (const name of ['directory', 'link', 'f']) assert.equal(await createFile(join(root, name), bytes('x'), { mode: 0o600 }), false, name);
    assert.equal(await readFile(join(root, 'f'), 'utf8'), 'as it was');
    assert.deepEqual((await readdir(root)).sort(), ['.f.new', 'directory', 'f', 'link']);
    await assert.rejects(createFile(join(root, 'no', 'f'), bytes('x'), { mode: 0o600 }), failsWith('store-unreachable'));
  });

  test('removes what is there, and does not mind if nothing is', async (t) => {
    const root = await folder(t);
    await writeFile(join(root, 'f'), '');
    await removeFile(join(root, 'f'));
    await removeFile(join(root, 'f'));
    await assert.rejects(removeFile(root), failsWith('store-unreachable'));
  });

  test('makes directories with a mode', async (t) => {
    const root = await folder(t);
    await ensureDirectory(join(root, 'a', 'b'), 0o700);
    await ensureDirectory(join(root, 'a', 'b'), 0o700);
    assert.equal((await stat(join(root, 'a', 'b'))).mode & 0o777, 0o700);
    await writeFile(join(root, 'f'), '');
    await assert.rejects(ensureDirectory(join(root, 'f', 'x')), failsWith('store-unreachable'));
  });

  test('says so where it may not write', { skip: notAsRoot }, async (t) => {
    const root = await folder(t);
    await chmod(root, 0o500);
    await assert.rejects(replaceFile(join(root, 'f'), bytes('x'), { mode: 0o600 }), failsWith('store-unreachable'));
  });
});

describe('a lock', () => {
  test('lets one in at a time, in one process', async (t) => {
    const path = join(await folder(t), 'lock');
    let inside = 0;
    let done = 0;
    await Promise.all(Array.from({ length: 30 }, () => withLock(path, async () => {
      assert.equal(++inside, 1);
      await readRegularFile(path, { maxBytes: 0 });
      inside--;
      done++;
    })));
    assert.equal(done, 30);
  });

  test('is free again when the work fails, and the failure is passed on', async (t) => {
    const path = join(await folder(t), 'lock');
    await assert.rejects(withLock(path, () => Promise.reject(new Error('mine'))), { message: 'mine' });
    assert.equal(await withLock(path, () => Promise.resolve(7)), 7);
  });

  test('ends with the process that holds it', async (t) => {
    const path = join(await folder(t), 'lock');
    const source = `import { withLock } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)};
      await withLock(${JSON.stringify(path)}, () => { console.log('held'); return new Promise((resolve) => setTimeout(resolve, 1e6)); });`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    let taken = false;
    const waiting = withLock(path, () => { taken = true; return Promise.resolve(); });
    assert.equal(taken, false);
    child.kill('SIGKILL');
    await waiting;
    assert.equal(taken, true);
  });

  test('is taken on a plain file only', async (t) => {
    const root = await folder(t);
    await symlink(join(root, 'elsewhere'), join(root, 'link'));
    for (const path of [join(root, 'link'), root, join(root, 'no', 'lock')]) {
      await assert.rejects(withLock(path, () => Promise.resolve()), failsWith('store-unreachable'), pathToFileURL(path).href);
    }
    assert.deepEqual(await readdir(root), ['link']);
  });
});
