// Changes of the roster, killed with SIGKILL wherever they change a file, and run again.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadIdentity } from '../../src/config/identities.ts';
import { isVaultError } from '../../src/errors.ts';
import { openItem } from '../../src/operations/openItem.ts';
import { listItems } from '../../src/operations/listItems.ts';
import { trustRoster, type Workspace } from '../../src/operations/workspace.ts';
import { openStateDirectory } from '../../src/state/stateDirectory.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import { findKillPoints, runAndKill, type KillPoint } from '../scripts/killPoints.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { ITEM, openScenes, succeed, type Scene } from '../scripts/vaultScene.ts';

/** Scenes, and so processes, at once. */
const AT_ONCE = 2;

const identityOf = (scene: Scene, name: string): string => (name === 'alice' ? scene.admin : join(scene.directory, 'config', name));

async function addAdmin(scene: Scene, name: string, ...flags: string[]): Promise<void> {
  const { stdout } = await succeed(scene.vault('key', 'generate', '--output', identityOf(scene, name), '--json'));
  const { public_key, signing_key } = JSON.parse(stdout) as { public_key: string; signing_key: string };
  await succeed(scene.vault('admin', 'add', name, '--key', public_key, '--signing-key', signing_key, ...flags));
}

interface Scenario {
  readonly name: string;
  readonly prepare: (scene: Scene) => Promise<void>;
  readonly args: readonly string[];
  /** Who signs, where it is not alice. */
  readonly identity?: string;
  readonly version: number;
  readonly admins: readonly string[];
  /** An admin who can open the item no more. */
  readonly lost?: string;
  /** Codes with which another run may end where the killed one did everything. */
  readonly done: readonly string[];
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'an approval that reaches the quorum, and removes an admin',
    async prepare(scene) {
      await succeed(scene.createIam());
      await addAdmin(scene, 'bob');
      await addAdmin(scene, 'carol', '--quorum', '2');
      await succeed(scene.vault('admin', 'remove', 'carol', '--yes'));
    },
    args: ['admin', 'approve', '--yes'], identity: 'bob', version: 4, admins: ['alice', 'bob'], lost: 'carol', done: ['proposal-not-found'],
  },
  {
    name: 'the removal of an admin who signed the item',
    async prepare(scene) {
      await addAdmin(scene, 'bob');
      await succeed(scene.createIam('--identity', identityOf(scene, 'bob')));
    },
    args: ['admin', 'remove', 'bob', '--yes'], version: 3, admins: ['alice'], lost: 'bob', done: ['party-not-found'],
  },
  {
    name: 'an approval that reaches the quorum, and adds an admin',
    async prepare(scene) {
      await succeed(scene.createIam());
      await addAdmin(scene, 'bob', '--quorum', '2');
      await addAdmin(scene, 'carol');
    },
    args: ['admin', 'approve', '--yes'], identity: 'bob', version: 3, admins: ['alice', 'bob', 'carol'], done: ['proposal-not-found'],
  },
];

/** What a reader or the next run can see changes with a file's name alone; and half a write must be none. */
const isDistinct = (point: KillPoint): boolean => point.at === 'file' && (point.moment === 'torn' || (point.moment === 'after' && /: (rename|link|unlink) /.test(point.name)));

for (const scenario of SCENARIOS) {
  test(`killed anywhere during ${scenario.name}`, { concurrency: AT_ONCE }, async (t) => {
    const scenes = await openScenes(AT_ONCE, scenario.prepare);
    const argsIn = (scene: Scene): string[] => [...scenario.args, '--json', ...(scenario.identity === undefined ? [] : ['--identity', identityOf(scene, scenario.identity)])];
    try {
      const points = await scenes.use((scene) => findKillPoints(scene, argsIn(scene)));
      assert.ok(points.some(({ name }) => /rename .*trust\/proposals/.test(name)) && points.some(({ name }) => /link .*trust\/\d/.test(name)) && points.some(({ name }) => /unlink .*trust\/proposals/.test(name)), points.map(({ name }) => name).join('\n'));
      await Promise.all(points.filter(isDistinct).map((point) => t.test(point.name, () => scenes.use(async (scene) => {
        await runAndKill(scene, argsIn(scene), point);
        await assertReadable(scene, 'alice');
        const again = await scene.start(argsIn(scene)).finished;
        if (again.exitCode !== 0) {
          const { error } = JSON.parse(again.stdout) as { error: { code: string } };
          assert.ok(scenario.done.includes(error.code), describeEnd(again));
        }
        await assertInPlace(scene, scenario);
      }))));
    } finally {
      await scenes.close();
    }
  });
}

let states = 0;
function newcomerTo(scene: Scene): Workspace {
  return { store: openFileStore(scene.repository), state: openStateDirectory(join(scene.directory, `state-${String(states++)}`)), now: () => new Date(), notice: () => undefined, warn: () => undefined };
}

async function assertReadable(scene: Scene, name: string): Promise<void> {
  const identity = await loadIdentity(identityOf(scene, name));
  async function* identities(): AsyncGenerator<{ identity: typeof identity }> {
    yield await Promise.resolve({ identity });
  }
  const open = await openItem(newcomerTo(scene), ITEM, identities());
  open.field('data');
  open.wipe();
}

async function assertInPlace(scene: Scene, { version, admins, lost }: Scenario): Promise<void> {
  const workspace = newcomerTo(scene);
  const { roster } = await trustRoster(workspace);
  assert.deepEqual([roster.version, roster.admins.map(({ name }) => name)], [version, admins]);
  assert.deepEqual(await workspace.store.listProposals(), []);
  assert.deepEqual(await workspace.store.listInventoryNames('users'), admins);
  const { items, problems } = await listItems(workspace);
  assert.deepEqual([items.map((item) => item.admins), problems], [[admins.length], []]);
  for (const name of admins) await assertReadable(scene, name);
  if (lost !== undefined) await assert.rejects(assertReadable(scene, lost), (error) => isVaultError(error, 'not-a-recipient'));
  const { header } = JSON.parse(await readFile(join(scene.repository, 'data_bags', ITEM.vault, `${ITEM.item}_keys.json`), 'utf8')) as { header: { signer: string } };
  assert.ok(admins.includes(header.signer));
  assert.deepEqual((await readdir(join(scene.repository, 'data_bags', ITEM.vault))).filter((file) => file.endsWith('.pending')), []);
}
