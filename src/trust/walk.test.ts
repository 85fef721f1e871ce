import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError, type ErrorCode } from '../errors.ts';
import { alice, bob, carol, repository, roster, rosterOf, signedRoster, stranger } from '../items/example.testing.ts';
import { encodeRoster, parseRoster, rosterDigest, signRoster, countSignatures, type Roster, type SignedRoster } from './roster.ts';
import { formerAdmins, pinOf, walkRoster, type Pin, type TrustedRoster } from './walk.ts';

const one = signedRoster(roster, [alice]);
const two = rosterOf(2, [alice, bob, carol], 2, repository);
const three = rosterOf(3, [bob, carol], 1, rosterDigest(two));
const whole: readonly Uint8Array[] = [one, signedRoster(two, [alice]), signedRoster(three, [carol, alice])];

function walk(versions: readonly (Uint8Array | undefined)[], pin?: Pin): Promise<TrustedRoster> {
  return walkRoster((version) => Promise.resolve(versions[version - 1]), pin);
}

const pin = (of: Roster): Pin => ({ version: of.version, digest: rosterDigest(of) });
const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);
const signedBy = (of: Roster, signatures: SignedRoster['signatures']): Uint8Array => encodeRoster({ roster: of, signatures });

describe('the walk', () => {
  test('goes from version 1 to the newest', async () => {
    const { roster: newest, digests } = await walk(whole);
    assert.deepEqual(newest, three);
    assert.deepEqual(digests, [repository, rosterDigest(two), rosterDigest(three)]);
    assert.deepEqual(pinOf({ roster: newest, digests }), pin(three));
    assert.deepEqual((await walk([one])).digests, [repository]);
  });

  test('begins at a pin, and does not ask for what is before it', async () => {
    const [, second, third] = whole;
    assert.deepEqual((await walk([undefined, second, third], pin(two))).digests, [rosterDigest(two), rosterDigest(three)]);
    assert.deepEqual((await walk([undefined, undefined, third], pin(three))).roster, three);
  });

  test('ends at a gap', async () => {
    const [first, , third] = whole;
    assert.equal((await walk([first, undefined, third])).roster.version, 1);
  });

  test('refuses a store that was rolled back, or is empty', async () => {
    await assert.rejects(walk([]), failsWith('roster-missing'));
    await assert.rejects(walk([one], pin(two)), failsWith('roster-rollback'));
  });

  test('refuses a fork of what was pinned, though it is signed', async () => {
    const fork = { ...two, quorum: 1 };
    await assert.rejects(walk([one, signedRoster(fork, [alice])], pin(two)), failsWith('roster-pin-mismatch'));
    await assert.rejects(walk([signedRoster({ ...roster, quorum: 1, time: '2027-01-01T00:00:00Z' }, [alice])], pin(roster)), failsWith('roster-pin-mismatch'));
  });

  test('refuses a fork after the pin that does not follow from it', async () => {
    const fork = rosterOf(2, [alice], 1, repository);
    await assert.rejects(walk([one, signedRoster(fork, [alice]), signedRoster(three, [carol, alice])], pin(roster)), failsWith('roster-broken'));
  });

  test('needs a quorum of the version before, not of the new one', async () => {
    for (const [signers, error] of [[[alice], 'roster-broken'], [[], 'roster-broken'], [[alice, alice], 'roster-broken'], [[alice, stranger], 'roster-broken']] as const) {
      await assert.rejects(walk([whole[0], whole[1], signedRoster(three, signers)]), failsWith(error));
    }
    assert.equal((await walk([whole[0], whole[1], signedRoster(three, [stranger, alice, bob])])).roster.version, 3, 'a stranger\'s signature does no harm');
    await assert.rejects(walk([one, signedRoster(two, [bob, carol])]), failsWith('roster-broken'));
  });

  test('needs version 1 to be signed by itself, and to be the first', async () => {
    await assert.rejects(walk([signedBy(roster, [])]), failsWith('roster-broken'));
    await assert.rejects(walk([signedRoster(roster, [stranger])]), failsWith('roster-broken'));
    await assert.rejects(walk([signedRoster({ ...roster, previous: rosterDigest(two) }, [alice])]), failsWith('roster-broken'));
    await assert.rejects(walk([signedRoster({ ...roster, version: 2 }, [alice])]), failsWith('roster-broken'));
  });

  test('refuses any change of any byte', async () => {
    const newest = whole[2] ?? one;
    for (let at = 0; at < newest.length; at++) {
      const changed = Uint8Array.from(newest);
      changed[at] = (changed[at] ?? 0) ^ 1;
      try {
        // What changes is a signature beyond the quorum or the name beside one: then the roster itself is the same.
        assert.equal(rosterDigest((await walk([whole[0], whole[1], changed])).roster), rosterDigest(three));
        assert.fail(`byte ${String(at)} does not matter`);
      } catch (error) {
        assert.ok(isVaultError(error, 'document-invalid', 'document-not-canonical', 'format-unsupported', 'roster-broken'), String(error));
      }
    }
  });
});

