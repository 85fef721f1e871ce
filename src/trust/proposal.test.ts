import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError, type ErrorCode } from '../errors.ts';
import { adminOf, alice, bob, carol, mac, person, roster as roster1, rosterOf, stranger, TIME, web, type Person } from '../items/example.testing.ts';
import { adminWithKeys } from './adminKeys.ts';
import { addSignature, approvalOf, compareRosters, isSatisfied, nextRoster, proposalState, sameContent, type RosterChange } from './proposal.ts';
import { encodeRoster, rosterDigest, signRoster, type Roster, type SignedRoster } from './roster.ts';
import { formerAdmins, walkRoster } from './walk.ts';

const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);
const unsigned = (roster: Roster): SignedRoster => ({ roster, signatures: [] });
const three = rosterOf(2, [alice, bob, carol], 2, rosterDigest(roster1));

describe('the next roster', () => {
  test('adds, removes, and changes the quorum', () => {
    const next = nextRoster(three, { add: [adminOf(web)], remove: ['bob'], quorum: 3 }, TIME);
    assert.deepEqual(next, rosterOf(3, [alice, carol, web], 3, rosterDigest(three)));
    assert.deepEqual(compareRosters(three, next), { gained: [adminOf(web)], lost: [adminOf(bob)], quorum: { before: 2, after: 3 } });
    assert.ok(isSatisfied(next, { add: [adminOf(web)], remove: ['bob'], quorum: 3 }));
    assert.ok(!isSatisfied(three, { add: [adminOf(web)] }));
    assert.ok(!isSatisfied(next, { add: [adminOf({ ...stranger, name: 'web1' })] }));
  });

  test('is refused where nobody could go on from it', () => {
    const refused = (change: RosterChange, code: ErrorCode, from = three): void => { assert.throws(() => nextRoster(from, change, TIME), failsWith(code)); };
    refused({ add: [adminOf(bob)] }, 'party-exists');
    refused({ remove: ['bbo'] }, 'party-not-found');
    refused({ remove: ['alice'] }, 'roster-unreachable', roster1);
    for (const quorum of [0, -1, 4, 1.5, NaN]) refused({ quorum }, 'roster-unreachable');
    refused({ remove: ['bob', 'carol'] }, 'roster-unreachable');
    refused({ add: [adminOf({ ...bob, name: 'robert' })], quorum: 4 }, 'roster-unreachable');
    assert.doesNotThrow(() => nextRoster(three, { add: [adminOf(web)], quorum: 4 }, TIME));
  });

  test('a changed key is a loss and a gain', () => {
    const before = rosterOf(1, [alice, bob], 1, null);
    const after: Roster = { ...before, admins: [adminOf(alice), adminOf({ ...carol, name: 'bob' })] };
    const { gained, lost } = compareRosters(before, after);
    assert.deepEqual([gained.map(({ name }) => name), lost.map(({ name }) => name)], [['bob'], ['bob']]);
  });
});

describe('keys of an admin', () => {
  test('an SSH key serves for both, an age key for none', () => {
    const ssh = bob.identity.publicKey.line;
    assert.deepEqual(adminWithKeys('bob', `${ssh} bob@host\n`, undefined), adminOf(bob));
    assert.deepEqual(adminWithKeys('alice', alice.identity.publicKey.line, alice.identity.signingKey?.line), adminOf(alice));
    assert.throws(() => adminWithKeys('mac', mac.identity.publicKey.line, undefined), failsWith('key-invalid'));
    assert.throws(() => adminWithKeys('alice', alice.identity.publicKey.line, undefined), failsWith('key-invalid'));
    assert.throws(() => adminWithKeys('../x', ssh, undefined), failsWith('name-invalid'));
  });
});

describe('signatures on a proposal', () => {
  const next = nextRoster(three, { add: [adminOf(web)] }, TIME);

  test('are counted by key, and told by name', () => {
    const once = addSignature(unsigned(next), three, alice);
    assert.deepEqual(approvalOf(unsigned(next), three), { signed: [], missing: ['alice', 'bob', 'carol'], needed: 2 });
    assert.deepEqual(approvalOf(once, three), { signed: ['alice'], missing: ['bob', 'carol'], needed: 1 });
    assert.equal(addSignature(once, three, alice), once, 'the very same');
    assert.deepEqual(approvalOf(addSignature(once, three, bob), three), { signed: ['alice', 'bob'], missing: ['carol'], needed: 0 });
  });

  test('of strangers, and under another\'s name, are refused', () => {
    assert.throws(() => addSignature(unsigned(next), three, stranger), failsWith('not-an-admin'));
    assert.throws(() => addSignature(unsigned(next), three, { name: 'alice', identity: stranger.identity }), failsWith('not-an-admin'));
    assert.throws(() => addSignature(unsigned(next), three, { name: 'bob', identity: alice.identity }), failsWith('not-an-admin'));
    assert.throws(() => addSignature(unsigned(next), three, web), failsWith('not-an-admin'), 'who is proposed is none yet');
  });

  test('that count for nothing are left out', () => {
    const junk = Array.from({ length: 900 }, () => signRoster(next, 'alice', stranger.identity));
    const signed = addSignature({ roster: next, signatures: [...junk, signRoster(next, 'bob', bob.identity)] }, three, alice);
    assert.deepEqual(signed.signatures.map(({ name }) => name), ['bob', 'alice']);
  });

  test('come too late for one that is stale, and never make a roster unreachable', () => {
    const after = nextRoster(three, { quorum: 1 }, TIME);
    assert.deepEqual([proposalState(next, three), proposalState(next, after), proposalState(after, after), proposalState({ ...next, previous: rosterDigest(after) }, three)], ['open', 'stale', 'in-effect', 'stale']);
    assert.throws(() => addSignature(unsigned(next), after, alice), failsWith('store-conflict'));
    assert.throws(() => addSignature(unsigned({ ...next, quorum: 5 }), three, alice), failsWith('roster-unreachable'));
    assert.ok(sameContent(next, { ...next, time: '2030-01-01T00:00:00Z' }));
    assert.ok(!sameContent(next, { ...next, quorum: 1 }));
  });
});

