// Long output on a real terminal.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { access, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openWorld, type World } from '../scripts/cliWorld.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Runs a program on a terminal of ten lines; what it shows goes to stdout, and its exit code is this one's. */
const TERMINAL = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 10, 80, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data: break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe('the pager', () => {
  let world: World;
  let paged: string;
  before(async () => {
    world = await openWorld();
    paged = world.at('paged');
    for (let i = 0; i < 12; i++) await world.write(`repository/nodes/node${String(i)}.json`, `{"name": "node${String(i)}", "run_list": ["role[many]"]}`);
    await world.write('bin/pager', `#!/bin/sh\necho "$@ $LESSHISTFILE $LESSSECURE $LESS" > '${paged}'\ncat >> '${paged}'\n`, 0o755);
    await world.write('bin/quits', '#!/bin/sh\nexec <&-\nexit 3\n', 0o755);
  });
  beforeEach(() => rm(paged, { force: true }));
  after(() => world.close());

  const onTerminal = (args: readonly string[], variables: Record<string, string> = {}): string => {
    const { status, stdout, stderr } = spawnSync('python3', ['-c', TERMINAL, process.execPath, BIN, ...args], {
      cwd: world.repository, encoding: 'utf8', env: { PATH: process.env['PATH'], TERM: 'dumb', ...world.variables, PAGER: world.at('bin', 'pager'), ...variables },
    });
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  };
  const wasPaged = async (): Promise<boolean> => access(paged).then(() => true, () => false);

  it('shows what a terminal has too few lines for', async () => {
    const shown = onTerminal(['node', 'list'], { PAGER: `${world.at('bin', 'pager')}  -a --b` });
    assert.doesNotMatch(shown, /node7/);
    const [options, ...lines] = (await readFile(paged, 'utf8')).split('\n');
    assert.equal(options, '-a --b - 1 FRX');
    assert.equal(lines.filter((line) => /^node\d+ /.test(line)).length, 12);
  });

  it('is VAULT_PAGER before PAGER', async () => {
    onTerminal(['search', 'role:many'], { VAULT_PAGER: world.at('bin', 'pager'), PAGER: 'nothing-like-that' });
    assert.ok(await wasPaged());
  });

  for (const [why, args, variables] of [
    ['what fits on the screen', ['search', 'name:node1'], {}],
    ['JSON', ['node', 'list', '--json'], {}],
    ['--quiet', ['node', 'list', '--quiet'], {}],
    ['PAGER=cat', ['node', 'list'], { PAGER: 'cat' }],
    ['an empty VAULT_PAGER', ['node', 'list'], { VAULT_PAGER: '' }],
  ] as const) {
    it(`is not for ${why}`, async () => {
      assert.match(onTerminal(args, variables), /node1/);
      assert.ok(!await wasPaged());
    });
  }

  it('is not for a pipe', async () => {
    const end = await world.run(['node', 'list'], { variables: { PAGER: world.at('bin', 'pager') } });
    assert.match(end.stdout, /node7/);
    assert.ok(!await wasPaged());
  });

  it('may be missing', () => {
    assert.match(onTerminal(['node', 'list'], { PAGER: 'nothing-like-that' }), /node7/);
  });

  it('may be quit before the end', () => {
    onTerminal(['node', 'list'], { PAGER: world.at('bin', 'quits') });
  });
});
