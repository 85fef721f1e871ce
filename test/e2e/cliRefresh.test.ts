// Who can read, after the fleet or the query changed: refresh, rotate keys, remove.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { parseKeys, type KeysDocument } from '../../src/items/model.ts';
import { ONE, openWorld, type World } from '../scripts/cliWorld.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';
import { succeed } from '../scripts/vaultScene.ts';

const SECRET = 'PLANTED-3b8e1f27';
const ITEM = 'db';

interface Outcome {
  readonly item: string;
  readonly action?: string;
  readonly generation?: number;
  readonly gained: readonly { readonly name: string }[];
  readonly lost: readonly { readonly name: string; readonly reason: string }[];
  readonly rekeyed: readonly { readonly name: string }[];
  readonly unknown: readonly string[];
  readonly error?: { readonly code: string };
}

let world: World;
let identities: Map<string, string>;

/** One item for the nodes of role web, of whom there are two; and files01, which is none of them. */
async function openFleet(): Promise<void> {
  world = await openWorld({ accounts: [ONE] });
  world.secrets.add(SECRET);
  identities = new Map();
  for (const name of ['web01', 'web02']) identities.set(name, await world.addNode(name, '--role', 'web'));
  identities.set('files01', world.at('keys', 'files01'));
  await world.result('create item', ['create', 'item', 'vault', ITEM, '--search', 'role:web', '--from', '-'], { input: JSON.stringify({ password: SECRET }) });
}

async function run(schema: 'refresh' | 'remove' | 'rotate keys', args: readonly string[], exitCode = 0): Promise<Outcome[]> {
  return (await world.result(schema, args, { exitCode }))['items'] as Outcome[];
}

async function keysOf(item = ITEM): Promise<KeysDocument> {
  return parseKeys(await readFile(join(world.repository, 'data_bags', 'vault', `${item}_keys.json`)), item);
}

const itemBytes = (item = ITEM): Promise<Buffer> => readFile(join(world.repository, 'data_bags', 'vault', `${item}.json`));

/** Exactly these nodes open the item, and see the value. */
async function assertReaders(...names: readonly string[]): Promise<void> {
  for (const [name, identity] of identities) {
    const end = await world.run(['decrypt', 'vault', ITEM, 'password', '--identity', identity]);
    if (names.includes(name)) assert.equal(end.stdout, `${JSON.stringify(SECRET)}\n`, describeEnd(end));
    else assert.equal(end.exitCode, 4, `${name}: ${describeEnd(end)}`);
  }
  await succeed(world.run(['verify', '--no-scan']));
}

describe('vault refresh', () => {
  beforeEach(openFleet);
  const ended = (work: () => Promise<void>) => async (): Promise<void> => {
    try {
      await work();
    } finally {
      await world.close();
    }
  };

  it('seals to a newcomer alone: not a byte of the item, and of its recipients one line, are new', ended(async () => {
    identities.set('web03', await world.addNode('web03', '--role', 'web'));
    const [before, bytes] = [await keysOf(), await itemBytes()];
    assert.equal((await run('refresh', ['refresh', '--dry-run'], 2))[0]?.action, 'extended');
    assert.deepEqual(await keysOf(), before);
    const [outcome] = await run('refresh', ['refresh']);
    assert.equal(outcome?.action, 'extended');
    assert.deepEqual(outcome.gained.map(({ name }) => name), ['web03']);
    assert.deepEqual(await itemBytes(), bytes);
    const after = await keysOf();
    assert.deepEqual(after.clients.filter(({ name }) => name !== 'web03'), before.clients);
    assert.deepEqual(after.admins, before.admins);
    assert.equal(after.header.commitment, before.header.commitment);
    await assertReaders('web01', 'web02', 'web03');
    assert.equal((await run('refresh', ['refresh']))[0]?.action, 'unchanged');
  }));

  it('asks before somebody loses access, and encrypts anew under another key', ended(async () => {
    await succeed(world.run(['node', 'add', 'web02', '--key', (await world.key('again')).line, '--role', 'db', '--force']));
    const before = await keysOf();
    await world.refused('confirmation-needed', ['refresh']);
    const [outcome] = await run('refresh', ['refresh', '--yes']);
    assert.deepEqual([outcome?.action, outcome?.generation], ['resealed', 2]);
    assert.deepEqual(outcome?.lost, [{ role: 'client', name: 'web02', reason: 'not-selected' }]);
    assert.notEqual((await keysOf()).header.commitment, before.header.commitment);
    await assertReaders('web01');
  }));

  it('lets a changed key in only by name', ended(async () => {
    const { file, line } = await world.key('reinstalled');
    await succeed(world.run(['node', 'add', 'web02', '--key', line, '--force']));
    await world.refused('key-changed', ['refresh', '--yes']);
    const [outcome] = await run('refresh', ['refresh', '--accept-key', 'web02', '--yes']);
    assert.deepEqual([outcome?.action, outcome?.rekeyed.map(({ name }) => name)], ['resealed', ['web02']]);
    const end = await world.run(['decrypt', 'vault', ITEM, '--identity', identities.get('web02') ?? '']);
    assert.equal(end.exitCode, 4, describeEnd(end));
    identities.set('web02', file);
    await assertReaders('web01', 'web02');
  }));

  it('keeps a node that is gone until it is told to clean', ended(async () => {
    await succeed(world.run(['node', 'remove', 'web02', '--yes']));
    const [kept] = await run('refresh', ['refresh']);
    assert.deepEqual([kept?.action, kept?.unknown], ['unchanged', ['web02']]);
    await assertReaders('web01', 'web02');
    // What must be sealed anew cannot be sealed to it.
    assert.equal((await run('rotate keys', ['rotate', 'keys', 'vault', ITEM], 3))[0]?.error?.code, 'recipient-unknown');
    const [outcome] = await run('refresh', ['refresh', 'vault', '--clean-unknown', '--yes']);
    assert.deepEqual(outcome?.lost, [{ role: 'client', name: 'web02', reason: 'unknown' }]);
    await assertReaders('web01');
  }));

  it('does not apply a query that selects nobody any more', ended(async () => {
    for (const name of ['web01', 'web02']) await succeed(world.run(['node', 'add', name, '--key', (await world.key(`${name}-2`)).line, '--role', 'db', '--force']));
    assert.equal((await run('refresh', ['refresh', '--yes'], 3))[0]?.error?.code, 'query-selects-nobody');
    await assertReaders('web01', 'web02');
    await run('refresh', ['refresh', '--yes', '--allow-empty']);
    await assertReaders();
  }));

  it('goes on with the other items where one cannot be refreshed, and ends with its code', ended(async () => {
    await world.result('create item', ['create', 'item', 'vault', 'broken', '--search', 'role:web', '--from', '-'], { input: '{"a":1}' });
    await world.write(join('repository', 'data_bags', 'vault', 'broken.json'), '{}\n');
    identities.set('web03', await world.addNode('web03', '--role', 'web'));
    const outcomes = await run('refresh', ['refresh'], 5);
    assert.deepEqual(outcomes.map(({ item, action, error }) => [item, action ?? error?.code]), [['broken', 'item-digest-mismatch'], [ITEM, 'extended']]);
  }));
});

