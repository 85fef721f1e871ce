// Commands that change items, killed with SIGKILL wherever they change a file, and run again.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { assertSecret, everybody, problemsOf, stateOfItem, unfinishedFiles, VAULT, type ItemState } from '../scripts/itemChecks.ts';
import { findFilePoints, killAtFile, type FilePoint } from '../scripts/killPoints.ts';
import { openRepositoryScene, succeed, takeTurns, type RepositoryScene } from '../scripts/repositoryScene.ts';
import { describeEnd, type Finished } from '../scripts/vaultProcess.ts';

/** Scenes, and so processes, at once. */
const AT_ONCE = 2;

const OLD = 'correct-horse-battery-staple';
const NEW = 'a-password-that-came-later';

type States = Readonly<Record<string, ItemState | undefined>>;

/** What every scenario begins with. */
const BEGINNING = {
  one: { generation: 1, readers: ['alice', 'web1', 'web2'], values: { password: OLD, user: 'app' } },
  two: { generation: 1, readers: ['alice', 'db1', 'web1', 'web2'], values: { password: OLD } },
  three: { generation: 1, readers: ['alice', 'db1'], values: { password: OLD, port: 5432 } },
} satisfies States;
const { one, two, three } = BEGINNING;

async function prepareScene(scene: RepositoryScene): Promise<void> {
  await Promise.all([scene.addNode('web1', 'web'), scene.addNode('web2', 'web'), scene.addNode('db1', 'db')]);
  const file = async (name: string, values: object): Promise<string> => {
    await writeFile(scene.at('files', name), JSON.stringify(values));
    return scene.at('files', name);
  };
  await Promise.all([
    scene.vault('create', 'item', VAULT, 'one', '--from', await file('one.json', one.values), '--search', 'role:web'),
    scene.vault('create', 'item', VAULT, 'two', '--from', await file('two.json', two.values), '--search', 'role:web', '--clients', 'db1'),
    scene.vault('create', 'item', VAULT, 'three', '--from', await file('three.json', three.values), '--search', 'role:db'),
  ].map(succeed));
  await file('new.json', { password: NEW });
  await writeFile(scene.at('files', 'editor.cjs'), `const fs = require('node:fs'); fs.writeFileSync(process.argv[2], fs.readFileSync(process.argv[2], 'utf8').replace('${OLD}', '${NEW}'));`);
}

interface Scenario {
  readonly name: string;
  readonly prepare?: (scene: RepositoryScene) => Promise<unknown>;
  readonly args: readonly string[];
  /** Items that are not as in the {@link BEGINNING} once it is done; each is changed in one step, so that nobody ever sees a third state. */
  readonly changed: States;
  /** Codes with which another run may end where the killed one did everything. */
  readonly done?: readonly string[];
  /** Operations that an undisturbed run must have, so that the scenario is what its name says. */
  readonly operations: readonly RegExp[];
  /** Problems that `vault verify` may name before it is run again. */
  readonly problems?: readonly string[];
  /** An editor is run, with plaintext in memory. */
  readonly edits?: boolean;
  /** It is killed at every point, and not at those alone that are {@link isDistinct}. */
  readonly everywhere?: boolean;
}

