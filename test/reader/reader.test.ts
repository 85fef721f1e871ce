import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { skipWithout } from '../scripts/peers.ts';

const HERE = import.meta.dirname;
const VECTORS = join(HERE, '..', 'vectors');
const VAULT = join(HERE, '..', '..', 'bin', 'run.js');
const WAIT = 20_000;

/** How many vectors a file holds: it has one list, or several by name. */
async function count(file: string): Promise<number> {
  const { vectors } = JSON.parse(await readFile(join(VECTORS, file), 'utf8')) as { vectors: unknown[] | Record<string, unknown[]> };
  return Object.values(Array.isArray(vectors) ? { vectors } : vectors).reduce((sum, list) => sum + list.length, 0);
}

function python(script: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  // -B: no __pycache__ in the tree
  return spawnSync('python3', ['-B', join(HERE, script), ...args], { encoding: 'utf8' });
}

describe('a reader written from docs/format.md alone', { skip: skipWithout('python3 nacl') }, () => {
  it('agrees with every test vector', async () => {
    const counts = await Promise.all(['open.json', 'broken.json', 'refreshers.json', 'audiences.json', 'keys.json', 'protected.json'].map(count));
    const all = counts.reduce((sum, n) => sum + n, 0);
    const { status, stdout, stderr } = python('run_vectors.py');
    assert.equal(stdout, `${String(all)} passed, 0 failed\n`, stderr);
    assert.equal(status, 0);
  });

  it('opens what the command line sealed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'iam-vault-reader-'));
    const paths = ['repository', 'aws-config', 'node-identity', 'newcomer-identity'].map((name) => join(directory, name));
    const [repository, config, node, newcomer] = paths as [string, string, string, string];
    const admin = join(directory, '.config', 'iam-vault', 'identity');
    const env = { PATH: process.env['PATH'], HOME: directory, AWS_CONFIG_FILE: config, VAULT_STATE_DIR: join(directory, 'state') };
    const vault = (...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [VAULT, ...args], { env, encoding: 'utf8' });
      assert.equal(status, 0, `vault ${args.join(' ')}: ${stderr}`);
      return stdout;
    };
    const addNode = (name: string, identity: string): void => {
      const line = /vaultseal1[a-z0-9]+/.exec(vault('key', 'generate', '--output', identity))?.[0] ?? assert.fail('no public key was printed');
      vault('node', 'add', name, '-r', repository, '--role', 'web', '--key', line);
    };
    const read = (item: string, identity: string, ...field: string[]): ReturnType<typeof python> =>
      python('reader.py', repository, 'vault', item, ...field, '--identity', identity);
    const assertOpens = (item: string, expected: unknown, ...identities: string[]): void => {
      for (const identity of identities) {
        const { status, stdout, stderr } = read(item, identity);
        assert.equal(status, 0, stderr);
        assert.deepEqual(JSON.parse(stdout), expected);
      }
    };
    const assertRefused = (code: string, item: string, identity: string, ...field: string[]): void => {
      const { status, stderr } = read(item, identity, ...field);
      assert.deepEqual([status, stderr], [1, `reader.py: ${code}\n`]);
    };
    const sandbox = spawn(process.execPath, [VAULT, 'sandbox', '--account', 'one', '--config-file', config], { env, stdio: 'ignore' });
    const ended = once(sandbox, 'exit');
    try {
      vault('init', repository, '--admin', 'alice');
      addNode('web1', node);
      const Statement = [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::a-bucket/*'] }];
      const iam = { accounts: ['one'], user: 'files', group: 'files', policy: { Version: '2012-10-17', Statement }, search_query: 'role:web' };
      const file = join(repository, 'iam-json-data', 'files.json');
      await writeFile(file, JSON.stringify(iam));
      const end = Date.now() + WAIT;
      while (!existsSync(config)) {
        assert.ok(Date.now() < end, 'the sandbox did not start');
        await delay(50);
      }
      vault('create', 'iam', file, '-r', repository, '--yes');

      const expected: unknown = JSON.parse(vault('decrypt', 'vault', 'one_files', '-r', repository));
      assertOpens('one_files', expected, node, admin);
      assertRefused('field-not-found', 'one_files', node, 'nothing');

      const values = { token: 'sealed once' };
      vault('create', 'item', 'vault', 'grouped', JSON.stringify(values), '-r', repository, '--search', 'role:web', '--audience', 'group');
      const isSealedToAudience = async (): Promise<boolean> =>
        'audience' in (JSON.parse(await readFile(join(repository, 'data_bags', 'vault', 'grouped_keys.json'), 'utf8')) as object);
      assert.ok(await isSealedToAudience());
      assertOpens('grouped', values, node, admin);
      assertRefused('field-not-found', 'grouped', node, 'nothing');

      addNode('web2', newcomer);
      assertRefused('not-a-recipient', 'grouped', newcomer);
      vault('refresh', '-r', repository);
      assertOpens('grouped', values, newcomer, node, admin);

      vault('evict', 'web1', '-r', repository, '--yes');
      assert.ok(await isSealedToAudience());
      assertOpens('grouped', values, newcomer, admin);
      assertRefused('not-a-recipient', 'grouped', node);
    } finally {
      sandbox.kill();
      await ended; // it writes in the directory until then
      await rm(directory, { recursive: true, force: true });
    }
  });
});
