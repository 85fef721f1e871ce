import assert from 'node:assert/strict';
import { chmod, chown, lchown, lstat, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isVaultError } from '../errors.ts';
import { accountNumber } from './accounts.ts';
import { holdsFileSet, removeFileSet, replaceFileSet } from './fileSet.ts';
import { trustedDirectory } from './trusted.ts';
import { holdsFile, replaceFile } from './write.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'vault-set-')));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const refused = (error: unknown): boolean => isVaultError(error, 'store-unreachable');
const file = (name: string, text: string, mode = 0o400): { name: string; bytes: Uint8Array; mode: number } => ({ name, bytes: new TextEncoder().encode(text), mode });
const ACCESS = { mode: 0o755 };
const asRoot = process.getuid?.() === 0 ? false : 'only root may give files away';

test('a set is replaced through one link, and leaves nothing of the set before', async (t) => {
  const directory = await folder(t);
  await writeFile(join(directory, 'foreign'), 'of somebody else');
  const first = [file('a', '1'), file('b', '1', 0o440)];
  assert.equal(await holdsFileSet(directory, first, ACCESS), false);
  await replaceFileSet(directory, first, ACCESS);
  assert.equal(await holdsFileSet(directory, first, ACCESS), true);
  assert.deepEqual([await readFile(join(directory, 'a'), 'utf8'), (await stat(join(directory, 'b'))).mode & 0o777], ['1', 0o440]);
  assert.equal(await readlink(join(directory, 'a')), '..data/a');
  const version = await readlink(join(directory, '..data'));

  await replaceFileSet(directory, [file('a', '2'), file('c', '2')], ACCESS);
  assert.equal(await readFile(join(directory, 'c'), 'utf8'), '2');
  const names = await readdir(directory);
  assert.deepEqual(names.filter((name) => !/^\.\.[0-9a-f]{8}-/.test(name)).sort(), ['..data', 'a', 'c', 'foreign']);
  assert.ok(names.length === 5 && !names.includes(version));

  await removeFileSet(directory);
  assert.deepEqual(await readdir(directory), ['foreign']);
  await unlink(join(directory, 'foreign'));
  await removeFileSet(directory);
  await assert.rejects(lstat(directory));
});

test('what a crash left is noticed and removed, and what is no set of ours is replaced', async (t) => {
  const directory = await folder(t);
  const files = [file('a', '1')];
  await replaceFileSet(directory, files, ACCESS);
  const left = '..00000000-0000-0000-0000-000000000000';
  await mkdir(join(directory, left));
  await writeFile(join(directory, left, 'a'), 'half');
  assert.equal(await holdsFileSet(directory, files, ACCESS), false);
  await replaceFileSet(directory, files, ACCESS);
  await symlink(left, join(directory, '...data.new'));
  assert.equal(await holdsFileSet(directory, files, ACCESS), false);
  await replaceFileSet(directory, files, ACCESS);
  assert.deepEqual((await readdir(directory)).length, 3);

  await unlink(join(directory, 'a'));
  await writeFile(join(directory, 'a'), '1');
  assert.equal(await holdsFileSet(directory, files, ACCESS), false);
  await replaceFileSet(directory, files, { mode: 0o700 });
  assert.equal(await holdsFileSet(directory, files, { mode: 0o700 }), true);
});

test('a set that cannot be written whole stays as it was', async (t) => {
  const directory = await folder(t);
  const files = [file('a', '1'), file('b', '1')];
  await replaceFileSet(directory, files, ACCESS);
  const before = await readdir(directory);
  await assert.rejects(replaceFileSet(directory, [file('a', '2'), file(`b/${'x'.repeat(20)}`, '2')], ACCESS), refused);
  assert.deepEqual(await readdir(directory), before);
  assert.equal(await holdsFileSet(directory, files, ACCESS), true);
});

test('a file in place is one with the bytes, permissions and owner, and no link', async (t) => {
  const path = join(await folder(t), 'f');
  const { bytes } = file('f', 'text');
  await replaceFile(path, bytes, { mode: 0o400 });
  assert.equal(await holdsFile(path, bytes, { mode: 0o400 }), true);
  assert.equal(await holdsFile(path, bytes.subarray(1), { mode: 0o400 }), false);
  assert.equal(await holdsFile(path, bytes, { mode: 0o440 }), false);
  await symlink(path, `${path}.link`);
  assert.equal(await holdsFile(`${path}.link`, bytes, { mode: 0o400 }), false);
  await replaceFile(`${path}.link`, bytes, { mode: 0o440 });
  assert.deepEqual([(await lstat(`${path}.link`)).isFile(), (await stat(path)).mode & 0o777], [true, 0o400]);
});

test('a file belongs to whom it is for', { skip: asRoot }, async (t) => {
  const path = join(await folder(t), 'f');
  const [uid, gid] = [await accountNumber('user', 'daemon'), await accountNumber('group', '7')];
  const { bytes } = file('f', 'text');
  await replaceFile(path, bytes, { mode: 0o440, uid, gid });
  const found = await stat(path);
  assert.deepEqual([found.uid, found.gid, found.mode & 0o777], [uid, 7, 0o440]);
  assert.deepEqual([await holdsFile(path, bytes, { mode: 0o440, uid, gid }), await holdsFile(path, bytes, { mode: 0o440 })], [true, false]);
});

test('accounts are found by name and by number', async () => {
  assert.equal(await accountNumber('user', userInfo().username), userInfo().uid);
  assert.equal(await accountNumber('group', '4711'), 4711);
  await assert.rejects(accountNumber('user', 'no-such-user'), refused);
});

test('a directory is trusted where nobody else can put another in its place', async (t) => {
  const root = await folder(t);
  assert.equal(await trustedDirectory(join(root, 'a', 'b')), join(root, 'a', 'b'));
  assert.equal((await stat(join(root, 'a'))).mode & 0o777, 0o755);
  await symlink('a', join(root, 'link'));
  assert.equal(await trustedDirectory(join(root, 'link', 'b')), join(root, 'a', 'b'));
  await symlink('loop', join(root, 'loop'));
  await writeFile(join(root, 'file'), '');
  for (const path of ['loop', 'file', 'file/below']) await assert.rejects(trustedDirectory(join(root, path)), refused, path);

  await chmod(join(root, 'a'), 0o777);
  await assert.rejects(trustedDirectory(join(root, 'a', 'b')), refused);
  await assert.rejects(trustedDirectory(join(root, 'link', 'b')), refused);
  await chmod(join(root, 'a'), 0o1777);
  assert.equal(await trustedDirectory(join(root, 'a', 'b')), join(root, 'a', 'b'));
});

test('a directory or a link of another user is not trusted', { skip: asRoot }, async (t) => {
  const root = await folder(t);
  await mkdir(join(root, 'theirs'));
  await chown(join(root, 'theirs'), 1, 1);
  await assert.rejects(trustedDirectory(join(root, 'theirs')), refused);
  await mkdir(join(root, 'shared'));
  await chmod(join(root, 'shared'), 0o1777);
  await symlink('/', join(root, 'shared', 'link'));
  await lchown(join(root, 'shared', 'link'), 1, 1);
  await assert.rejects(trustedDirectory(join(root, 'shared', 'link', 'new')), refused);
});