const PAIR = [/rename .*\.pending/, /rename .*_keys\.json/, /unlink .*\.pending/] as const;
const UPDATE = ['--from', '../files/new.json'];
const INVENTORY = [/unlink .*nodes\/web1/, /unlink .*clients\/web1/] as const;

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'create item', args: ['create', 'item', VAULT, 'four', ...UPDATE, '--search', 'role:web'],
    changed: { four: { generation: 1, readers: ['alice', 'web1', 'web2'], values: { password: NEW } } }, done: ['item-exists'], operations: PAIR,
  },
  {
    name: 'update of a value', args: ['update', VAULT, 'one', ...UPDATE],
    changed: { one: { ...one, generation: 2, values: { ...one.values, password: NEW } } }, operations: PAIR,
  },
  {
    name: 'update of the query, by which some gain and some lose', args: ['update', VAULT, 'one', '--search', 'role:db', '--yes'],
    changed: { one: { ...one, generation: 2, readers: three.readers } }, operations: PAIR,
  },
  {
    name: 'edit', args: ['edit', VAULT, 'one'], edits: true,
    changed: { one: { ...one, generation: 2, values: { ...one.values, password: NEW } } }, operations: PAIR,
  },
  {
    name: 'refresh with a newcomer', prepare: (scene) => scene.addNode('web3', 'web'), args: ['refresh'],
    changed: { one: { ...one, generation: 2, readers: [...one.readers, 'web3'] }, two: { ...two, generation: 2, readers: [...two.readers, 'web3'] } },
    operations: [/rename .*one_keys\.json/, /rename .*two_keys\.json/],
  },
  {
    name: 'refresh by which a node loses two items', prepare: (scene) => succeed(scene.vault('node', 'add', 'web2', '--key', scene.lines.get('web2') ?? '', '--role', 'db', '--force')),
    args: ['refresh', '--yes'],
    changed: {
      one: { ...one, generation: 2, readers: ['alice', 'web1'] }, two: { ...two, generation: 2, readers: ['alice', 'db1', 'web1'] },
      three: { ...three, generation: 2, readers: ['alice', 'db1', 'web2'] },
    },
    operations: PAIR,
  },
  {
    name: 'remove of a client', args: ['remove', VAULT, 'two', '--clients', 'db1', '--yes'],
    changed: { two: { ...two, generation: 2, readers: ['alice', 'web1', 'web2'] } }, done: ['party-not-found'], operations: PAIR,
  },
  {
    name: 'evict', args: ['evict', 'web1', '--yes'],
    changed: { one: { ...one, generation: 2, readers: ['alice', 'web2'] }, two: { ...two, generation: 2, readers: ['alice', 'db1', 'web2'] } },
    done: ['party-not-found'], operations: [...PAIR, ...INVENTORY],
  },
  {
    name: 'delete item', args: ['delete', 'item', VAULT, 'one', '--yes'], changed: { one: undefined }, done: ['item-not-found'],
    operations: [/unlink .*\/one\.json/, /unlink .*\/one_keys\.json/, /rename .*seen/], problems: ['one: document-invalid', 'one: item-missing'],
    everywhere: true,
  },
];

/**
 * What is left before an operation is what the one before left; a sync changes nothing that a killed process leaves; and as long as a
 * neighbour is written, it alone is different: half of it stands for all of that. The deletion strikes each of these, for one file, and
 * kill.test.ts every step of writing an item, and new directories.
 */
function isDistinct({ moment, name }: FilePoint): boolean {
  return moment === 'torn' || (moment === 'after' && /: (rename|link|unlink) /.test(name));
}

let scenes: readonly RepositoryScene[] = [];
let runtime = '';
let inTurn: ReturnType<typeof takeTurns<RepositoryScene>>;
let prepared = 0;

