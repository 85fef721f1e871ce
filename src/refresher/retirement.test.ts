import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isVaultError } from '../errors.ts';
import { DEFAULT_POLICY, parsePolicy } from './policy.ts';
import { openRetirements } from './retirement.ts';
import { openRetirementRecord } from './retirementRecord.ts';

const losses = (at: Record<string, readonly string[]>): Map<string, Set<string>> => new Map(Object.entries(at).map(([place, names]) => [place, new Set(names)]));
const names = (count: number, prefix = 'n'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${String(i)}`);

describe('who may be retired at once', () => {
  test('a share of the fleet, and one at least, each counted once however many items it loses', async () => {
    const small = openRetirements(() => DEFAULT_POLICY, () => 0);
    assert.equal(await small.mayRetire(losses({ 'v/a': ['n1'], 'v/b': ['n1'] }), 3), true);
    assert.equal(await small.mayRetire(losses({ 'v/a': ['n2'] }), 3), false);
    const large = openRetirements(() => DEFAULT_POLICY, () => 0);
    assert.equal(await large.mayRetire(losses({ 'v/a': names(10), 'v/b': names(5) }), 100), true);
    assert.equal(await large.mayRetire(losses({ 'v/c': names(10) }), 100), true, 'those who went already are no more than before');
  });

  test('all or nothing: who is held makes others wait too, until time or the policy lets all go', async () => {
    let [now, share] = [0, 0.1];
    const retirements = openRetirements(() => ({ mostRetiredAtOnce: share, within: 1000 }), () => now);
    assert.equal(await retirements.mayRetire(losses({ 'v/a': names(6, 'early') }), 100), true);
    now = 500;
    assert.equal(await retirements.mayRetire(losses({ 'v/a': names(5), 'v/b': names(3) }), 100), false);
    assert.deepEqual([[...retirements.heldNames].sort(), retirements.held()], [names(5), ['v/a', 'v/b']]);
    assert.equal(await retirements.mayRetire(losses({ 'v/c': ['one'] }), 100), false);
    assert.deepEqual([retirements.couldRelease(100), retirements.nextChange()], [false, 500]);
    now = 1000;
    assert.equal(retirements.couldRelease(100), true);
    assert.equal(await retirements.mayRetire(losses({ 'v/a': names(5), 'v/b': [], 'v/c': ['one'] }), 100), true);
    assert.deepEqual([retirements.held(), retirements.nextChange()], [[], undefined]);
    assert.equal(await retirements.mayRetire(losses({ 'v/a': names(20, 'late') }), 100), false);
    share = 0.5;
    assert.equal(retirements.couldRelease(100), true);
    retirements.forget('v/a');
    assert.equal(retirements.couldRelease(100), false, 'nobody is held');
  });

  test('another term, or another refresher whose clock is behind, goes on with the count of the one before', async () => {
    let stored: Uint8Array | undefined;
    const record = openRetirementRecord({ readRecord: () => Promise.resolve(stored), writeRecord: (bytes) => { stored = bytes; return Promise.resolve(); } });
    const first = openRetirements(() => DEFAULT_POLICY, () => 5000);
    await first.begin(record);
    assert.equal(await first.mayRetire(losses({ 'v/a': names(8) }), 100), true);
    assert.equal(await first.mayRetire(losses({ 'v/b': names(3, 'm') }), 100), false);
    await first.begin(record);
    assert.deepEqual(first.held(), [], 'a term looks at everything anew');
    let now = 1000;
    const second = openRetirements(() => DEFAULT_POLICY, () => now);
    await second.begin(record);
    for (const each of [first, second]) assert.equal(await each.mayRetire(losses({ 'v/b': names(3, 'm') }), 100), false);
    now += DEFAULT_POLICY.within;
    assert.equal(await second.mayRetire(losses({ 'v/b': names(3, 'm') }), 100), true, 'nobody is ahead of this clock for ever');
    stored = new TextEncoder().encode('{"retired":{"../n":1}}');
    await openRetirements(() => DEFAULT_POLICY, () => now).begin(record);
  });
});

test('a policy has defaults, and what it does not know is refused', () => {
  const parse = (policy: object): ReturnType<typeof parsePolicy> => parsePolicy(new TextEncoder().encode(JSON.stringify(policy)), 'policy');
  assert.deepEqual(parse({}), { retireSilentAfter: undefined, mostRetiredAtOnce: 0.1, within: 3_600_000, lease: 15_000, monitorPort: undefined, log: { level: 'info', format: 'json' } });
  assert.deepEqual(parse({ retire_silent_after: '7d', most_retired_at_once: '2.5%', monitor: { port: 9466 } }), { ...DEFAULT_POLICY, retireSilentAfter: 604_800_000, mostRetiredAtOnce: 0.025, monitorPort: 9466 });
  for (const wrong of [{ retire_silent_after: '0s' }, { most_retired_at_once: '101%' }, { most_retired_at_once: 10 }, { lease: '10ms' }, { within: 'never' }, { retire: true }]) {
    assert.throws(() => parse(wrong), (error) => isVaultError(error, 'input-invalid'), JSON.stringify(wrong));
  }
});
