// What is trusted: pins, forks, rollbacks, broken links.
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { loadIdentity } from '../../src/config/identities.ts';
import { encodeRoster, parseRoster, rosterDigest, signRoster, type Roster } from '../../src/trust/roster.ts';
import { openWorld, type World } from '../scripts/cliWorld.ts';
import { addColleague, type Colleague } from '../scripts/colleagues.ts';

interface Shown {
  readonly remembered: { readonly version: number; readonly fingerprint: string; readonly repository: string } | null;
  readonly here: { readonly version: number; readonly fingerprint: string; readonly repository: string; readonly quorum: number; readonly admins: readonly string[] } | null;
  readonly problem?: { readonly code: string };
}

const exit = { trust: 5 };

describe('what is trusted', () => {
  let world: World;
  let bob: Colleague;
  let [one, two, three] = ['', '', ''];
  before(async () => {
    world = await openWorld();
    bob = await addColleague(world, 'bob');
    one = await newest();
    await world.result('admin add', ['admin', 'add', 'bob', '--file', bob.keyFile]);
    two = await newest();
    const carol = await addColleague(world, 'carol');
    await world.result('admin add', ['admin', 'add', 'carol', '--file', carol.keyFile]);
    three = await newest();
  });
  after(() => world.close());

  const newest = async (): Promise<string> => String((await world.result('admin list', ['admin', 'list']))['fingerprint']);
  const file = (version: number): string => world.at('repository', 'trust', `${String(version)}.json`);
  const show = async (exitCode = 0, variables: Readonly<Record<string, string>> = {}): Promise<Shown> => await world.result('trust show', ['trust', 'show'], { exitCode, variables }) as unknown as Shown;
  /** Runs `work` with another content of trust/N.json, and puts the true one back. */
  const withVersion = async (version: number, bytes: Uint8Array | undefined, work: () => Promise<void>): Promise<void> => {
    const kept = await readFile(file(version));
    try {
      if (bytes === undefined) await rm(file(version));
      else await writeFile(file(version), bytes);
      await work();
    } finally {
      await writeFile(file(version), kept);
    }
  };
  /** Version N as it is, but for a change, signed by the first admin. */
  const signedBy = async (version: number, change: Partial<Roster>): Promise<{ bytes: Uint8Array; digest: string }> => {
    const roster: Roster = { ...parseRoster(await readFile(file(version)), 'roster').roster, ...change };
    const identity = await loadIdentity(world.admin);
    return { bytes: encodeRoster({ roster, signatures: [signRoster(roster, 'alice', identity)] }), digest: rosterDigest(roster) };
  };

  it('is shown, and showing it trusts nothing', async () => {
    const own = await show();
    assert.deepEqual(own, { ...own, remembered: { version: 3, fingerprint: three, repository: one }, here: { version: 3, fingerprint: three, repository: one, quorum: 1, admins: ['alice', 'bob', 'carol'] } });
    const before = await world.tree();
    const newcomer = await show(0, bob.variables);
    assert.equal(newcomer.remembered, null);
    assert.equal(newcomer.here?.fingerprint, three);
    assert.deepEqual(await world.tree(), before);
  });

  it('is pinned by the fingerprint of any version', async () => {
    await world.refused('roster-pin-mismatch', ['trust', 'pin', 'A'.repeat(43)], { variables: bob.variables });
    const pinned = await world.result('trust pin', ['trust', 'pin', '--', two], { variables: bob.variables }) as unknown as Shown;
    assert.deepEqual(pinned.remembered, { version: 3, fingerprint: three, repository: one });
    assert.deepEqual((await show(0, bob.variables)).remembered, pinned.remembered);
    await world.result('trust pin', ['trust', 'pin', '--', one], { variables: bob.variables });
    await world.result('admin quorum', ['admin', 'quorum', '1'], { variables: bob.variables });
  });

  it('a fork is told from another repository', async () => {
    const fork = await signedBy(3, { time: '2030-01-01T00:00:00Z' });
    await withVersion(3, fork.bytes, async () => {
      const error = await world.refused('roster-fork', ['admin', 'list']);
      assert.deepEqual([error['version'], error['pinned'], error['found']], [3, three, fork.digest]);
      await world.refused('roster-fork', ['list']);
      const shown = await show(exit.trust);
      assert.deepEqual([shown.problem?.code, shown.remembered?.fingerprint, shown.here?.fingerprint], ['roster-fork', three, fork.digest]);
      await world.refused('roster-fork', ['trust', 'pin', '--', fork.digest]);
      await world.refused('confirmation-needed', ['trust', 'pin', '--replace', '--', fork.digest]);
    });
    await show();
    // Not signed, it is none.
    const roster: Roster = { ...parseRoster(await readFile(file(3)), 'roster').roster, quorum: 2 };
    await withVersion(3, encodeRoster({ roster, signatures: [] }), async () => {
      await world.refused('roster-pin-mismatch', ['admin', 'list']);
      assert.equal((await show(exit.trust)).problem?.code, 'roster-broken');
      await world.refused('roster-broken', ['trust', 'pin', '--', one]);
    });
  });

  it('a rollback and a broken link say what to check', async () => {
    await withVersion(3, undefined, async () => {
      await world.refused('roster-rollback', ['admin', 'list']);
      assert.equal((await show(exit.trust)).problem?.code, 'roster-rollback');
      await world.refused('roster-rollback', ['trust', 'pin', '--', one]);
      const stranger = { XDG_STATE_HOME: world.at('fresh') };
      await world.result('admin list', ['admin', 'list'], { variables: stranger });
    });
    const other = await signedBy(2, { time: '2030-01-01T00:00:00Z' });
    await withVersion(2, other.bytes, async () => {
      await world.result('admin list', ['admin', 'list']); // From the pin on, all is as it was.
      assert.equal((await show(exit.trust)).problem?.code, 'roster-broken');
      await world.refused('roster-broken', ['admin', 'list'], { variables: { XDG_STATE_HOME: world.at('fresher') } });
    });
  });

  it('another repository in its place is that, and is pinned only after a question', async () => {
    const { repository } = world;
    await world.result('init', ['init', 'elsewhere', '--admin', 'alice'], { cwd: world.directory });
    const bytes = await readFile(world.at('elsewhere', 'trust', '1.json'));
    const found = rosterDigest(parseRoster(bytes, 'roster').roster);
    const kept = await Promise.all([1, 2, 3].map((version) => readFile(file(version))));
    await Promise.all([2, 3].map((version) => rm(file(version))));
    await writeFile(file(1), bytes);
    await world.refused('roster-rollback', ['admin', 'list']);
    assert.equal((await show(exit.trust)).here?.fingerprint, found);
    await world.refused('roster-rollback', ['trust', 'pin', '--', found]);
    await world.refused('confirmation-needed', ['trust', 'pin', '--replace', '--', found]);
    const pinned = await world.result('trust pin', ['trust', 'pin', '--replace', '--yes', '--', found]) as unknown as Shown;
    assert.deepEqual(pinned.remembered, { version: 1, fingerprint: found, repository: found });
    await world.result('admin list', ['admin', 'list'], { cwd: repository });
    for (const [i, content] of kept.entries()) await writeFile(file(i + 1), content);
    await world.refused('roster-pin-mismatch', ['admin', 'list']);
    await world.result('trust pin', ['trust', 'pin', '--replace', '--yes', '--', two]);
    assert.equal((await show()).remembered?.fingerprint, three);
  });
});
