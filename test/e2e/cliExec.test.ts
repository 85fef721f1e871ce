/** `vault exec`: a command with the values of an item in its environment, as if it had been run itself. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeEnd, type Finished } from '../scripts/vaultProcess.ts';
import { ONE, openWorld, type World } from '../scripts/cliWorld.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const NODE = process.execPath;
/** Prints its environment as JSON. */
const PRINT = [NODE, '-p', 'JSON.stringify(process.env)'];

describe('vault exec', () => {
  let world: World;
  before(async () => {
    world = await openWorld({ accounts: [ONE] });
    await world.result('create iam', ['create', 'iam', await world.iamFile('app')]);
    const file = await world.write('cert.pem', 'a certificate\n');
    const values = await world.write('values.json', JSON.stringify({ login: { user: 'app', password: 'p√ ss"\'$x' }, port: 5432, empty: null, path: '/bin' }), 0o600);
    await world.result('create item', ['create', 'item', 'vault', 'db', '--from', values, '--search', 'role:none', '--allow-empty']);
    await world.result('create item', ['create', 'item', 'vault', 'tls', '--file', file, '--search', 'role:none', '--allow-empty']);
  });
  after(() => world.close());

  const exec = (args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Finished> => world.start(['exec', ...args], { variables }).finished;
  const environment = async (args: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
    const end = await exec([...args, '--', ...PRINT], variables);
    assert.equal(end.exitCode, 0, describeEnd(end));
    return JSON.parse(end.stdout) as Record<string, string>;
  };

  test('gives AWS credentials under the names that SDKs read, and takes away what would hide them', async () => {
    const { aws_access_key_id: id, aws_secret_access_key: secret } = await world.credentials(`${ONE}_app`);
    const found = await environment(['vault', `${ONE}_app`], { AWS_PROFILE: 'another', AWS_SESSION_TOKEN: 'old', AWS_REGION: 'eu-west-1', SOMETHING: 'else' });
    assert.deepEqual([found['AWS_ACCESS_KEY_ID'], found['AWS_SECRET_ACCESS_KEY']], [id, secret]);
    assert.deepEqual(['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'SEARCH_QUERY', 'AWS_REGION', 'SOMETHING'].map((name) => found[name]), [undefined, undefined, undefined, 'eu-west-1', 'else']);
  });

  test('names values by their path; of several items, with a prefix, and with little else', async () => {
    const found = await environment(['vault', 'db', 'login', '--item', 'vault/db:port', '--item', 'vault/tls', '--prefix', 'X_', '--clear-environment'], { SOMETHING: 'else', LANG: 'C.UTF-8' });
    const { SOMETHING, LANG, X_USER, X_PASSWORD, X_PORT, X_CERT_PEM } = found;
    assert.deepEqual({ SOMETHING, LANG, X_USER, X_PASSWORD, X_PORT, X_CERT_PEM },
      { SOMETHING: undefined, LANG: 'C.UTF-8', X_USER: 'app', X_PASSWORD: 'p√ ss"\'$x', X_PORT: '5432', X_CERT_PEM: 'a certificate\n' });
  });

  test('refuses names that programs obey, names that are there twice, and what is no command', async () => {
    const command = ['--', 'true'];
    await world.refused('field-format', ['exec', 'vault', 'db', ...command]); // Its field "path".
    await world.refused('field-format', ['exec', 'vault', 'db', 'port', '--item', 'vault/db:port', ...command]);
    await world.refused('field-not-found', ['exec', 'vault', 'db', 'nothing', ...command]);
    for (const args of [['vault', 'db'], ['vault', 'db', '--'], ['vault', ...command], ['--item', 'db', ...command], ['vault', 'db', '--prefix', '1', ...command]]) await world.refused('usage', ['exec', ...args]);
  });

  test('ends as the command does', async () => {
    const ends = await Promise.all([['sh', '-c', 'exit 7'], ['no-such-command'], [world.at('values.json')], ['sh', '-c', 'kill -TERM $$'], ['sh', '-c', 'kill -SEGV $$']].map((command) => exec(['vault', 'tls', '--', ...command])));
    assert.deepEqual(ends.map(({ exitCode, signal }) => [exitCode, signal]), [[7, null], [127, null], [126, null], [null, 'SIGTERM'], [139, null]]);
    assert.equal((JSON.parse((await exec(['vault', 'tls', '--json', '--', 'no-such-command'])).stdout) as { error: { code: string } }).error.code, 'command-failed');
  });

  test('passes signals on, and what is typed', async () => {
    const script = `let heard = 0;
      for (const name of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT', 'SIGWINCH']) process.on(name, () => { console.log(name); if (++heard === 6) process.exit(9); });
      setInterval(() => undefined, 1e6); console.log(String(process.ppid));`;
    const { child, finished } = world.start(['exec', 'vault', 'tls', '--', NODE, '-e', script]);
    assert.ok(child.stdout);
    await once(child.stdout, 'data'); // It is up.
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT', 'SIGWINCH'] as const) child.kill(signal);
    const { stdout, exitCode } = await finished;
    assert.equal(exitCode, 9);
    assert.deepEqual(stdout.trim().split('\n').sort(), [String(child.pid), 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'].sort());
    assert.equal((await world.start(['exec', 'vault', 'tls', '--', 'cat'], { input: 'typed' }).finished).stdout, 'typed');
  });

  test('does not double what a terminal sends to both', async () => {
    const file = world.at('heard');
    const script = `let all = 0;
      process.on('SIGINT', () => { all++; console.log('heard'); });
      process.on('SIGTERM', () => { require('fs').writeFileSync(${JSON.stringify(file)}, String(all)); process.exit(0); });
      setInterval(() => undefined, 1e6); console.log('up');`;
    // SIGTERM goes the way that a second SIGINT would have gone before it.
    const driver = await world.write('driver.py', `
import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def see(word):
    seen = b''
    while word not in seen:
        seen += os.read(terminal, 1024)
see(b'up')
os.write(terminal, b'\\x03')
see(b'heard')
os.kill(pid, signal.SIGTERM)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`);
    const child = spawn('python3', [driver, NODE, BIN, 'exec', 'vault', 'tls', '--', NODE, '-e', script], { cwd: world.repository, env: { PATH: process.env['PATH'], ...world.variables }, stdio: 'inherit' });
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal(await readFile(file, 'utf8'), '1');
  });
});
