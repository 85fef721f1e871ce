import type { ProposalList } from '../operations/roster/proposals.ts';
import type { Trust } from '../operations/workspace.ts';
import { parsePublicKey, parseSigningKey } from '../sealing/publicKey.ts';
import { rosterDigest } from '../trust/roster.ts';
import type { Output } from './output.ts';
import { proposalsAsJson, renderProposals } from './proposals.ts';
import { renderTable } from './table.ts';

/** The roster, its fingerprint, and what was proposed for the next version. */
export function describeRoster({ roster, repository }: Trust, proposals: ProposalList, output: Pick<Output, 'colors' | 'width'>): { json: object; text: string } {
  const admins = roster.admins.map(({ name, public_key, signing_key, rights }) => ({ name, ...(rights === undefined ? {} : { rights: [...rights] }), fingerprint: parsePublicKey(public_key).fingerprint, signing_fingerprint: parseSigningKey(signing_key).fingerprint, public_key, signing_key }));
  const digest = rosterDigest(roster);
  return {
    json: { version: roster.version, quorum: roster.quorum, fingerprint: digest, repository, admins, proposals: proposalsAsJson(proposals) },
    text: [
      renderTable([{ title: 'ADMIN', least: 8 }, { title: 'FINGERPRINT' }, { title: 'SIGNS WITH', least: 13 }, ...(admins.some(({ rights }) => rights !== undefined) ? [{ title: 'MAY' }] : [])],
        admins.map(({ name, fingerprint, signing_fingerprint, rights }) => [name, fingerprint, signing_fingerprint, rights === undefined ? 'everything' : 'seal only']), output),
      `roster version ${String(roster.version)}, quorum ${String(roster.quorum)}`,
      `roster fingerprint ${digest}`,
      ...renderProposals(proposals, output.colors).map((each) => `\n${each}`),
    ].join('\n'),
  };
}
