// Many processes that change one repository at once: nobody's change is lost, and who stops says so with the stated code.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { exitCodeOf } from '../../src/reporting/exitCodes.ts';
import { everybody, problemsOf, stateOfItem, unfinishedFiles, VAULT, type ItemState } from '../scripts/itemChecks.ts';
import { openRepositoryScene, succeed, type RepositoryScene } from '../scripts/repositoryScene.ts';
import { describeEnd, type Finished } from '../scripts/vaultProcess.ts';

const ITEMS = ['one', 'two', 'three'];

describe('processes that change one repository at once', () => {
  let scene: RepositoryScene;
  const vault = (...args: readonly string[]): Promise<Finished> => scene.vault(...args, '--json');
  const values = async (name: string, content: object): Promise<string> => {
    await writeFile(scene.at('files', `${name}.json`), JSON.stringify(content));
    return scene.at('files', `${name}.json`);
  };
  const update = async (item: string, content: object): Promise<Finished> => await vault('update', VAULT, item, '--from', await values(Object.keys(content).join('-'), content));

  before(async () => {
    scene = await openRepositoryScene();
    await Promise.all([scene.addNode('web1', 'web'), scene.addNode('web2', 'web'), scene.addNode('db1', 'db')]);
    const file = await values('first', { first: 1 });
    await Promise.all(ITEMS.map((item) => succeed(vault('create', 'item', VAULT, item, '--from', file, '--search', 'role:web'))));
    await scene.save();
  });
  after(() => scene.close());

  /** Tests of one scene, one after the other: the processes are many already. */
  const test = (name: string, work: () => Promise<void>): void => {
    it(name, async () => {
      await scene.reset();
      await work();
      assert.deepEqual(await problemsOf(scene), []);
      await succeed(vault('verify'));
      assert.deepEqual(await unfinishedFiles(scene, 'repository', 'state'), []);
    });
  };
  const stateOf = async (item: string): Promise<ItemState | undefined> => await stateOfItem(scene, await everybody(scene), item);

  test('eight updates of different fields: all are there', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `field${String(i)}`);
    await Promise.all(names.map((name) => succeed(update('one', { [name]: name }))));
    assert.deepEqual(await stateOf('one'), {
      generation: 9, readers: ['alice', 'web1', 'web2'], values: { first: 1, ...Object.fromEntries(names.map((name) => [name, name])) },
    });
  });

  test('eight updates of one field: one value is there, and each was for a while', async () => {
    await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      await writeFile(scene.at('files', `value${String(i)}.json`), JSON.stringify({ first: `value${String(i)}` }));
      await succeed(vault('update', VAULT, 'one', '--from', scene.at('files', `value${String(i)}.json`)));
    }));
    const found = await stateOf('one');
    assert.equal(found?.generation, 9);
    assert.match(JSON.stringify(found.values), /^\{"first":"value\d"\}$/);
  });

  test('a refresh against a rotation of everything: who comes is in, who goes is out', async () => {
    await scene.addNode('web3', 'web');
    await succeed(vault('node', 'add', 'web2', '--key', scene.lines.get('web2') ?? '', '--role', 'db', '--force'));
    const before = await Promise.all(ITEMS.map(stateOf));
    await Promise.all([vault('refresh', '--yes'), vault('rotate', 'keys', '--all')].map(succeed));
    for (const [i, item] of ITEMS.entries()) {
      assert.deepEqual(await stateOf(item), { ...before[i], generation: 3, readers: ['alice', 'web1', 'web3'] });
    }
  });

  test('an eviction against updates: the node is out, and the values are in', async () => {
    const updates = ITEMS.flatMap((item) => ['a', 'b'].map((name) => update(item, { [`${name}-${item}`]: name })));
    const [evicted, ...ends] = await Promise.all([vault('evict', 'web2', '--yes'), ...updates]);
    // Between the inventory and its items the node is unknown; who read the inventory before is told of a conflict. Who stopped runs it again.
    assert.equal(evicted.exitCode, 0, describeEnd(evicted));
    for (const end of ends) assertDoneOr(end, 'store-conflict', 'recipient-unknown');
    await Promise.all(ITEMS.flatMap((item) => ['a', 'b'].map((name) => succeed(update(item, { [`${name}-${item}`]: name })))));
    for (const item of ITEMS) {
      const { readers, values: found } = await stateOf(item) ?? assert.fail();
      assert.deepEqual([readers, found], [['alice', 'web1'], { first: 1, [`a-${item}`]: 'a', [`b-${item}`]: 'b' }]);
    }
  });

  test('two rotations of everything: the second waits, and rotates again', async () => {
    await Promise.all([vault('rotate', 'keys', '--all'), vault('rotate', 'keys', '--all')].map(succeed));
    for (const item of ITEMS) assert.deepEqual(await stateOf(item), { generation: 3, readers: ['alice', 'web1', 'web2'], values: { first: 1 } });
  });

  test('four that make an item of one name: one does', async () => {
    const ends = await Promise.all(Array.from({ length: 4 }, async (_, i) => {
      await writeFile(scene.at('files', `new${String(i)}.json`), JSON.stringify({ by: i }));
      return await vault('create', 'item', VAULT, 'new', '--from', scene.at('files', `new${String(i)}.json`), '--search', 'role:db');
    }));
    for (const end of ends) assertDoneOr(end, 'item-exists', 'store-conflict');
    const winners = ends.flatMap(({ exitCode }, i) => (exitCode === 0 ? [i] : []));
    assert.equal(winners.length, 1, ends.map(describeEnd).join('\n'));
    assert.deepEqual(await stateOf('new'), { generation: 1, readers: ['alice', 'db1'], values: { by: winners[0] } });
  });

  test('a deletion against an update: the item is gone, or it is as the update left it', async () => {
    for (const item of ITEMS) {
      const [deleted, updated] = await Promise.all([vault('delete', 'item', VAULT, item, '--yes'), update(item, { second: 2 })]);
      assertDoneOr(deleted, 'store-conflict');
      assertDoneOr(updated, 'store-conflict', 'item-not-found', 'item-missing', 'document-invalid');
      assert.deepEqual(await stateOf(item), deleted.exitCode === 0 ? undefined : { generation: 2, readers: ['alice', 'web1', 'web2'], values: { first: 1, second: 2 } });
      assert.ok(deleted.exitCode === 0 || updated.exitCode === 0);
    }
  });
});

/** A process ended well, or with one of these codes and its exit code. */
function assertDoneOr(end: Finished, ...codes: readonly ErrorCode[]): void {
  if (end.exitCode === 0) return;
  const { error, items = [] } = JSON.parse(end.stdout) as { error?: { code: ErrorCode }; items?: { error?: { code: ErrorCode } }[] };
  const found = error === undefined ? items.flatMap((item) => item.error?.code ?? []) : [error.code];
  assert.ok(found.length > 0 && found.every((code) => codes.includes(code)), describeEnd(end));
  assert.ok(found.some((code) => exitCodeOf(code) === end.exitCode), describeEnd(end));
}
