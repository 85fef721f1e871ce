import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, readSync, rmSync, statfsSync, statSync, symlinkSync, writeFileSync, existsSync, mkdirSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isVaultError, type ErrorCode } from '../errors.ts';
import { openScratch, reopenScratch } from './scratch.ts';

const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const TMPFS = 0x01021994;
const SHM = '/dev/shm';
const hasMemory = existsSync(SHM) && statfsSync(SHM).type === TMPFS ? false : 'no tmpfs here';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'vault-scratch-'));
  t.after(() => { rmSync(path, { recursive: true, force: true }); });
  return path;
}

describe('a directory for plaintext', () => {
  test('is in memory, or refused', { skip: hasMemory }, (t) => {
    const disk = folder(t);
    if (statfsSync(disk).type !== TMPFS) {
      assert.throws(() => openScratch([disk, join(disk, 'nothing')]), failsWith('plaintext-on-disk'));
      assert.throws(() => openScratch([]), failsWith('plaintext-on-disk'));
    }
    const scratch = openScratch([disk, SHM]);
    try {
      assert.equal(statfsSync(scratch.path).type, statfsSync(disk).type === TMPFS ? statfsSync(disk).type : TMPFS);
      assert.equal(statSync(scratch.path).mode & 0o777, 0o700);
    } finally {
      scratch.discard();
    }
    assert.ok(!existsSync(scratch.path));
  });

  test('is on a disk where that is allowed', (t) => {
    const disk = folder(t);
    const scratch = openScratch([], disk);
    assert.ok(scratch.path.startsWith(disk));
    scratch.discard();
  });

  test('is overwritten with zeros and removed, without following links', (t) => {
    const disk = folder(t);
    const scratch = openScratch([], disk);
    writeFileSync(join(disk, 'target'), 'untouched');
    mkdirSync(join(scratch.path, 'below'));
    const path = join(scratch.path, 'below', 'secret');
    writeFileSync(path, 'PLANTED'.repeat(20_000));
    symlinkSync(join(disk, 'target'), join(scratch.path, 'link'));
    const held = openSync(path, 'r');
    scratch.discard();
    const bytes = Buffer.alloc(200_000, 1);
    const length = readSync(held, bytes, 0, bytes.length, 0);
    closeSync(held);
    assert.equal(length, 140_000);
    assert.ok(bytes.subarray(0, length).every((byte) => byte === 0));
    assert.ok(!existsSync(scratch.path));
    assert.equal(readFileSync(join(disk, 'target'), 'utf8'), 'untouched');
    scratch.discard();
  });

  test('stays where it is kept, and is found again', (t) => {
    const disk = folder(t);
    const scratch = openScratch([], disk);
    writeFileSync(join(scratch.path, 'f'), 'x');
    scratch.keep();
    scratch.discard();
    for (const path of [scratch.path, join(scratch.path, 'f')]) assert.equal(reopenScratch(path).path, scratch.path);
    assert.throws(() => reopenScratch(disk), failsWith('input-unreadable'));
    assert.throws(() => reopenScratch(join(disk, 'vault-edit-nothing')), failsWith('input-unreadable'));
    mkdirSync(join(disk, 'vault-edit-open'), { mode: 0o755 });
    assert.throws(() => reopenScratch(join(disk, 'vault-edit-open')), failsWith('input-unreadable'));
    reopenScratch(scratch.path).discard();
    assert.ok(!existsSync(scratch.path));
  });
});
