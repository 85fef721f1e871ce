import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isVaultError, VaultError, type ErrorCode } from '../errors.ts';
import { encodeSeed } from '../sealing/identity.ts';
import { opensshPrivateKey, seedOf, vaultIdentity } from '../sealing/opensshKey.testing.ts';
import { defaultIdentityPath, identityPaths, stateDirectoryPath, variable, type Environment } from './environment.ts';
import { loadIdentities, loadIdentity } from './identities.ts';

async function home(t: TestContext, variables: Environment['variables'] = {}): Promise<Environment> {
  const path = await mkdtemp(join(tmpdir(), 'vault-home-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return { home: path, cwd: path, variables };
}

async function write(path: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
}

const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const line = (byte: number): string => `${encodeSeed(seedOf(byte))}\n`;

async function loaded(environment: Environment, named?: string): Promise<{ path: string; key: string }[]> {
  const found: { path: string; key: string }[] = [];
  // Places outside the home belong to the machine that runs the test.
  for await (const { path, identity } of loadIdentities(environment, named)) {
    if (named !== undefined || path.startsWith(environment.home)) found.push({ path, key: identity.publicKey.line });
  }
  return found;
}

describe('environment', () => {
  test('places follow the XDG specification, and the program\'s own variables', () => {
    const at = (variables: Environment['variables']): Environment => ({ home: '/home/u', cwd: '/', variables });
    assert.equal(stateDirectoryPath(at({})), '/home/u/.local/state/iam-vault');
    assert.equal(stateDirectoryPath(at({ XDG_STATE_HOME: '/s', VAULT_STATE_DIR: '' })), '/s/iam-vault');
    assert.equal(stateDirectoryPath(at({ XDG_STATE_HOME: '/s', VAULT_STATE_DIR: '/v' })), '/v');
    assert.equal(defaultIdentityPath(at({})), '/home/u/.config/iam-vault/identity');
    assert.equal(defaultIdentityPath(at({ XDG_CONFIG_HOME: '/c' })), '/c/iam-vault/identity');
    assert.deepEqual(identityPaths(at({})), ['/home/u/.config/iam-vault/identity', '/etc/iam-vault/identity', '/home/u/.ssh/id_ed25519', '/etc/ssh/ssh_host_ed25519_key']);
    assert.equal(variable(at({ A: '' }), 'A'), undefined);
    assert.equal(variable(at({ A: 'x' }), 'A'), 'x');
  });
});

describe('one identity file', () => {
  test('is read when its owner alone can read it', async (t) => {
    const { home: root } = await home(t);
    const path = join(root, 'identity');
    for (const mode of [0o600, 0o400]) {
      await write(path, line(1), mode);
      assert.equal((await loadIdentity(path)).publicKey.line, vaultIdentity(1).publicKey.line);
      await rm(path);
    }
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777]) {
      await write(path, line(1), mode);
      await assert.rejects(loadIdentity(path), failsWith('identity-too-open'), mode.toString(8));
    }
    await write(path, line(1));
    await symlink(path, join(root, 'link'));
    assert.equal((await loadIdentity(join(root, 'link'))).publicKey.line, vaultIdentity(1).publicKey.line);
    await chmod(path, 0o644);
    await assert.rejects(loadIdentity(join(root, 'link')), failsWith('identity-too-open'), 'the mode is that of what the link points to');
  });

  test('is refused when it is something else', async (t) => {
    const { home: root } = await home(t);
    const path = join(root, 'identity');
    await assert.rejects(loadIdentity(path), failsWith('identity-missing'));
    await assert.rejects(loadIdentity(root), failsWith('input-unreadable'));
    await write(path, 'x'.repeat(70_000));
    await assert.rejects(loadIdentity(path), failsWith('input-too-large'));
    for (const text of ['', 'PLANTED', vaultIdentity(1).publicKey.line, line(1).replace(/.\n/, 'B\n'), '-----BEGIN RSA PRIVATE KEY-----\nPLANTED\n-----END RSA PRIVATE KEY-----\n']) {
      await write(path, text);
      await assert.rejects(loadIdentity(path), (error) => error instanceof VaultError && error.code === 'identity-invalid' && !String(error.stack).includes('PLANTED'));
    }
  });
});

describe('the identities to try', () => {
  test('are the one that is named, or the one of the environment, and no other', async (t) => {
    const environment = await home(t);
    await write(defaultIdentityPath(environment), line(1));
    const [named, byVariable] = [join(environment.home, 'named'), join(environment.home, 'variable')];
    await write(named, line(2));
    await write(byVariable, line(3));
    const variables = { VAULT_IDENTITY: byVariable };
    assert.deepEqual(await loaded({ ...environment, variables }, named), [{ path: named, key: vaultIdentity(2).publicKey.line }]);
    assert.deepEqual(await loaded({ ...environment, variables }), [{ path: byVariable, key: vaultIdentity(3).publicKey.line }]);
    await rm(byVariable);
    await assert.rejects(loaded({ ...environment, variables }), failsWith('identity-missing'));
    await assert.rejects(loaded(environment, join(environment.home, 'nothing')), failsWith('identity-missing'));
  });

  test('are those of the usual places, in their order', async (t) => {
    const environment = await home(t);
    const ssh = join(environment.home, '.ssh', 'id_ed25519');
    await write(ssh, opensshPrivateKey(seedOf(9)));
    assert.deepEqual((await loaded(environment)).map(({ path }) => path), [ssh]);
    await write(defaultIdentityPath(environment), line(1));
    assert.deepEqual((await loaded(environment)).map(({ path }) => path), [defaultIdentityPath(environment), ssh]);
  });

  test('leave out one that cannot be used, if there is another', async (t) => {
    const environment = await home(t);
    const ssh = join(environment.home, '.ssh', 'id_ed25519');
    await write(defaultIdentityPath(environment), line(1), 0o644);
    await write(ssh, opensshPrivateKey(seedOf(9)));
    assert.deepEqual((await loaded(environment)).map(({ path }) => path), [ssh]);
  });
});
