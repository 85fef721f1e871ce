import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isVaultError, type ErrorCode } from '../errors.ts';
import { layoutJson } from '../json/canonical.ts';
import { CONFIG_FILE, DEFAULT_CONFIG, openRepository } from './repository.ts';
import type { Environment } from './environment.ts';

const GOOD = layoutJson(DEFAULT_CONFIG);
const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);

async function folder(t: TestContext): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'vault-repository-')));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const from = (cwd: string, variables: Environment['variables'] = {}): Environment => ({ cwd, home: cwd, variables });

describe('the repository', () => {
  test('is the nearest upward, unless one is named', async (t) => {
    const root = await folder(t);
    const deep = join(root, 'a', 'b', 'c');
    await mkdir(deep, { recursive: true });
    await assert.rejects(openRepository(from(deep)), failsWith('repository-missing'));
    await writeFile(join(root, CONFIG_FILE), GOOD);
    assert.equal((await openRepository(from(deep))).root, root);
    await writeFile(join(root, 'a', CONFIG_FILE), GOOD);
    assert.equal((await openRepository(from(deep))).root, join(root, 'a'));
    assert.equal((await openRepository(from(deep), '../../..')).root, root);
    assert.equal((await openRepository(from(deep, { VAULT_REPOSITORY: root }))).root, root);
    assert.equal((await openRepository(from(deep, { VAULT_REPOSITORY: root }), join(root, 'a'))).root, join(root, 'a'));
    await assert.rejects(openRepository(from(root), deep), failsWith('repository-missing'), 'a named one is not looked for upward');
    await assert.rejects(openRepository(from(root), 'nothing'), failsWith('repository-missing'));
  });

  test('that was met by chance must be the user\'s own, or root\'s', async (t) => {
    const root = await folder(t);
    await writeFile(join(root, CONFIG_FILE), GOOD);
    if (process.geteuid?.() === 0) await chown(join(root, CONFIG_FILE), 65_534, 65_534);
    const { uid } = await stat(join(root, CONFIG_FILE));
    assert.equal((await openRepository({ ...from(root), uid })).root, root);
    await assert.rejects(openRepository({ ...from(root), uid: uid - 1 }), failsWith('repository-foreign'));
    assert.equal((await openRepository({ ...from(root), uid: uid - 1 }, root)).root, root);
  });

  test('has one location, however it is reached', async (t) => {
    const root = await folder(t);
    await writeFile(join(root, CONFIG_FILE), GOOD);
    await mkdir(join(root, 'sub'));
    await symlink(root, join(root, 'sub', 'link'));
    assert.equal((await openRepository(from(root), 'sub/link')).store.location, root);
    assert.equal((await openRepository(from(join(root, 'sub', 'link')))).store.location, root);
  });

  test('has a configuration that is checked', async (t) => {
    const root = await folder(t);
    const cases: [string, ErrorCode][] = [
      ['', 'input-not-json'], ['{', 'input-not-json'], ['\ufeff{}', 'input-not-json'], ['{}', 'input-invalid'], ['[]', 'input-invalid'],
      [GOOD.replace('iam-vault/1', 'iam-vault/2'), 'input-invalid'], [GOOD.replace('"file"', '"tape"'), 'input-invalid'],
      [GOOD.replace('"store"', '"stroe"'), 'input-invalid'], [GOOD.replace('{', '{"format":"iam-vault/1",'), 'input-duplicate-key'],
      [GOOD.replace('{', '{"__proto__":{},'), 'input-invalid'], ['['.repeat(1000), 'input-too-deep'], [' '.repeat(70_000), 'input-too-large'],
    ];
    for (const [text, code] of cases) {
      await writeFile(join(root, CONFIG_FILE), text);
      await assert.rejects(openRepository(from(root)), failsWith(code), text.slice(0, 60));
    }
    await writeFile(join(root, CONFIG_FILE), GOOD.replaceAll('\n', '\r\n'));
    assert.equal((await openRepository(from(root))).root, root, 'people edit it: any line ends');
    await rm(join(root, CONFIG_FILE));
    await mkdir(join(root, CONFIG_FILE));
    await assert.rejects(openRepository(from(root)), failsWith('input-unreadable'));
  });
});
