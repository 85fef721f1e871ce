// Code that V8 compiled is kept between runs (bin/run.js): what lies there is run, so it must be the user's own.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { Module } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { startVault, type Finished } from '../scripts/vaultProcess.ts';

let cache = '';
before(async () => { cache = await mkdtemp(join(tmpdir(), 'iam-vault-compiled-')); });
after(async () => { await rm(cache, { recursive: true, force: true }); });

const version = (more: Readonly<Record<string, string>> = {}): Promise<Finished> =>
  startVault(['--version'], { cwd: cache, variables: { XDG_CACHE_HOME: cache, ...more } }).finished;

const PLACE = join('iam-vault', 'compiled');
/** Builds that something is kept of; Node keeps its own beside them. */
const builds = async (): Promise<string[]> => (await readdir(join(cache, PLACE)).catch(() => [])).filter((name) => name.startsWith('vault-'));

it('is kept, for its owner alone, by a run that succeeds; what another build left goes after a month', async () => {
  assert.equal((await startVault(['decrypt'], { cwd: cache, variables: { XDG_CACHE_HOME: cache } }).finished).exitCode, 2);
  await version({ NODE_DISABLE_COMPILE_CACHE: '1' });
  assert.deepEqual(await builds(), []);
  await mkdir(join(cache, PLACE, 'vault-of-another-build'), { recursive: true });
  await utimes(join(cache, PLACE, 'vault-of-another-build'), 0, 0);
  assert.match((await version()).stdout, /^iam-vault\//);
  const [build = '', ...others] = await builds();
  assert.deepEqual(others, []);
  assert.deepEqual(await readdir(join(cache, PLACE, build)), ['help']);
  assert.equal((await stat(join(cache, PLACE, build, 'help'))).mode & 0o777, 0o600);
  assert.equal((await stat(join(cache, PLACE))).mode & 0o777, 0o700);
});

it('is not run where others could have put it there, nor where it is damaged', async () => {
  const file = join(cache, PLACE, ...await builds(), 'help');
  const good = await readFile(file);
  // V8 takes it for the program's: of that, it knows the length.
  const { length } = Module.wrap(await readFile(new URL('../../dist/vault.cjs', import.meta.url), 'latin1'));
  const code = 'process.stdout.write("planted"); process.exit();';
  const data = new Script(Module.wrap(code.padEnd(length - Module.wrap('').length))).createCachedData();
  const planted = Buffer.concat([Buffer.from(crc32(data).toString(16).padStart(8, '0')), data]);
  const runs = async (bytes: Uint8Array): Promise<string> => {
    await writeFile(file, bytes);
    return (await version()).stdout;
  };
  assert.equal(await runs(planted), 'planted', 'the test itself is broken');
  await chmod(file, 0o620);
  assert.match(await runs(planted), /^iam-vault\//);
  await chmod(file, 0o600);
  await chmod(cache, 0o720);
  assert.match(await runs(planted), /^iam-vault\//);
  await chmod(cache, 0o700);
  for (const shared of [PLACE, 'iam-vault']) {
    await chmod(join(cache, shared), 0o770);
    assert.match(await runs(planted), /^iam-vault\//, shared);
    await chmod(join(cache, shared), 0o700);
  }
  const flipped = Buffer.from(good);
  flipped.writeUInt8(flipped.readUInt8(good.length >> 1) ^ 1, good.length >> 1);
  for (const bytes of [flipped, good.subarray(0, good.length >> 1), good.subarray(0, 5)]) {
    assert.match(await runs(bytes), /^iam-vault\//);
    assert.notDeepEqual(await readFile(file), Buffer.from(bytes), 'what was of no use was not replaced');
  }
});
