import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import * as z from 'zod';
import { isVaultError, type ErrorCode } from '../errors.ts';
import { digestOf, utf8 } from '../sealing/encoding.ts';
import { readSeenGeneration, rememberGeneration } from './generations.ts';
import { openKeyJournal } from './keyJournal.ts';
import { readPin, rememberPin, writePin } from './pins.ts';
import { openStateDirectory, type StateDirectory } from './stateDirectory.ts';

async function state(t: TestContext): Promise<StateDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'vault-state-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return openStateDirectory(join(path, 'state'));
}

const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const digest = (text: string): string => digestOf(utf8(text));
const ref = { vault: 'vault', item: 'account_user' };
const repository = digest('repository');

describe('the state directory', () => {
  test('keeps documents that its user alone can read', async (t) => {
    const directory = await state(t);
    const schema = z.strictObject({ a: z.number() });
    assert.equal(await directory.read(schema, 'x', 'y'), undefined);
    await directory.write({ a: 1 }, 'x', 'y');
    assert.deepEqual(await directory.read(schema, 'x', 'y'), { a: 1 });
    assert.equal((await stat(join(directory.path, 'x', 'y.json'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(directory.path, 'x'))).mode & 0o777, 0o700);
    assert.equal((await stat(directory.path)).mode & 0o777, 0o700);
    await directory.remove('x', 'y');
    await directory.remove('x', 'y');
    assert.deepEqual(await readdir(join(directory.path, 'x')), []);
  });

  test('refuses what it did not write', async (t) => {
    const directory = await state(t);
    const schema = z.strictObject({ a: z.number() });
    await directory.write({ a: 1 }, 'y');
    for (const [text, code] of [['', 'document-invalid'], ['{"a":1}', 'document-not-canonical'], ['{\n  "b": 1\n}\n', 'document-invalid']] as const) {
      await writeFile(join(directory.path, 'y.json'), text);
      await assert.rejects(directory.read(schema, 'y'), failsWith(code));
    }
  });

  test('says that it cannot be written', async (t) => {
    const directory = await state(t);
    await writeFile(directory.path, 'a file, where the directory should be');
    await assert.rejects(directory.write({}, 'x', 'y'), failsWith('state-unwritable'));
    await assert.rejects(directory.locked(() => Promise.resolve(), ['x', 'y']), failsWith('state-unwritable'));
    await assert.rejects(rememberGeneration(directory, repository, ref, 1), failsWith('state-unwritable'));
  });

  test('passes on what the work under a lock throws', async (t) => {
    const directory = await state(t);
    const error = new Error('mine');
    await assert.rejects(directory.locked(() => Promise.reject(error), ['x']), (thrown) => thrown === error);
  });
});

describe('generations', () => {
  test('only grow, whoever writes', async (t) => {
    const directory = await state(t);
    assert.equal(await readSeenGeneration(directory, repository, ref), 0);
    const order = Array.from({ length: 25 }, (_, i) => ((i * 7) % 25) + 1);
    const other = openStateDirectory(directory.path);
    await Promise.all(order.map((generation, i) => rememberGeneration(i % 2 === 0 ? directory : other, repository, ref, generation)));
    assert.equal(await readSeenGeneration(directory, repository, ref), 25);
    await rememberGeneration(directory, repository, ref, 3);
    assert.equal(await readSeenGeneration(directory, repository, ref), 25);
  });

  test('are kept by repository, vault and item', async (t) => {
    const directory = await state(t);
    await rememberGeneration(directory, repository, ref, 5);
    assert.equal(await readSeenGeneration(directory, digest('other'), ref), 0);
    assert.equal(await readSeenGeneration(directory, repository, { ...ref, item: 'other' }), 0);
    assert.equal(await readSeenGeneration(directory, repository, { ...ref, vault: 'other' }), 0);
    assert.equal(await readSeenGeneration(openStateDirectory(directory.path), repository, ref), 5);
  });

  test('of items with confusing names are apart', async (t) => {
    const directory = await state(t);
    const items = ['a', 'a.json', 'a.lock', 'a.json.new', 'a.lock.json'];
    for (const [i, item] of items.entries()) await rememberGeneration(directory, repository, { ...ref, item }, i + 1);
    for (const [i, item] of items.entries()) assert.equal(await readSeenGeneration(directory, repository, { ...ref, item }), i + 1);
  });
});

describe('pins', () => {
  const pin = (version: number): { version: number; digest: string; repository: string } => ({ version, digest: digest(String(version)), repository });

  test('are kept by location', async (t) => {
    const directory = await state(t);
    await rememberPin(directory, '/a', pin(1));
    await rememberPin(directory, '/b', pin(2));
    assert.deepEqual(await readPin(directory, '/a'), pin(1));
    assert.deepEqual(await readPin(directory, '/b'), pin(2));
    assert.equal(await readPin(directory, '/c'), undefined);
  });

  test('only move to newer versions, whoever writes; an older or equal one changes nothing', async (t) => {
    const directory = await state(t);
    const other = openStateDirectory(directory.path);
    await Promise.all([5, 2, 8, 3, 8, 1, 7].map((version, i) => rememberPin(i % 2 === 0 ? directory : other, '/a', pin(version))));
    assert.deepEqual(await readPin(directory, '/a'), pin(8));
    await rememberPin(directory, '/a', { ...pin(8), digest: digest('another version 8') });
    assert.deepEqual(await readPin(directory, '/a'), pin(8));
  });

  test('are replaced for a repository that was made anew', async (t) => {
    const directory = await state(t);
    await rememberPin(directory, '/a', pin(8));
    await writePin(directory, '/a', { ...pin(1), repository: digest('new') });
    assert.deepEqual(await readPin(directory, '/a'), { ...pin(1), repository: digest('new') });
  });
});

test('the journal of a key is one file, without secrets, that is gone when the key is made', async (t) => {
  const directory = await state(t);
  const journal = openKeyJournal(directory, { repository, accountId: '123456789012', user: 'user' });
  assert.equal(await journal.read(), undefined);
  await journal.write({ phase: 'created', keyId: 'AKIA2' });
  assert.deepEqual(await journal.read(), { phase: 'created', keyId: 'AKIA2' });
  assert.doesNotMatch(await readFile(join(directory.path, 'journal', repository, '123456789012', 'user.json'), 'utf8'), /secret/i);
  await journal.clear();
  assert.equal(await journal.read(), undefined);
});
