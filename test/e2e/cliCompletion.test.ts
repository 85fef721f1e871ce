// vault completion: the scripts in real shells, and what they ask.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { ONE, openWorld, type World } from '../scripts/cliWorld.ts';
import { succeed } from '../scripts/vaultScene.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Completes as a shell does when tab is pressed at the end of a line; prints a line for each completion. */
const DRIVERS: Readonly<Record<string, (line: string) => readonly string[]>> = {
  bash: (line) => ['--norc', '-c', `source <(vault completion bash)
    COMP_LINE="$1"; COMP_POINT=\${#1}; COMP_WORDS=(); COMP_CWORD=0
    $(complete -p vault | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
    for each in "\${COMPREPLY[@]}"; do printf '%s\\n' "$each"; done`, 'bash', line],
  zsh: (line) => ['-f', '-c', `compdef() { : }; source <(vault completion zsh)
    _describe() { for each in "\${(@P)2}"; do print -r -- "\${\${each%%:*}}"; done }
    _files() { print -r -- ":files $*" }
    words=("\${(@s: :)1}"); CURRENT=\${#words}; _vault`, 'zsh', line],
  fish: (line) => ['--no-config', '-c', `vault completion fish | source; complete -C"${line}"`],
};

describe('vault completion', () => {
  let world: World;
  let variables: Record<string, string>;
  before(async () => {
    world = await openWorld();
    await world.addNode('db01');
    await world.iamFile('one');
    await succeed(world.run(['create', 'iam', 'iam-json-data/one.json']));
    await world.write('bin/vault', `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, 0o755);
    variables = { ...world.variables, PATH: `${world.at('bin')}:${process.env['PATH'] ?? ''}`, TERM: 'dumb' };
  });
  after(() => world.close());

  const ask = (...words: string[]): string[] =>
    execFileSync(process.execPath, [BIN, '__complete', '--', ...words], { cwd: world.repository, env: variables, encoding: 'utf8' })
      .split('\n').filter((line) => line !== '').map((line) => line.split('\t')[0] ?? '');

  it('completes commands and their second words', () => {
    assert.ok(['init', 'verify', 'create', 'node'].every((word) => ask('').includes(word)));
    assert.deepEqual(ask('veri'), ['verify']);
    assert.ok(ask('node', '').includes('show'));
    assert.deepEqual(ask('node', 'sh'), ['show']);
    assert.deepEqual(ask('nothing', ''), []);
  });

  it('completes flags that were not given, and their values', () => {
    assert.ok(ask('verify', '--').includes('--staged'));
    assert.ok(!ask('verify', '--staged', '--').includes('--staged'));
    assert.ok(ask('verify', '--allow', 'x', '--').includes('--allow'));
    assert.ok(ask('decrypt', '--format', '').includes('yaml'));
    assert.deepEqual(ask('decrypt', '--format=ya'), ['--format=yaml']);
    assert.deepEqual(ask('verify', '--', '--'), []);
    assert.deepEqual(ask('search', 'x', '--why', 'f'), ['files01']);
    assert.deepEqual(ask('create', 'iam', '--accept-key', 'a'), ['alice']);
  });

  it('completes names of the repository, by their place', () => {
    const item = `${ONE}_one`;
    assert.deepEqual(ask('list', ''), ['vault']);
    assert.deepEqual(ask('decrypt', ''), ['vault']);
    assert.deepEqual(ask('decrypt', 'vault', ''), [item]);
    assert.deepEqual(ask('decrypt', '--format', 'json', 'vault', item, ''), ['data', 'search_query']);
    assert.deepEqual(ask('decrypt', 'vault', item, 'data', ''), []);
    assert.deepEqual(ask('decrypt', 'elsewhere', ''), []);
    assert.deepEqual(ask('node', 'show', ''), ['db01', 'files01']);
    assert.deepEqual(ask('node', 'show', '-r', '/nowhere', ''), []);
    assert.deepEqual(ask('create', 'iam', 'a.json', ''), [':files']);
    assert.deepEqual(ask('list', '--repository', ''), [':directories']);
  });

  it('gives nothing that is no name, and no error', async () => {
    await world.write('repository/nodes/$(touch pwned).json', '{}');
    await world.write('repository/nodes/a b.json', '{}');
    assert.deepEqual(ask('node', 'show', ''), ['db01', 'files01']);
    await world.write('repository/data_bags/vault/broken.json', '{"fields": ');
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, '__complete', '--', 'decrypt', 'vault', 'broken', ''], { cwd: world.repository, env: variables, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
    const elsewhere = spawnSync(process.execPath, [BIN, '__complete', '--', 'decrypt', ''], { cwd: world.directory, env: variables, encoding: 'utf8' });
    assert.deepEqual([elsewhere.status, elsewhere.stdout, elsewhere.stderr], [0, '', '']);
  });

  for (const [shell, driver] of Object.entries(DRIVERS)) {
    const missing = spawnSync(shell, ['--version']).status !== 0;
    it(`works in ${shell}`, { skip: missing && process.env['CI'] === undefined ? `${shell} is not installed` : false }, () => {
      const press = (line: string): string[] => {
        const { stdout, stderr, status } = spawnSync(shell, driver(line), { cwd: world.repository, env: variables, encoding: 'utf8' });
        assert.equal(status, 0, stderr);
        assert.equal(stderr, '');
        return stdout.split('\n').map((each) => each.split('\t')[0] ?? '').filter((each) => each !== '');
      };
      assert.deepEqual(press('vault veri'), ['verify']);
      assert.deepEqual(press('vault node show '), ['db01', 'files01']);
      assert.deepEqual(press('vault decrypt vault '), [`${ONE}_one`]);
      assert.deepEqual(press(`vault decrypt vault ${ONE}_one d`), ['data']);
      assert.ok(press('vault decrypt --').includes('--format'));
      assert.deepEqual(press('vault decrypt --format=ya'), shell === 'bash' ? ['yaml'] : ['--format=yaml']);
      assert.deepEqual(press('vault nothing '), []);
      if (shell === 'fish') assert.ok(press('vault create iam iam-json-data/').includes('iam-json-data/one.json'));
      if (shell === 'zsh') assert.deepEqual(press('vault list -r '), [':files -/']);
      if (shell === 'bash') assert.ok(press('vault list -r iam').includes('iam-json-data'));
    });
  }

  it('prints its script as JSON too, for the shells that there are', async () => {
    assert.equal((await world.result('completion', ['completion', 'fish']))['shell'], 'fish');
    await world.refused('usage', ['completion', 'tcsh']);
  });
});
