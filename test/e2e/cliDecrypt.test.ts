// Opening: as admin and as node, with every kind of identity, in every format.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { parse as parseIni } from 'ini';
import { parse as parseYaml } from 'yaml';
import { ONE, openWorld, QUERY, ROLE, type World } from '../scripts/cliWorld.ts';
import { newAgeIdentity, newSshKey } from '../scripts/identityFiles.ts';
import { succeed } from '../scripts/vaultScene.ts';

const ITEM = `${ONE}_app`;

describe('vault decrypt', () => {
  let world: World;
  let credentials: { aws_access_key_id: string; aws_secret_access_key: string };
  let sshIdentity: string;
  let ageIdentity: string;
  before(async () => {
    world = await openWorld();
    const { privateKey, publicLine } = newSshKey();
    sshIdentity = await world.write('ssh-node/.ssh/id_ed25519', privateKey, 0o600);
    await world.result('node add', ['node', 'add', 'ssh01', '--key', publicLine.trim(), '--role', ROLE]);
    ageIdentity = await world.write('keys/age', newAgeIdentity(), 0o600);
    const { public_key: age } = await world.result('key show', ['key', 'show', '-i', ageIdentity]);
    await world.result('node add', ['node', 'add', 'age01', '--key', String(age), '--role', ROLE]);
    await world.addNode('web01', '--role', 'web');
    await world.result('create iam', ['create', 'iam', await world.iamFile('app')]);
    credentials = await world.credentials(ITEM);
  });
  after(() => world.close());

  /** What a machine of its own, which has never seen this repository, opens. */
  async function open(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<string> {
    const { stdout, stderr } = await succeed(world.run(['decrypt', 'vault', ITEM, ...args], {
      variables: { XDG_STATE_HOME: world.at('elsewhere', 'state'), XDG_CONFIG_HOME: world.at('elsewhere', 'config'), HOME: world.at('elsewhere'), ...variables },
    }));
    assert.ok(!stderr.includes(credentials.aws_secret_access_key));
    return stdout;
  }

  it('gives all fields, or one alone', async () => {
    assert.deepEqual(JSON.parse(await open(['-i', world.admin])), { data: credentials, search_query: QUERY });
    assert.deepEqual(JSON.parse(await open(['data', '-i', world.admin])), credentials);
    assert.equal(JSON.parse(await open(['search_query', '--json', '-i', world.admin])), QUERY);
  });

  it('opens with an identity of our own, an SSH key and an age key', async () => {
    for (const identity of [world.at('keys', 'files01'), sshIdentity, ageIdentity]) {
      assert.deepEqual(JSON.parse(await open(['data', '--identity', identity])), credentials, identity);
    }
  });

  it('finds the identity: VAULT_IDENTITY, the configuration directory, ~/.ssh', async () => {
    assert.deepEqual(JSON.parse(await open(['data'], { VAULT_IDENTITY: ageIdentity })), credentials);
    assert.deepEqual(JSON.parse(await open(['data'], { XDG_CONFIG_HOME: world.at('config') })), credentials);
    assert.deepEqual(JSON.parse(await open(['data'], { HOME: world.at('ssh-node') })), credentials);
  });

  it('goes on to the next usual place where the first identity is not for this item', async () => {
    await succeed(world.run(['key', 'generate', '-o', world.at('own', 'iam-vault', 'identity')]));
    assert.deepEqual(JSON.parse(await open(['data'], { XDG_CONFIG_HOME: world.at('own'), HOME: world.at('ssh-node') })), credentials);
  });

  it('prefers the flag to the variable', async () => {
    assert.deepEqual(JSON.parse(await open(['data', '-i', sshIdentity], { VAULT_IDENTITY: world.at('nowhere') })), credentials);
  });

  it('refuses a node that is not a recipient, by name and fingerprint', async () => {
    const identity = world.at('keys', 'web01');
    const { fingerprint } = await world.result('key show', ['key', 'show', '-i', identity]);
    const error = await world.refused('not-a-recipient', ['decrypt', 'vault', ITEM, '--identity', identity]);
    assert.deepEqual([error['name'], error['fingerprint']], ['web01', fingerprint]);
    for (const part of ['web01', String(fingerprint)]) assert.ok(String(error['message']).includes(part));
  });

  it('refuses a stranger by fingerprint', async () => {
    const { file } = await world.key('stranger');
    const error = await world.refused('not-a-recipient', ['decrypt', 'vault', ITEM], { variables: { VAULT_IDENTITY: file } });
    assert.equal(error['name'], undefined);
  });

  it('prints variables that a shell reads back', async () => {
    const script = `${await open(['data', '--format', 'shell', '-i', sshIdentity])}printf %s "$AWS_SECRET_ACCESS_KEY"`;
    const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    assert.equal(stdout, credentials.aws_secret_access_key);
    const env = await open(['data', '--format', 'env', '-i', sshIdentity]);
    assert.ok(env.split('\n').includes(`AWS_SECRET_ACCESS_KEY=${credentials.aws_secret_access_key}`));
  });

  it('prints YAML, AWS credentials and raw text', async () => {
    assert.deepEqual(parseYaml(await open(['data', '-f', 'yaml', '-i', sshIdentity])), credentials);
    for (const fields of [[], ['data']]) {
      assert.deepEqual({ ...(parseIni(await open([...fields, '-f', 'aws-credentials', '-i', sshIdentity]))['default'] as object) }, credentials);
    }
    assert.equal(await open(['search_query', '-f', 'raw', '-i', sshIdentity]), QUERY);
  });

  it('says what does not fit, and what is not there', async () => {
    // Without --json alone: JSON fits everything.
    const end = await world.run(['decrypt', 'vault', ITEM, 'data', '--format', 'raw']);
    assert.deepEqual([end.exitCode, end.stdout], [1, '']);
    await world.refused('field-not-found', ['decrypt', 'vault', ITEM, 'date']);
    await world.refused('field-not-found', ['decrypt', 'vault', ITEM, '__proto__']);
    const item = await world.refused('item-not-found', ['decrypt', 'vault', `${ITEM}s`]);
    assert.match(String(item['hint']), new RegExp(ITEM));
    assert.match(String((await world.refused('item-not-found', ['decrypt', 'vaults', ITEM]))['hint']), /vault/);
    await world.refused('usage', ['decrypt', 'vault', ITEM, '--format', 'xml']);
  });
});
