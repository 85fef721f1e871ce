import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isVaultError } from '../errors.ts';
import { parseIdentity } from '../sealing/identity.ts';
import { generateIdentity } from './generateIdentity.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vault-identity-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('making an identity', () => {
  test('writes a private file, once', async (t) => {
    const path = join(await folder(t), 'config', 'identity');
    const identity = await generateIdentity(path, new Date());
    const text = await readFile(path, 'utf8');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.ok(text.includes(identity.publicKey.line));
    assert.equal((await parseIdentity(text, path)).publicKey.line, identity.publicKey.line);
    await assert.rejects(generateIdentity(path, new Date()), (error) => isVaultError(error, 'identity-exists'));
    assert.equal(await readFile(path, 'utf8'), text);
    assert.deepEqual(await readdir(join(path, '..')), ['identity']);
  });

  test('many at once make one, and only its maker is told so', async (t) => {
    const path = join(await folder(t), 'identity');
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => generateIdentity(path, new Date())));
    const lines = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value.publicKey.line] : []));
    assert.deepEqual(lines, [(await parseIdentity(await readFile(path, 'utf8'), path)).publicKey.line]);
  });
});
