import { adminOf, alice, asRecipient, bob, carol, example, fields, repository, roster, rosterOf, signedRoster, web, type Person } from '../../src/items/example.testing.ts';
import { encodeRoster, rosterDigest, signRoster, type Roster } from '../../src/trust/roster.ts';
import { rosters1, text, vector, type Options } from './openVectors.ts';
import type { OpenVector } from './vector.ts';

/** Alice may do everything, and Bob may seal. */
const two = withRefresher(2, [alice], bob, 1, repository);
/** The same, and Carol, whose addition one of them must sign. */
const three: Roster = { ...two, version: 3, admins: [...two.admins, adminOf(carol)], previous: rosterDigest(two) };

function withRefresher(version: number, admins: readonly Person[], refresher: Person, quorum: number, previous: string | null): Roster {
  const plain = rosterOf(version, admins, quorum, previous);
  return { ...plain, admins: [...plain.admins, { ...adminOf(refresher), rights: ['seal'] }] };
}

const versions = (more: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({ ...rosters1, 2: text(signedRoster(two, [alice])), ...more });
const signedByRefresher: Options = {
  rosters: versions({}), documents: example({ signer: bob, recipients: [asRecipient('admin', alice), asRecipient('admin', bob), asRecipient('client', web)] }),
};
const data = { value: fields['data'] ?? null };

/** Rosters with somebody who may only seal. */
export function refresherVectors(): OpenVector[] {
  return [
    vector('refresher-signs-item', 'Who may only seal signed the item.', data, signedByRefresher),
    vector('refresher-opens', 'And opens it as an admin does.', data, { ...signedByRefresher, as: bob }),
    vector('refresher-signs-roster', 'Version 3 is signed by one who may only seal.', { error: 'roster-broken' }, { rosters: versions({ 3: text(signedRoster(three, [bob])) }) }),
    vector('refresher-signs-too', 'Version 3 is signed by a refresher, which counts for nothing, and by an admin.', data, { rosters: versions({ 3: text(signedRoster(three, [bob, alice])) }) }),
    vector('refresher-first', 'Nobody who may only seal is on version 1, though they signed it too.', { error: 'roster-broken' }, {
      rosters: { 1: text(signedRoster(withRefresher(1, [alice], bob, 1, null), [alice, bob])) },
    }),
    vector('refresher-quorum', 'Two must sign, and one who may.', { error: 'document-invalid' }, { rosters: versions({ 2: text(signedRoster({ ...two, quorum: 2 }, [alice])) }) }),
    vector('refresher-other-rights', 'Rights that this format does not know.', { error: 'document-invalid' }, {
      rosters: versions({ 2: text(encodeRoster({ roster: two, signatures: [signRoster(two, alice.name, alice.identity)] })).replace('"rights":["seal"]', '"rights":["roster"]') }),
    }),
    vector('refresher-rights-unsigned', 'The right was taken out of what was signed: Bob would have all.', { error: 'roster-broken' }, {
      rosters: versions({ 2: text(signedRoster(two, [alice])).replace(',"rights":["seal"]', '') }),
    }),
    vector('refresher-of-nobody', 'All that are left may only seal.', { error: 'document-invalid' }, {
      rosters: { ...rosters1, 2: text(encodeRoster({ roster: { ...two, admins: two.admins.slice(1) }, signatures: [signRoster(roster, alice.name, alice.identity)] })) },
    }),
  ];
}
