// vault edit: real editors (little programs), a real terminal where something is asked.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertSameTree, ONE, openWorld, QUERY, type World } from '../scripts/cliWorld.ts';
import { runOnTerminal } from '../scripts/terminal.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const TMPFS = 0x01021994;
const SECRET = 'PLANTED-7f3c9e51ab';
const NEW = 'PLANTED-new-44aa01';

describe('vault edit', () => {
  let world: World;
  /** In memory; nothing may be left in it. */
  let runtime: string;
  before(async () => {
    world = await openWorld({ accounts: [ONE] });
    for (const secret of [SECRET, NEW]) world.secrets.add(secret);
    runtime = await mkdtemp('/dev/shm/vault-test-');
    await world.write('files/key.pem', `-----BEGIN-----\n${SECRET}`, 0o640);
    await world.write('files/key.bin', Uint8Array.of(0, 255, 1));
  });
  after(async () => {
    await rm(runtime, { recursive: true, force: true });
    await world.close();
  });
  afterEach(async () => {
    for (const left of await readdir(runtime)) await rm(join(runtime, left), { recursive: true, force: true });
  });
  let item = '';
  let count = 0;
  beforeEach(async () => {
    item = `item${String(++count)}`;
    await world.result('create item', ['create', 'item', 'vault', item, '--search', QUERY, '--from', '-', '--file', world.at('files', 'key.pem'), '--file', world.at('files', 'key.bin')],
      { input: JSON.stringify({ user: 'app', password: SECRET }) });
  });

  /** An editor that runs `script` with the path as `path`, and the text as `text`. @returns what EDITOR is set to */
  async function editor(script: string): Promise<string> {
    const file = await world.write(`editors/${String(Math.random()).slice(2)} x.mjs`, `import fs from 'node:fs';\nimport { dirname } from 'node:path';\nimport { execFileSync } from 'node:child_process';\nconst path = process.argv.at(-1);\nconst text = fs.readFileSync(path, 'utf8');\n${script}\n`);
    return `"${process.execPath}" '${file}' --wait`;
  }
  const replace = (from: string, to: string): Promise<string> => editor(`fs.writeFileSync(path, text.replace(${JSON.stringify(from)}, ${JSON.stringify(to)}));`);
  const variables = (EDITOR: string): Record<string, string> => ({ EDITOR, XDG_RUNTIME_DIR: runtime });
  const valuesOf = async (): Promise<Record<string, unknown>> => JSON.parse((await succeed(world.run(['decrypt', 'vault', item]))).stdout) as Record<string, unknown>;
  const assertNothingLeft = async (): Promise<void> => { assert.deepEqual(await readdir(runtime), []); };
  const edit = (...args: string[]): string[] => ['edit', 'vault', item, ...args];

  it('changes what was changed, on a file that only its owner can read, in memory', async () => {
    const EDITOR = await editor(`
      const log = { mode: fs.statSync(path).mode & 0o777, directory: fs.statSync(dirname(path)).mode & 0o777, type: fs.statfsSync(path).type };
      fs.writeFileSync(${JSON.stringify(world.at('log.json'))}, JSON.stringify(log));
      fs.writeFileSync(dirname(path) + '/.backup~', text); // As editors do.
      fs.mkdirSync(dirname(path) + '/undo');
      fs.writeFileSync(dirname(path) + '/undo/x', text);
      fs.writeFileSync(path + '.new', text.replace(${JSON.stringify(SECRET)}, ${JSON.stringify(NEW)}));
      fs.renameSync(path + '.new', path);`);
    const { items: [change] } = await world.result('edit', edit(), { variables: variables(EDITOR) }) as { items: [{ action: string; fields: object }] };
    assert.deepEqual(change.fields, { added: [], changed: ['password'], removed: [] });
    assert.equal((await valuesOf())['password'], NEW);
    assert.deepEqual(JSON.parse(await readFile(world.at('log.json'), 'utf8')), { mode: 0o600, directory: 0o700, type: TMPFS });
    await assertNothingLeft();
  });

  it('writes nothing where nothing was changed', async () => {
    const before = await world.tree();
    for (const EDITOR of ['true', await editor('fs.writeFileSync(path, JSON.stringify(JSON.parse(text)));')]) {
      const { items } = await world.result('edit', edit(), { variables: variables(EDITOR) });
      assert.deepEqual(items, [{ vault: 'vault', item, action: 'unchanged' }]);
    }
    const now = await world.tree();
    for (const name of now.keys()) if (name.startsWith('editors')) now.delete(name);
    for (const name of before.keys()) if (name.startsWith('editors')) before.delete(name);
    assertSameTree(before, now);
    await assertNothingLeft();
  });

  it('edits one field as it is: text, and a file whose mode stays', async () => {
    await world.result('edit', edit('password'), { variables: variables(await editor(`fs.writeFileSync(path, ${JSON.stringify(NEW)} + '\\n');`)) });
    await world.result('edit', edit('key.pem'), { variables: variables(await editor('fs.writeFileSync(path, text.replace("BEGIN", "END") + "\\n");')) });
    assert.equal((await valuesOf())['password'], NEW);
    await world.result('download', ['download', 'vault', item, world.at('out.pem'), '--field', 'key.pem', '--force']);
    assert.equal(await readFile(world.at('out.pem'), 'utf8'), `-----END-----\n${SECRET}`);
    assert.equal((await stat(world.at('out.pem'))).mode & 0o777, 0o640);
    await world.refused('field-format', edit('key.bin'), { variables: variables('true') });
    await world.refused('field-not-found', edit('nothing'), { variables: variables('true') });
    await assertNothingLeft();
  });

  it('changes nothing without an editor, and where the editor fails', async () => {
    await world.refused('editor-missing', edit(), { variables: { XDG_RUNTIME_DIR: runtime } });
    await world.refused('editor-missing', edit(), { variables: variables(world.at('no-such-editor')) });
    const failing = await editor(`fs.writeFileSync(path, text.replace(${JSON.stringify(SECRET)}, 'x')); process.exit(3);`);
    await world.refused('interrupted', edit(), { variables: variables(failing) });
    await world.refused('interrupted', edit(), { variables: variables(await editor('fs.unlinkSync(path);')) });
    await world.refused('item-not-found', ['edit', 'vault', 'nothing'], { variables: variables('true') });
    await world.refused('usage', ['edit'], { variables: variables('true') });
    await world.refused('not-an-admin', edit('-i', world.at('keys', 'files01')), { variables: variables('true') });
    await assertNothingLeft();
  });

  it('keeps an edit that cannot be used, and goes on with it', async () => {
    for (const [text, code] of [[`{"password": "${NEW}"`, 'input-not-json'], [`{"a/b": "${NEW}"}`, 'name-invalid'], [`["${NEW}"]`, 'input-invalid'], [`{"a": "${NEW}", "a": 1}`, 'input-duplicate-key']] as const) {
      const { kept } = await world.refused(code, edit(), { variables: variables(await editor(`fs.writeFileSync(path, ${JSON.stringify(text)});`)) });
      assert.equal(await readFile(String(kept), 'utf8'), text);
      assert.equal((await stat(String(kept))).mode & 0o777, 0o600);
      assert.equal((await stat(dirname(String(kept)))).mode & 0o777, 0o700);
      await world.refused('usage', [...edit(), '--resume', String(kept)], { variables: variables('true') });
      if (code === 'input-not-json') {
        const mended = await editor(`fs.writeFileSync(path, text + ', "user": "app"}');`);
        // Not as `refused` does it, which runs it twice.
        const unasked = await world.run(['edit', '--resume', String(kept)], { variables: variables(mended) });
        assert.equal(unasked.exitCode, 2, describeEnd(unasked));
        await world.result('edit', ['edit', '--resume', dirname(String(kept)), '--yes'], { variables: variables('true') });
        assert.deepEqual(await valuesOf(), { user: 'app', password: NEW });
      }
    }
    await world.refused('input-unreadable', ['edit', '--resume', world.at('values')], { variables: variables('true') });
    await mkdir(join(runtime, 'vault-edit-open'));
    await chmod(join(runtime, 'vault-edit-open'), 0o755);
    await world.refused('input-unreadable', ['edit', '--resume', join(runtime, 'vault-edit-open')], { variables: variables('true') });
  });

  it('asks on a terminal whether to edit again', async () => {
    const EDITOR = await editor(`fs.writeFileSync(path, text.includes('no json') ? ${JSON.stringify(JSON.stringify({ user: 'app', password: NEW }))} : 'no json');`);
    const end = await runOnTerminal(['edit', 'vault', item, '--yes'], {
      cwd: world.repository, variables: { ...world.variables, ...variables(EDITOR) }, answers: [{ prompt: 'again? [y/N]', type: 'y\r' }],
    });
    assert.equal(end.exitCode, 0, end.screen);
    assert.ok(!end.screen.includes(NEW));
    assert.deepEqual(await valuesOf(), { user: 'app', password: NEW });
    await assertNothingLeft();
    const declined = await runOnTerminal(['edit', 'vault', item], {
      cwd: world.repository, variables: { ...world.variables, ...variables(await editor(`fs.writeFileSync(path, '{}');`)) }, answers: [{ prompt: 'Do this? [y/N]', type: 'n\r' }],
    });
    assert.equal(declined.exitCode, 1, declined.screen);
    assert.equal((await readdir(runtime)).length, 1);
    assert.match(declined.screen, /--resume/);
  });

  it('keeps what somebody else changed meanwhile in another field', async () => {
    const update = (values: object): string => `execFileSync(process.execPath, [${JSON.stringify(BIN)}, 'update', 'vault', ${JSON.stringify(item)}, '--from', '-'], { input: ${JSON.stringify(JSON.stringify(values))}, cwd: ${JSON.stringify(world.repository)}, stdio: ['pipe', 'ignore', 'ignore'] });`;
    const one = `fs.writeFileSync(path, text.replace(${JSON.stringify(SECRET)}, ${JSON.stringify(NEW)}));`;
    await world.result('edit', edit(), { variables: variables(await editor(`${update({ user: 'other', more: 1 })}${one}`)) });
    const { user, more, password } = await valuesOf();
    assert.deepEqual({ user, more, password }, { user: 'other', more: 1, password: NEW });
    await assertNothingLeft();
  });

  it('stops where both changed one field, keeps the edit, and lets the one who goes on decide', async () => {
    const update = `execFileSync(process.execPath, [${JSON.stringify(BIN)}, 'update', 'vault', ${JSON.stringify(item)}, '--from', '-'], { input: '{"password": "theirs", "user": "other"}', cwd: ${JSON.stringify(world.repository)}, stdio: ['pipe', 'ignore', 'ignore'] });`;
    const EDITOR = await editor(`${update}fs.writeFileSync(path, text.replace(${JSON.stringify(SECRET)}, ${JSON.stringify(NEW)}));`);
    const end = await world.run([...edit(), '--json'], { variables: variables(EDITOR) });
    assert.equal(end.exitCode, 7, describeEnd(end));
    const { error } = JSON.parse(end.stdout) as { error: { code: string; kept: string; fields: string[] } };
    assert.equal(error.code, 'store-conflict');
    assert.deepEqual(error.fields, ['password']);
    assert.equal((await valuesOf())['password'], 'theirs');
    await world.result('edit', ['edit', '--resume', error.kept], { variables: variables('true') });
    const { user, password } = await valuesOf();
    assert.deepEqual({ user, password }, { user: 'other', password: NEW });
    await assertNothingLeft();
  });

  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    it(`leaves nothing behind at ${signal}`, async (t) => {
      const pipe = world.at(`ready-${signal}`);
      await writeFile(pipe, '');
      const EDITOR = await editor(`process.on('SIGINT', () => process.exit(0)); setInterval(() => {}, 1000); fs.writeFileSync(${JSON.stringify(pipe)}, String(process.pid));`);
      const { child, finished } = world.start(edit(), { variables: variables(EDITOR) });
      let pid = '';
      while (pid === '') pid = await readFile(pipe, 'utf8');
      t.after(() => spawnSync('kill', ['-9', pid, String(child.pid)]));
      assert.equal((await readdir(runtime)).length, 1);
      child.kill(signal);
      if (signal === 'SIGINT') process.kill(Number(pid), signal); // As Ctrl-C: both get it, and it is the editor's.
      const end = await finished;
      if (signal === 'SIGINT') assert.equal(end.exitCode, 0, describeEnd(end));
      else assert.equal(end.signal, signal, describeEnd(end));
      await assertNothingLeft();
    });
  }

  it('takes the next place where the first is not in memory', async () => {
    await world.result('edit', edit(), { variables: { EDITOR: await replace(SECRET, NEW), XDG_RUNTIME_DIR: world.at('home') } });
    assert.deepEqual((await readdir(world.at('home'))).filter((name) => name.startsWith('vault-edit')), []);
    assert.equal((await valuesOf())['password'], NEW);
  });

  it('writes no plaintext to a disk unless it is told to', async (t) => {
    const disk = world.at('disk');
    await mkdir(disk, { recursive: true });
    if (statfsSync(disk).type === TMPFS) { t.skip('the disk is in memory'); return; }
    // A machine without /dev/shm, in a mount namespace of its own.
    const onDisk = (...args: string[]): ReturnType<typeof spawnSync> => spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', 'mount --bind "$0" /dev/shm && exec "$@"', disk, process.execPath, BIN, ...args], {
      cwd: world.repository, env: { PATH: process.env['PATH'], ...world.variables, EDITOR: editing, XDG_RUNTIME_DIR: disk, TMPDIR: disk }, encoding: 'utf8',
    });
    const editing = await replace(SECRET, NEW);
    if (spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status !== 0) { t.skip('there are no user namespaces here'); return; }
    const refused = onDisk(...edit(), '--json');
    assert.equal(refused.status, 2, String(refused.stderr));
    assert.equal((JSON.parse(String(refused.stdout)) as { error: { code: string } }).error.code, 'plaintext-on-disk');
    assert.equal((await valuesOf())['password'], SECRET);
    assert.equal(onDisk(...edit(), '--allow-disk').status, 0);
    assert.equal((await valuesOf())['password'], NEW);
    assert.deepEqual(await readdir(disk), []);
  });
});