describe('any sequence of changes', async () => {
  const people: readonly Person[] = [alice, bob, carol, web, stranger, await person('erin', 'vault', 0x55)];
  const change = fc.record({
    add: fc.option(fc.integer({ min: 0, max: people.length - 1 }), { nil: undefined }),
    remove: fc.option(fc.integer({ min: 0, max: people.length - 1 }), { nil: undefined }),
    quorum: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
    signers: fc.shuffledSubarray([...people]),
  });
  const at = (i: number): Person => people[i] ?? alice;

  test('gives a chain that walks, and below the quorum there is none', async () => {
    await fc.assert(fc.asyncProperty(fc.array(change, { maxLength: 8 }), async (changes) => {
      let present = roster1;
      const chain = [encodeRoster(addFirst(roster1))];
      for (const { add, remove, quorum, signers } of changes) {
        let next: Roster;
        try {
          next = nextRoster(present, { add: add === undefined ? [] : [adminOf(at(add))], remove: remove === undefined ? [] : [at(remove).name], quorum }, TIME);
        } catch (error) {
          assert.ok(isVaultError(error, 'party-exists', 'party-not-found', 'roster-unreachable'), String(error));
          continue;
        }
        let signed = unsigned(next);
        for (const signer of signers) {
          try {
            signed = addSignature(signed, present, signer);
          } catch (error) {
            assert.ok(isVaultError(error, 'not-an-admin'), String(error));
          }
        }
        const { needed } = approvalOf(signed, present);
        const walked = walkRoster((version) => Promise.resolve([...chain, encodeRoster(signed)][version - 1]), undefined);
        if (needed > 0) {
          await assert.rejects(walked, failsWith('roster-broken'));
          continue;
        }
        assert.equal((await walked).roster.version, next.version);
        chain.push(encodeRoster(signed));
        present = next;
      }
      const whole = await walkRoster((version) => Promise.resolve(chain[version - 1]), undefined);
      assert.deepEqual(whole.roster, present);
      const [now, former] = [whole.roster.admins, formerAdmins(whole)].map((admins) => admins.map(({ name }) => name));
      const ever = new Set(whole.versions.flatMap(({ admins }) => admins.map(({ name }) => name)));
      assert.deepEqual([...now ?? [], ...former ?? []].sort(), [...ever].sort());
    }), { numRuns: 60 });
  });
});

function addFirst(roster: Roster): SignedRoster {
  return { roster, signatures: [signRoster(roster, 'alice', alice.identity)] };
}

describe('who may only seal', () => {
  const refresher = { ...adminOf(web), rights: ['seal'] as const };
  const withRefresher = nextRoster(three, { add: [refresher] }, TIME);

  test('signs no roster, and no quorum counts on them', () => {
    const next = nextRoster(withRefresher, { add: [adminOf(stranger)] }, TIME);
    assert.throws(() => addSignature(unsigned(next), withRefresher, web), failsWith('not-an-admin'));
    const signed: SignedRoster = { roster: next, signatures: [web, alice].map(({ name, identity }) => signRoster(next, name, identity)) };
    assert.deepEqual(approvalOf(signed, withRefresher), { signed: ['alice'], missing: ['bob', 'carol'], needed: 1 });
    assert.throws(() => nextRoster(withRefresher, { quorum: 4 }, TIME), failsWith('roster-unreachable'));
    assert.throws(() => nextRoster(withRefresher, { remove: ['alice', 'bob', 'carol'], quorum: 1 }, TIME), failsWith('roster-unreachable'));
  });

  test('has a key of their own, and other rights are a loss and a gain', () => {
    assert.throws(() => nextRoster(three, { add: [{ ...adminOf({ ...alice, name: 'alice2' }), rights: ['seal'] }] }, TIME), failsWith('party-exists'));
    assert.throws(() => nextRoster(withRefresher, { add: [adminOf({ ...web, name: 'web2' })] }, TIME), failsWith('party-exists'));
    const promoted: Roster = { ...withRefresher, admins: [...three.admins, adminOf(web)] };
    const { gained, lost } = compareRosters(withRefresher, promoted);
    assert.deepEqual([gained, lost], [[adminOf(web)], [refresher]]);
    assert.ok(!isSatisfied(withRefresher, { add: [adminOf(web)] }));
  });
});
