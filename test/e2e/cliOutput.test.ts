// What the command line prints, and where: help, usage errors, colour, quiet, pipes; and the sandbox command.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ONE, openWorld, QUERY, shaped, type World } from '../scripts/cliWorld.ts';
import { succeed } from '../scripts/vaultScene.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const ESCAPE = '\u001b';

describe('help and usage', () => {
  let world: World;
  let commands: string[];
  let hidden: string[];
  before(async () => {
    world = await openWorld();
    const manifest = JSON.parse(await readFile(new URL('../../oclif.manifest.json', import.meta.url), 'utf8')) as { commands: Record<string, { hidden?: boolean }> };
    commands = Object.keys(manifest.commands).map((id) => id.replaceAll(':', ' '));
    hidden = commands.filter((command) => manifest.commands[command.replaceAll(' ', ':')]?.hidden === true);
  });
  after(() => world.close());

  it('groups every command by what a person wants to do, in 80 columns', async () => {
    const { stdout } = await succeed(world.run(['--help']));
    for (const command of commands) assert.equal(stdout.includes(`\n  ${command} `), !hidden.includes(command), command);
    assert.deepEqual(hidden, ['git textconv', 'merge-driver'], 'what only git calls');
    assert.doesNotMatch(stdout, /^OTHER$/m);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    for (const args of [['-h'], ['help'], []]) assert.equal((await succeed(world.run(args))).stdout, stdout);
  });

  it('has an example, and a line that fits, for every command', async () => {
    await Promise.all(commands.map(async (command) => {
      const { stdout } = await succeed(world.run([...command.split(' '), '--help']));
      assert.match(stdout, /^EXAMPLES$/m, command);
      assert.match(stdout, /--json/, command);
      for (const line of stdout.split('\n')) assert.ok(line.length <= 80 || line.includes('$ vault') || !line.startsWith(' '), `${command}: ${line}`);
    }));
    assert.equal((await succeed(world.run(['help', 'create', 'iam']))).stdout, (await succeed(world.run(['create', 'iam', '--help']))).stdout);
  });

  const slips: readonly (readonly [readonly string[], string])[] = [
    [['creat', 'iam', 'x.json'], 'create iam'], [['create', 'iamm'], 'create iam'], [['node', 'lst'], 'node list'], [['nodes', 'list'], 'node list'],
    [['plan', './f.json'], 'plan iam'], [['check', 'f.json'], 'check iam'], [['node', 'rm', 'x'], 'node remove'], [['node', 'ls'], 'node list'],
    [['lst'], 'list'], [['decript', 'vault', 'item'], 'decrypt'], [['serach', QUERY], 'search'],
  ];
  for (const [args, command] of slips) {
    it(`understands "vault ${args.join(' ')}" as ${command}`, async () => {
      assert.equal((await world.refused('usage', args))['suggestion'], command);
    });
  }

  it('reports a bad flag, an argument too many and a missing file of every command', async () => {
    for (const command of commands) {
      const words = command.split(' ');
      await world.refused('usage', [...words, '--no-such-flag']);
      const tooMany = await world.run([...words, ...(/ iam$/.test(command) ? [] : ['a', 'b', 'c', 'd']), '--no-such-flag', '--json']);
      assert.equal(tooMany.exitCode, 2, command);
      shaped('error', tooMany.stdout);
    }
    for (const verb of ['check', 'plan', 'create']) await world.refused('input-unreadable', [verb, 'iam', 'nowhere.json']);
    for (const args of [['key', 'show'], ['admin', 'list'], ['node', 'list'], ['sandbox']]) await world.refused('usage', [...args, 'too-much']);
  });

  it('names only commands that exist in its hints', async () => {
    const source = new URL('../../src/', import.meta.url);
    const files = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
    let found = 0;
    for (const file of files) {
      for (const [text, first = '', second] of (await readFile(new URL(file, source), 'utf8')).matchAll(/(?:"|\(|[a-z]: )vault ([a-z][a-z-]*)(?: ([a-z]+))?/g)) {
        if (/^[a-z]: vault (?:name|item)/.test(text)) continue;
        found++;
        assert.ok(commands.includes(`${first} ${second ?? ''}`) || commands.includes(first), `${file}: ${text}`);
      }
    }
    assert.ok(found > 20, String(found));
  });

  it('names the nearest flag, and what is missing', async () => {
    assert.equal((await world.refused('usage', ['list', '--repo', 'x']))['suggestion'], '--repository');
    assert.match(String((await world.refused('usage', ['search', 'role:web', 'AND', 'role:db']))['hint']), /quotes/);
    assert.equal((await world.refused('usage', ['list', '--repositry', 'x']))['suggestion'], '--repository');
    assert.deepEqual((await world.refused('usage', ['decrypt']))['missing'], ['VAULT', 'ITEM']);
    for (const args of [['decrypt', 'a', 'b', 'c', 'd'], ['create', 'iam'], ['--bogus'], ['frobnicate'], ['frobnicate', '--help'], ['list', '-x'], ['node', 'add', 'x', '--tag']]) await world.refused('usage', args);
  });

  it('takes a flag of many values and arguments in any order', async () => {
    const { line } = await world.key('greedy');
    await world.result('node add', ['node', 'add', '--role', 'a', '--role', 'b', '--tag', 't', 'greedy', '--key', line]);
    const { run_list } = await world.result('node show', ['node', 'show', 'greedy']);
    assert.deepEqual(run_list, ['role[a]', 'role[b]']);
  });

  it('is quiet when told to, but for results', async () => {
    for (const args of [['node', 'list'], ['search', QUERY], ['list'], ['admin', 'list'], ['key', 'show']]) {
      const { stderr } = await succeed(world.run([...args, '--quiet']));
      assert.equal(stderr, '', args.join(' '));
    }
  });
});

describe('streams', () => {
  let world: World;
  let file: string;
  before(async () => {
    world = await openWorld();
    file = await world.iamFile('app');
  });
  after(() => world.close());

  it('colours nothing that is no terminal, unless told to; NO_COLOR wins', async () => {
    const plan = ['plan', 'iam', file];
    const plain = { NO_COLOR: '' };
    assert.ok(!(await world.run(plan, { variables: plain })).stdout.includes(ESCAPE));
    assert.ok((await world.run(plan, { variables: { ...plain, FORCE_COLOR: '1' } })).stdout.includes(ESCAPE));
    assert.ok(!(await world.run(plan, { variables: { ...plain, FORCE_COLOR: '0' } })).stdout.includes(ESCAPE));
    assert.ok(!(await world.run(plan, { variables: { NO_COLOR: '1', FORCE_COLOR: '1' } })).stdout.includes(ESCAPE));
    assert.ok(!(await world.run([...plan, '--json'], { variables: { ...plain, FORCE_COLOR: '1' } })).stdout.includes(ESCAPE));
    const failed = await world.run(['list', '--bogus'], { variables: { ...plain, FORCE_COLOR: '1' } });
    assert.ok(failed.stderr.includes(ESCAPE));
  });

  it("does not pass on the SDK's advice about Node versions", async () => {
    const { stderr } = await world.run(['plan', 'iam', file], { variables: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: '' } });
    assert.doesNotMatch(stderr, /NodeVersionSupportWarning|node:\d/);
  });

  it('prints one JSON document on stdout, whatever happens on stderr', async () => {
    const warned = await world.iamFile('warned', { policy: { Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }] } });
    const end = await world.run(['plan', 'iam', warned, '--json']);
    shaped('plan iam', end.stdout);
    assert.match(end.stderr, /missing-version/);
    assert.equal((await world.run(['plan', 'iam', warned, '--json', '--quiet'])).stderr, '');
  });

  it('ends well when the reader goes away, and not when the disk is full', () => {
    const run = (script: string): { status: number | null; stderr: string } =>
      spawnSync('bash', ['-o', 'pipefail', '-c', script], { cwd: world.repository, encoding: 'utf8', env: { ...world.variables, PATH: process.env['PATH'], BIN, NODE: process.execPath } });
    for (const command of ['node list', '--help', 'search "name:*"', 'creat', 'list --json']) {
      for (const reader of ['true', 'head -c 1 >/dev/null']) {
        const { status, stderr } = run(`"$NODE" "$BIN" ${command} | ${reader}`);
        assert.equal(status, command === 'creat' ? 2 : 0, `${command} | ${reader}: ${stderr}`);
        assert.doesNotMatch(stderr, /EPIPE|node:internal|Warning/);
      }
    }
    const full = run('"$NODE" "$BIN" node list > /dev/full');
    assert.notEqual(full.status, 0);
    assert.doesNotMatch(full.stderr, /node:internal/);
  });

  it('says so where the working directory is gone', async () => {
    await mkdir(world.at('gone'));
    const { status, stderr } = spawnSync('bash', ['-c', 'rmdir ../gone; "$NODE" "$BIN" list'], { cwd: world.at('gone'), encoding: 'utf8', env: { ...world.variables, PATH: process.env['PATH'], BIN, NODE: process.execPath } });
    assert.equal(status, 3);
    assert.doesNotMatch(stderr, /node:internal|^ +at /m);
  });

  it('makes what a file says harmless for a terminal', async () => {
    await world.write('repository/nodes/evil.json', JSON.stringify({ name: 'evil', chef_environment: '\u001b]0;title\u0007', run_list: ['recipe[\u001b[2J\u202e]'], normal: {}, default: {}, override: {}, automatic: {} }));
    for (const args of [['node', 'list'], ['node', 'show', 'evil'], ['search', 'name:evil', '--why', 'evil'], ['search', 'name:*']]) {
      const { stdout, stderr } = await succeed(world.run(args));
      for (const character of [ESCAPE, '\u0007', '\u202e']) assert.ok(!(stdout + stderr).includes(character), args.join(' '));
    }
    await rm(world.at('repository', 'nodes', 'evil.json'));
  });
});