describe('killed anywhere', () => {
  before(async () => {
    scenes = await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      const scene = await openRepositoryScene();
      await prepareScene(scene);
      await scene.save();
      return scene;
    }));
    inTurn = takeTurns(scenes);
    if (existsSync('/dev/shm')) runtime = await mkdtemp('/dev/shm/vault-test-');
  });
  after(async () => {
    await Promise.all(scenes.map((scene) => scene.close()));
    if (runtime !== '') await rm(runtime, { recursive: true, force: true });
  });

  /** Runs `check` at each point of `args`, in scenes that `prepare` brought to where they begin. */
  async function atEachPoint(
    args: readonly string[], prepare: Scenario['prepare'], variables: Readonly<Record<string, string>>,
    run: (name: string, work: () => Promise<void>) => Promise<void>, check: (scene: RepositoryScene, killed: Finished, point: FilePoint) => Promise<void>,
    wanted = isDistinct,
  ): Promise<readonly FilePoint[]> {
    const start = `prepared-${String(prepared++)}`;
    await Promise.all(scenes.map(async (scene) => {
      await scene.reset();
      await prepare?.(scene);
      await scene.save(start);
    }));
    const points = await inTurn(async (scene) => {
      await scene.reset(start);
      return await findFilePoints(scene, args, variables);
    });
    await Promise.all(points.filter(wanted).map((point) => run(point.name, () => inTurn(async (scene) => {
      await scene.reset(start);
      await check(scene, await killAtFile(scene, args, point, variables), point);
    }))));
    return points;
  }

  for (const { name, prepare, args, changed, done = [], operations, problems = [], edits = false, everywhere = false } of SCENARIOS) {
    test(`during ${name}`, { concurrency: AT_ONCE, skip: edits && !existsSync('/dev/shm') && 'needs a directory in memory' }, async (t) => {
      const variables: Record<string, string> = edits ? { EDITOR: 'node ../files/editor.cjs', XDG_RUNTIME_DIR: runtime } : {};
      const words = [...args, '--json'];
      const after: States = { ...BEGINNING, ...changed };
      const points = await atEachPoint(words, prepare, variables, (point, work) => t.test(point, work), async (scene, killed) => {
        const people = await everybody(scene);
        for (const problem of await problemsOf(scene)) assert.ok(problems.includes(problem), problem);
        for (const item of Object.keys(after)) {
          if (problems.length > 0 && Object.hasOwn(changed, item)) continue;
          await assertOneOf(scene, people, item, [(BEGINNING as States)[item], after[item]]);
        }
        await assertSecret(scene, [OLD, NEW], [killed]);
        const again = await scene.start(words, { variables }).finished;
        if (again.exitCode !== 0) {
          const { error } = JSON.parse(again.stdout) as { error: { code: string } };
          assert.ok(done.includes(error.code), describeEnd(again));
        }
        assert.deepEqual(await problemsOf(scene), []);
        for (const item of Object.keys(after)) await assertOneOf(scene, people, item, [after[item]]);
        await assertSecret(scene, [OLD, NEW], [again]);
        // In the state directory half a file may stay where there is nothing more to remember; the next one replaces it.
        assert.deepEqual(await unfinishedFiles(scene, 'repository'), []);
      }, everywhere ? () => true : isDistinct);
      const names = points.map((point) => point.name).join('\n');
      for (const each of operations) assert.match(names, each);
    });
  }

  test('during rotate keys --all, which is gone on with: no item is rotated twice', { concurrency: AT_ONCE }, async (t) => {
    const args = ['rotate', 'keys', '--all', '--json'];
    const rotations = async (scene: RepositoryScene): Promise<string[]> =>
      (await readdir(scene.at('state', 'iam-vault', 'rotations')).catch((): string[] => [])).filter((file) => file.endsWith('.json'));
    const points = await atEachPoint(args, undefined, {}, (point, work) => t.test(point, work), async (scene, killed) => {
      const people = await everybody(scene);
      const generations: number[] = [];
      for (const [item, state] of Object.entries(BEGINNING)) {
        generations.push((await assertOneOf(scene, people, item, [state, { ...state, generation: 2 }])).generation);
      }
      assert.deepEqual(await problemsOf(scene), []);
      // Where the killed run had done everything, another begins anew.
      const generation = (await rotations(scene)).length === 0 && generations.every((each) => each === 2) ? 3 : 2;
      const again = await succeed(scene.vault(...args));
      for (const [item, state] of Object.entries(BEGINNING)) await assertOneOf(scene, people, item, [{ ...state, generation }]);
      assert.deepEqual(await problemsOf(scene), []);
      assert.deepEqual(await rotations(scene), []);
      assert.deepEqual(await unfinishedFiles(scene, 'repository'), []);
      await assertSecret(scene, [OLD, NEW], [killed, again]);
    });
    const names = points.map((point) => point.name).join('\n');
    for (const each of [...PAIR, /rename .*rotations/, /unlink .*rotations/]) assert.match(names, each);
  });

  for (const force of [[], ['--force']]) {
    test(`during download ${force.join()}: a file is there as a whole, or not at all`, { concurrency: AT_ONCE }, async (t) => {
      const args = ['download', VAULT, 'three', '../files/out', '--json', ...force];
      const files = { 'password': OLD, 'port.json': '5432\n' };
      const check = async (scene: RepositoryScene): Promise<readonly string[]> => {
        const found = await readdir(scene.at('files', 'out')).catch((): string[] => []);
        for (const [name, content] of Object.entries(files)) if (found.includes(name)) assert.equal(await readFile(scene.at('files', 'out', name), 'utf8'), content);
        for (const name of found) assert.equal((await stat(scene.at('files', 'out', name))).mode & 0o077, 0, name);
        return found;
      };
      await atEachPoint(args, undefined, {}, (point, work) => t.test(point, work), async (scene, killed) => {
        const left = await check(scene);
        const again = await scene.start(args).finished;
        if (again.exitCode !== 0) {
          assert.equal((JSON.parse(again.stdout) as { error: { code: string } }).error.code, 'file-exists', describeEnd(again));
          assert.ok(force.length === 0 && Object.keys(files).some((name) => left.includes(name)));
          await succeed(scene.vault(...args, '--force'));
        }
        const found = await check(scene);
        assert.deepEqual(found.filter((name) => !name.startsWith('.')).sort(), Object.keys(files));
        if (force.length > 0) assert.deepEqual(await unfinishedFiles(scene, 'files', 'repository'), []);
        await assertSecret(scene, [OLD, NEW], [killed, again]);
      });
    });
  }
});

/** An item is in one of these states, seen by everybody alike; which of them its generation says. */
async function assertOneOf(scene: RepositoryScene, people: Awaited<ReturnType<typeof everybody>>, item: string, states: readonly (ItemState | undefined)[]): Promise<ItemState> {
  const found = await stateOfItem(scene, people, item);
  assert.deepEqual(found, states.find((state) => state?.generation === found?.generation) ?? states[0], item);
  return found ?? { generation: 0, readers: [], values: {} };
}