describe('admins who were', () => {
  test('are those of the versions that were walked, who are not on the newest with those keys', async () => {
    assert.deepEqual(formerAdmins(await walk(whole)).map(({ name }) => name), ['alice']);
    assert.deepEqual(formerAdmins(await walk(whole, pin(three))), []);
    const rekeyed = rosterOf(3, [{ ...stranger, name: 'alice' }, bob, carol], 1, rosterDigest(two));
    const walked = await walk([one, signedRoster(two, [alice]), signedRoster(rekeyed, [alice, bob])]);
    assert.deepEqual(formerAdmins(walked).map(({ name, signing_key }) => [name, signing_key]), [['alice', alice.identity.signingKey?.line]]);
  });
});

describe('counting signatures', () => {
  const signature = (of: Roster, by: typeof alice): { name: string; signature: string } => signRoster(of, by.name, by.identity);

  test('counts admins, each once', () => {
    const judges = rosterOf(1, [alice, bob, carol], 2, null);
    const count = (signatures: SignedRoster['signatures']): number => countSignatures({ roster: three, signatures }, judges);
    assert.equal(count([]), 0);
    assert.equal(count([signature(three, alice), signature(three, bob), signature(three, carol)]), 3);
    assert.equal(count([signature(three, alice), signature(three, alice)]), 1);
    assert.equal(count([signature(three, stranger)]), 0);
    assert.equal(count([{ ...signature(three, stranger), name: 'alice' }]), 0);
    assert.equal(count([signature(two, alice), signature(three, alice)]), 1, 'a bad one does not spoil a good one');
    assert.equal(count([{ ...signature(three, alice), name: 'bob' }]), 0);
  });

  test('counts keys, not names', () => {
    const judges = rosterOf(1, [alice, { ...alice, name: 'alice2' }, bob], 2, null);
    assert.equal(countSignatures({ roster: three, signatures: [signature(three, alice), { ...signature(three, alice), name: 'alice2' }] }, judges), 1);
  });
});

describe('the roster document', () => {
  test('parse and encode are inverse', () => {
    for (const bytes of whole) assert.deepEqual(encodeRoster(parseRoster(bytes, 'roster')), bytes);
  });

  test('refuses what it does not know', () => {
    const text = new TextDecoder().decode(whole[1]);
    const cases: [string, ErrorCode][] = [
      [text.replace('iam-vault/1', 'iam-vault/9'), 'format-unsupported'],
      [text.replace('"type":"roster"', '"type":"item"').replace('"type": "roster"', '"type": "item"'), 'document-invalid'],
      [text.replace('"quorum": 2', '"quorum": 4'), 'document-invalid'],
      [text.replace('"quorum": 2', '"quorum": 0'), 'document-invalid'],
      [text.replace('"name":"bob"', '"name":"alice"'), 'document-invalid'],
      [text.replace('"name":"bob"', '"name":"../bob"'), 'document-invalid'],
      [text.replace('ssh-ed25519 A', 'ssh-ed25519  A'), 'document-invalid'],
      [text.replace(alice.identity.publicKey.line, alice.identity.signingKey?.line ?? ''), 'document-invalid'],
      [text.replace('"version": 2', '"version": 2.5'), 'document-invalid'],
      [text.replace('"version": 2', '"version": 1e999'), 'document-invalid'],
      [`${text}\n`, 'document-not-canonical'],
      [text.slice(0, -3), 'document-invalid'],
    ];
    for (const [changed, code] of cases) {
      assert.notEqual(changed, text);
      assert.throws(() => parseRoster(new TextEncoder().encode(changed), 'roster'), failsWith(code), changed);
    }
  });

  test('arbitrary bytes and JSON give a VaultError', () => {
    const json = fc.oneof(fc.json(), fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.record({ roster: fc.anything(), signatures: fc.anything() }, { requiredKeys: [] }).map((value) => JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? 1 : each))));
    fc.assert(fc.property(json, (text) => {
      assert.throws(() => parseRoster(new TextEncoder().encode(text), 'roster'), (error) => isVaultError(error));
    }));
  });
});
