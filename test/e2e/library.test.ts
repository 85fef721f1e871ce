import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openVault, isVaultError, type Vault } from '../../src/index.ts';
import { credentialsIn, stateOf } from '../scripts/vaultChecks.ts';
import { ITEM, openScene, succeed, type Scene } from '../scripts/vaultScene.ts';

/** The built library, as a consumer would import it. */
const BUILT = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

describe('the library', () => {
  let scene: Scene;
  let vault: Vault;

  before(async () => {
    scene = await openScene();
    await succeed(scene.createIam());
    vault = await openVault({ repository: scene.repository, identity: scene.node, stateDirectory: stateOf(scene) });
  });
  after(() => scene.close());

  test('a field is what decrypt prints', async () => {
    const data = await vault.item(ITEM.vault, ITEM.item).field('data');
    assert.deepEqual(data, await credentialsIn(scene, scene.node, stateOf(scene)));
    assert.deepEqual(await vault.item(ITEM.vault, ITEM.item).all(), { data, search_query: 'role:secret-files-server' });
  });

  test('credentials come as the SDKs take them', async () => {
    const data = await vault.item(ITEM.vault, ITEM.item).field('data') as Record<string, string>;
    assert.deepEqual(await vault.item(ITEM.vault, ITEM.item).credentials(), {
      accessKeyId: data['aws_access_key_id'], secretAccessKey: data['aws_secret_access_key'],
    });
  });

  test('items are listed', async () => {
    assert.deepEqual(await vault.list(), { items: [{ ...ITEM, generation: 1, admins: 1, clients: 1 }], problems: [], foreign: [] });
  });

  test('failures have the codes of the command line', async () => {
    const codeOf = async (work: Promise<unknown>): Promise<string | undefined> => {
      try {
        await work;
        return undefined;
      } catch (error) {
        return isVaultError(error) ? error.code : 'not ours';
      }
    };
    assert.equal(await codeOf(vault.item('vault', 'nothing').field('data')), 'item-not-found');
    assert.equal(await codeOf(vault.item('vault', '../x').field('data')), 'name-invalid');
    assert.equal(await codeOf(vault.item(ITEM.vault, ITEM.item).field('nothing')), 'field-not-found');
    assert.equal(await codeOf(openVault({ repository: scene.directory })), 'repository-missing');
    const other = await openVault({ repository: scene.repository, identity: scene.node, stateDirectory: stateOf(scene), pin: 'A'.repeat(43) });
    assert.equal(await codeOf(other.list()), 'roster-pin-mismatch');
  });

  test('the built package does the same in a program that has only the environment', async () => {
    const program = "const { openVault } = await import(process.argv[1]); console.log(JSON.stringify(await (await openVault()).item(process.argv[2], process.argv[3]).field('data')));";
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, BUILT, ITEM.vault, ITEM.item], {
      cwd: scene.repository, env: { PATH: process.env['PATH'], ...scene.variables },
    });
    assert.deepEqual(JSON.parse(stdout), await credentialsIn(scene, scene.admin, stateOf(scene)));
  });
});
