// `vault create iam`, killed with SIGKILL wherever it asks AWS or changes a file, and run again.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findKillPoints, runAndKill, startAndHold, type KillPoint } from '../scripts/killPoints.ts';
import { assertInPlace, keysOf } from '../scripts/vaultChecks.ts';
import { openScenes, succeed, type KeySummary, type Scene } from '../scripts/vaultScene.ts';

/** Scenes, and so processes, at once. */
const AT_ONCE = 3;

interface Scenario {
  readonly name: string;
  /** How many users there are. Default 1. */
  readonly users?: number;
  /** Brings a new repository to where the scenario begins; resolves to the keys that are not ours. */
  readonly prepare: (scene: Scene) => Promise<readonly KeySummary[]>;
  /** AWS calls that the undisturbed run must make, so that the scenario is what its name says. */
  readonly calls: readonly string[];
  /** Which points to kill it at. */
  readonly points: (point: KillPoint) => boolean;
  /** Nodes that must open the item beside files01. */
  readonly nodes?: readonly string[];
}

/**
 * Points that leave the world as no other does. What is there before an operation is what the one before left, since nothing happens between
 * them; and a sync changes nothing that a killed process leaves. killItems.test.ts strikes those too, where a process costs less.
 */
const isDistinct = (point: KillPoint): boolean => point.at === 'call' || point.moment === 'torn' || (point.moment === 'after' && !point.name.includes(': sync '));

/** As long as a neighbour is written, it alone is different, and the first scenario strikes it at each step: half of it stands for all of that here. */
const isSeen = (point: KillPoint): boolean => point.at === 'call' || point.moment === 'torn' || (point.moment === 'after' && /: (rename|link|unlink|mkdir) /.test(point.name));

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a new user',
    prepare: () => Promise.resolve([]),
    calls: ['CreateGroup', 'PutGroupPolicy', 'CreateUser', 'AddUserToGroup', 'CreateAccessKey'],
    points: isDistinct,
  },
  {
    name: 'a new key for one that was deleted, beside a key that somebody else made',
    async prepare(scene) {
      await succeed(scene.createIam());
      const [own] = keysOf(scene);
      assert.ok(own);
      const foreign = await scene.addForeignKey();
      await scene.deleteKey(own.id);
      return [foreign];
    },
    calls: ['CreateAccessKey'],
    points: isSeen,
  },
  {
    name: 'a new recipient',
    async prepare(scene) {
      await succeed(scene.createIam());
      await scene.addNode('files02');
      return [];
    },
    calls: ['ListAccessKeys'],
    points: isSeen,
    nodes: ['files02'],
  },
  {
    name: 'up for another run, which was killed before it had the reply to CreateAccessKey',
    async prepare(scene) {
      const { finished } = await startAndHold(scene, scene.createArguments(), { action: 'CreateAccessKey', number: 1, when: 'after' }, 'SIGKILL');
      await finished;
      assert.equal(keysOf(scene).length, 1);
      return [];
    },
    calls: ['DeleteAccessKey', 'CreateAccessKey'],
    points: (point) => point.at === 'call' || (point.moment === 'after' && /: (rename|unlink) /.test(point.name)),
  },
  {
    name: 'three users at once',
    users: 3,
    prepare: () => Promise.resolve([]),
    calls: ['CreateAccessKey'],
    // Which of the three a point strikes is not the same each time.
    points: (point) => point.number % 6 === 0 && isSeen(point),
  },
];

for (const { name, users = 1, prepare, calls, points: wanted, nodes = [] } of SCENARIOS) {
  test(`killed anywhere while it makes ${name}`, { concurrency: AT_ONCE }, async (t) => {
    const foreign = new Map<string, readonly KeySummary[]>();
    const scenes = await openScenes(AT_ONCE, async (scene) => { foreign.set(scene.directory, await prepare(scene)); }, { users });
    try {
      const points = await scenes.use((scene) => findKillPoints(scene, scene.createArguments()));
      const names = points.map((point) => point.name).join('\n');
      for (const each of [...calls.map((call) => `: ${call}\n`), ': rename ', ': sync ', ': unlink ', ': writeFile ']) {
        assert.ok(names.includes(each), `${each} is missing in\n${names}`);
      }
      await Promise.all(points.filter(wanted).map((point) => t.test(point.name, () => scenes.use(async (scene) => {
        const killed = await runAndKill(scene, scene.createArguments(), point);
        scene.server.sandbox.setFaults({ hold: [] });
        const again = await succeed(scene.createIam());
        for (const user of scene.users) {
          await assertInPlace(scene, {
            user,
            foreign: foreign.get(scene.directory) ?? [],
            readers: [scene.admin, scene.node, ...nodes.map((node) => join(scene.directory, 'config', node))],
            printed: [killed, again],
          });
        }
      }))));
    } finally {
      await scenes.close();
    }
  });
}
