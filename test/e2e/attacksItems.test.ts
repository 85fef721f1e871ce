import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { parseKeys } from '../../src/items/model.ts';
import { openWorld, ROLE, type World } from '../scripts/cliWorld.ts';

/** What somebody tries who can write the store while items are sealed. */
describe('attacks on what is sealed anew', () => {
  let world: World;
  const bag = (name: string): string => world.at('repository', 'data_bags', 'vault', name);
  beforeEach(async () => {
    world = await openWorld();
    for (const item of ['one', 'two']) await world.result('create item', ['create', 'item', 'vault', item, '--search', `role:${ROLE}`, '--from', '-'], { input: '{"password":"planted"}' });
  });
  afterEach(() => world.close());

  /** Puts another key in place of the node's. */
  const replaceKey = async (): Promise<void> => {
    const { line } = await world.key('mallory');
    await world.write('repository/clients/files01.json', JSON.stringify({ name: 'files01', public_key: line }));
  };
  const createThird = async (): Promise<string> => (await world.run(['create', 'item', 'vault', 'three', '--search', `role:${ROLE}`, '--from', '-', '--quiet'], { input: '{"password":"planted"}' })).stderr;

  test('a key is not silently new because the items that knew the old one were removed', async () => {
    await replaceKey();
    for (const item of ['one', 'two']) for (const file of [`${item}.json`, `${item}_keys.json`]) await rm(bag(file));
    const stderr = await createThird();
    assert.match(stderr, /files01/);
    assert.match(stderr, /vault\/one, vault\/two/);
  });

  test('nor because they were damaged; and one sound item is enough to refuse it', async () => {
    await replaceKey();
    await writeFile(bag('one.json'), '{}');
    await world.refused('key-changed', ['create', 'item', 'vault', 'three', '{"password":"x"}', '--search', `role:${ROLE}`]);
    await writeFile(bag('two.json'), '{}');
    assert.match(await createThird(), /vault\/one, vault\/two/);
  });

  test('an interrupted rotation does not take an item for rotated because its keys document was changed', async () => {
    const [sound, keys] = [await readFile(bag('two.json')), await readFile(bag('two_keys.json'), 'utf8')];
    await writeFile(bag('two.json'), '{}');
    assert.notEqual((await world.run(['rotate', 'keys', '--all', '--yes'])).exitCode, 0);
    const { commitment } = parseKeys(new TextEncoder().encode(keys), 'keys').header;
    await writeFile(bag('two.json'), sound);
    await writeFile(bag('two_keys.json'), keys.replace(commitment, `${commitment.startsWith('A') ? 'B' : 'A'}${commitment.slice(1)}`));
    const again = await world.run(['rotate', 'keys', '--all', '--yes']);
    assert.equal(again.exitCode, 5, again.stdout + again.stderr);
    await writeFile(bag('two_keys.json'), keys);
    await world.result('rotate keys', ['rotate', 'keys', '--all', '--yes']);
    assert.notEqual(parseKeys(await readFile(bag('two_keys.json')), 'keys').header.commitment, commitment);
  });
});