describe('vault rotate keys', () => {
  before(openFleet);
  after(() => world.close());

  it('encrypts anew for the same recipients, whatever the query selects now', async () => {
    const before = await keysOf();
    identities.set('web04', await world.addNode('web04', '--role', 'web'));
    const [outcome] = await run('rotate keys', ['rotate', 'keys', 'vault', ITEM]);
    assert.deepEqual([outcome?.action, outcome?.generation, outcome?.gained, outcome?.lost], ['resealed', 2, [], []]);
    const after = await keysOf();
    assert.notEqual(after.header.commitment, before.header.commitment);
    assert.deepEqual(after.clients.map(({ name }) => name), ['web01', 'web02']);
    await assertReaders('web01', 'web02');
  });

  it('is refused for what is not there, and where it is not said what', async () => {
    await world.refused('item-not-found', ['rotate', 'keys', 'vault', 'nothing']);
    await world.refused('usage', ['rotate', 'keys']);
    await world.refused('usage', ['rotate', 'keys', 'vault', '--all']);
    await world.refused('usage', ['rotate', 'keys', 'vault', ITEM, '--restart']);
  });
});

describe('vault remove', () => {
  before(async () => {
    await openFleet();
    await world.result('update', ['update', 'vault', ITEM, '--clients', 'files01', '--from', '-'], { input: '{"old":"x"}' });
  });
  after(() => world.close());

  it('takes out who was named, and fields', async () => {
    await assertReaders('web01', 'web02', 'files01');
    await world.refused('confirmation-needed', ['remove', 'vault', ITEM, '--clients', 'files01']);
    const [outcome] = await run('remove', ['remove', 'vault', ITEM, '--clients', 'files01', '--fields', 'old', '--yes']);
    assert.deepEqual([outcome?.action, outcome?.lost], ['resealed', [{ role: 'client', name: 'files01', reason: 'excluded' }]]);
    assert.deepEqual((await keysOf()).header.named_clients, []);
    await assertReaders('web01', 'web02');
    // For good: the next refresh does not bring it back.
    assert.equal((await run('refresh', ['refresh']))[0]?.action, 'unchanged');
  });

  it('refuses whom the query selects, whoever is no recipient, fields that are not there, and the last admin', async () => {
    await world.refused('recipient-selected', ['remove', 'vault', ITEM, '--clients', 'web01', '--yes']);
    await world.refused('party-not-found', ['remove', 'vault', ITEM, '--clients', 'files01', '--yes']);
    await world.refused('field-not-found', ['remove', 'vault', ITEM, '--fields', 'nothing', '--yes']);
    await world.refused('usage', ['remove', 'vault', ITEM]);
    assert.equal((await run('remove', ['remove', 'vault', ITEM, '--admins', 'alice', '--yes'], 3))[0]?.error?.code, 'roster-unreachable');
  });
});
