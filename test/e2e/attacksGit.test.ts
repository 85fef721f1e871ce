import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { layoutJson } from '../../src/json/canonical.ts';
import { FILES, openGitScene, type GitScene } from '../scripts/gitScene.ts';

/** What somebody tries who can push, on a machine where the program runs git. */
describe('attacks by way of git', () => {
  let scene: GitScene;
  const at = (...names: string[]): string => scene.world.at('repository', ...names);
  const KEY = 'aws_access_key_id = AKIAQRSTUVWXYZ234567\n';
  before(async () => { scene = await openGitScene(); });
  afterEach(() => scene.reset());
  after(() => scene.close());

  test('a directory that looks like a bare repository runs no program of its configuration', async () => {
    const ran = scene.world.at('ran');
    for (const part of ['vault.json', 'trust', 'data_bags']) await cp(at(part), at('below', part), { recursive: true });
    await scene.done('init', '-q', '--bare', 'bare');
    for (const part of ['HEAD', 'objects', 'refs']) await cp(at('bare', part), at('below', part), { recursive: true });
    await writeFile(at('below', 'config'), `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = "echo ran >> '${ran}'; false"\n`);
    await rm(at('bare'), { recursive: true });
    for (const args of [['verify'], ['verify', '--staged'], ['diff']]) await scene.world.run([...args, '--repository', at('below')]);
    await scene.done('config', 'core.fsmonitor', `echo ran >> '${ran}'; false`);
    await scene.world.run(['verify']);
    await scene.done('config', '--unset', 'core.fsmonitor');
    await assert.rejects(readFile(ran), { code: 'ENOENT' });
  });

  test('a hook looks at what is committed, not at what lies in the work tree', async () => {
    await scene.world.result('git install', ['git', 'install']);
    await scene.world.write('repository/notes.txt', KEY);
    await scene.done('add', 'notes.txt');
    await scene.world.write('repository/notes.txt', 'clean\n');
    const { code, output } = await scene.git('commit', '-qm', 'notes');
    assert.notEqual(code, 0);
    assert.match(output, /notes\.txt:1/);
  });

  test('plaintext is found under the name of an item\'s file, though a sound pending file lies beside it', async () => {
    const [item, keys] = await Promise.all(FILES.map((path) => readFile(at(path), 'utf8')));
    await writeFile(at('data_bags/vault/.login.pending'), layoutJson({ item: item ?? '', keys: keys ?? '' }));
    await writeFile(at(FILES[0] ?? ''), `{"note": "${KEY.trim()}"}\n`);
    const { exitCode, stderr } = await scene.world.run(['verify']);
    assert.equal(exitCode, 5);
    assert.match(stderr, /login\.json:1/);
  });

  test('a file whose name is no text is not taken for looked into', { skip: process.platform !== 'linux' && 'file systems elsewhere do not keep such names' }, async () => {
    const path = Buffer.concat([Buffer.from(at('notes')), Buffer.from([0xff])]);
    await writeFile(path, KEY);
    try {
      const { stderr } = await scene.world.run(['verify']);
      assert.match(stderr, /names that are no text: notes/);
    } finally {
      await rm(path);
    }
  });
});
