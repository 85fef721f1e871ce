import type { DamagedProposal, Proposal, ProposalList } from '../operations/roster/proposals.ts';
import type { ItemOutcome } from '../operations/roster/resealItems.ts';
import type { RosterOutcome } from '../operations/roster/rosterChange.ts';
import { parsePublicKey, parseSigningKey } from '../sealing/publicKey.ts';
import type { Approval, RosterDifference } from '../trust/proposal.ts';
import { isFullAdmin, type Admin } from '../trust/roster.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

/** What a version changes, as JSON. */
export function differenceAsJson({ gained, lost, quorum }: RosterDifference): object {
  return { added: gained.map(({ name, public_key, signing_key, rights }) => ({ name, ...(rights === undefined ? {} : { rights: [...rights] }), fingerprint: parsePublicKey(public_key).fingerprint, signing_fingerprint: parseSigningKey(signing_key).fingerprint })), removed: lost.map(({ name }) => name), quorum };
}

/** The same, a line each. */
export function renderDifference({ gained, lost, quorum }: RosterDifference, colors: Colors): string[] {
  return [
    ...gained.map((admin) => `${colors.green('+')} ${renderAdmin(admin)}`),
    ...lost.map((admin) => `${colors.red('-')} ${renderAdmin(admin)}`),
    quorum.before === quorum.after ? `  quorum stays ${String(quorum.after)}` : `  quorum ${String(quorum.before)} → ${String(quorum.after)}`,
  ];
}

/** Both keys: whoever has the one that signs is the admin, whatever the other one is. */
function renderAdmin(admin: Admin): string {
  const { name, public_key, signing_key } = admin;
  return `${isFullAdmin(admin) ? 'admin' : 'refresher'} ${name}  ${parsePublicKey(public_key).fingerprint}, signs with ${parseSigningKey(signing_key).fingerprint}`;
}

export function proposalsAsJson({ proposals, damaged }: ProposalList): object[] {
  return [
    ...proposals.map(({ fingerprint, state, signed: { roster }, difference, approval }) => ({
      fingerprint, state, version: roster.version, time: roster.time, ...(difference === undefined ? {} : differenceAsJson(difference)),
      ...(state === 'stale' || state === 'in-effect' ? {} : approval),
    })),
    ...damaged.map(({ fingerprint, error: { code, message } }) => ({ fingerprint, state: 'damaged', error: { code, message } })),
  ];
}

/** Each proposal as a paragraph, with the command that goes on with it. */
export function renderProposals({ proposals, damaged }: ProposalList, colors: Colors): string[] {
  return [...proposals.map((each) => renderProposal(each, colors)), ...damaged.map(renderDamaged)];
}

export function renderProposal({ fingerprint, state, signed: { roster }, difference, approval }: Proposal, colors: Colors): string {
  const head = `proposal ${fingerprint}, version ${String(roster.version)}`;
  const named = asArgument(fingerprint);
  switch (state) {
    case 'stale':
      return `${head}: ${colors.yellow('stale')}, another change came first\n  vault admin withdraw ${named}`;
    case 'in-effect':
      return `${head}: ${colors.yellow('in effect')}, but whoever carried it out was interrupted\n  vault admin approve`;
    case 'unsigned':
    case 'open':
      return [
        state === 'open' ? head : `${head}: ${colors.yellow('no admin signed it')}`,
        ...(difference === undefined ? [] : renderDifference(difference, colors).map((line) => `  ${line}`)),
        `  ${renderApproval(approval)}`,
        `  vault admin ${state === 'open' ? 'approve' : 'withdraw'} ${named}`,
      ].join('\n');
  }
}

function renderDamaged({ fingerprint, error }: DamagedProposal): string {
  return `proposal ${fingerprint}: damaged: ${escapeForTerminal(error.message)}\n  vault admin withdraw ${asArgument(fingerprint)}`;
}

function renderApproval({ signed, missing, needed }: Approval): string {
  const by = `signed by ${signed.length === 0 ? 'nobody' : signed.join(', ')}`;
  return needed === 0 ? `${by}: enough` : `${by}; ${String(needed)} more of ${missing.join(', ')}`;
}

/** A fingerprint as an argument: one that begins like a flag must stand behind `--`. */
function asArgument(fingerprint: string): string {
  return fingerprint.startsWith('-') ? `-- ${fingerprint}` : fingerprint;
}

/** What a command that changes the roster did. */
export function describeOutcome({ state, fingerprint, roster, difference, approval, alreadySigned, items }: RosterOutcome, colors: Colors): { json: object; text: string } {
  const version = `version ${String(roster.version)}`;
  const head = state === 'in-effect' ? `${colors.green('In effect:')} ${version} of the roster, ${fingerprint}`
    : `${alreadySigned ? 'You had signed it already:' : colors.green('Proposed:')} ${version} of the roster, ${fingerprint}`;
  const next = state === 'in-effect' ? []
    : [renderApproval(approval), `${state === 'ready' ? 'An admin who stays carries it out' : 'Others approve it'} with: vault admin approve ${asArgument(fingerprint)}`];
  return {
    json: { state, version: roster.version, fingerprint, ...differenceAsJson(difference), ...approval, already_signed: alreadySigned, items: items.map(itemAsJson) },
    text: [head, ...renderDifference(difference, colors).map((line) => `  ${line}`), ...items.map((item) => `  ${renderItem(item, colors)}`), ...next].join('\n'),
  };
}

const DONE = { resealed: 'sealed anew', extended: 'sealed to the newcomers too', signed: 'signed anew' } as const;

function itemAsJson(outcome: ItemOutcome): object {
  const { vault, item } = outcome;
  if ('done' in outcome) return { vault, item, done: outcome.done, generation: outcome.generation };
  const { code, message, hint } = outcome.error;
  return { vault, item, error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

function renderItem(outcome: ItemOutcome, colors: Colors): string {
  const name = `${outcome.vault}/${outcome.item}`;
  return 'done' in outcome ? `${name}: ${DONE[outcome.done]}, generation ${String(outcome.generation)}`
    : `${name}: ${colors.red('not done')}: ${escapeForTerminal(outcome.error.message)}`;
}
