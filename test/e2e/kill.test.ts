// `vault create iam`, killed with SIGKILL wherever it asks AWS or changes a file, and run again.
import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { DeleteAccessKeyCommand } from '@aws-sdk/client-iam';
import { findKillPoints, runAndKill, type KillPoint } from '../scripts/killPoints.ts';
import { assertInPlace, keysOf } from '../scripts/vaultChecks.ts';
import { openScenes, succeed, USER, type Scene } from '../scripts/vaultScene.ts';

/** Scenes, and so processes, at once. */
const AT_ONCE = 2;

interface Scenario {
  readonly name: string;
  /** Brings a new repository to where the scenario begins. */
  readonly prepare: (scene: Scene) => Promise<void>;
  readonly readers?: (scene: Scene) => string[];
  readonly points: (point: KillPoint) => boolean;
  /** What the undisturbed run must have done, so that these tests are about what they say. */
  readonly calls: RegExp;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'a new user', prepare: () => Promise.resolve(), points: () => true, calls: /CreateUser.*CreateAccessKey/s },
];
void SCENARIOS; void [describe, it, before, after, DeleteAccessKeyCommand, keysOf, USER];

for (const { name, prepare, points: wanted, calls } of SCENARIOS) {
  test(`killed while it makes ${name}`, { concurrency: AT_ONCE }, async (t) => {
    const scenes = await openScenes(AT_ONCE, prepare);
    try {
      const points = await scenes.use((scene) => findKillPoints(scene, scene.createArguments()));
      assert.match(points.map((point) => point.name).join('\n'), calls);
      await Promise.all(points.filter(wanted).map((point) => t.test(point.name, () => scenes.use(async (scene) => {
        await runAndKill(scene, scene.createArguments(), point);
        scene.server.sandbox.setFaults({ hold: [] });
        await succeed(scene.createIam());
        await assertInPlace(scene);
      }))));
    } finally {
      await scenes.close();
    }
  });
}