describe('vault sandbox', () => {
  it('serves accounts that the other commands work with, until it is interrupted', async () => {
    const world = await openWorld();
    try {
      const config = world.at('aws', 'sandbox');
      const state = world.at('aws', 'state.json');
      const arguments_ = ['sandbox', '--account', ONE, '--account', 'my account', '--state', state, '--propagation-delay', '200ms', '--throttle', '50/s', '--latency', '1ms'];
      const begin = async (args: readonly string[]): Promise<{ end: () => Promise<unknown>; made: Record<string, unknown> }> => {
        const { child, finished } = world.start([...args, '--json']);
        assert.ok(child.stdout);
        let text = '';
        for await (const line of createInterface({ input: child.stdout })) {
          text += line;
          if (line === '}') break;
        }
        return {
          made: shaped('sandbox', text),
          end: async () => {
            const exited = once(child, 'exit');
            child.kill('SIGINT');
            assert.deepEqual(await exited, [0, null]);
            await finished.catch(() => undefined);
          },
        };
      };
      const first = await begin([...arguments_, '--config-file', config]);
      assert.equal(first.made['config_file'], config);
      assert.equal((await stat(config)).mode & 0o777, 0o600);
      const variables = { AWS_CONFIG_FILE: config };
      for (const [, secret] of (await readFile(config, 'utf8')).matchAll(/aws_secret_access_key = (\S+)/g)) world.secrets.add(secret ?? '');
      const file = await world.iamFile('app', { accounts: [ONE, 'my account'] });
      await world.result('create iam', ['create', 'iam', file], { variables });
      const { items } = await world.result('list', ['list']) as { items: { item: string }[] };
      assert.deepEqual(items.map(({ item }) => item), [`${ONE}_app`, 'my-account_app']);
      await first.end();
      await rm(config);

      const again = await begin([...arguments_, '--config-file', config]);
      const { accounts } = await world.result('plan iam', ['plan', 'iam', file], { variables }) as { accounts: { changes: unknown[] }[] };
      assert.deepEqual(accounts.map(({ changes }) => changes), [[], []]);
      await again.end();
    } finally {
      await world.close();
    }
  });
});
