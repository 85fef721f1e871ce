import type { ItemDiff, RepositoryDiff } from '../operations/git/diffVersions.ts';
import type { ConflictSide, DriverResult } from '../operations/git/mergeDriver.ts';
import type { RosterDiff } from '../operations/git/diffRosters.ts';
import { VaultError } from '../errors.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

type ItemChanges = ItemDiff['changes'];

const SIGNS = { 'added': '+', 'removed': '-', 'changed': '~', 'key-changed': '~', 'encrypted-anew': '~' } as const;
const WORDS = { 'added': '', 'removed': '', 'changed': ': changed', 'key-changed': ': another key', 'encrypted-anew': ': encrypted anew' } as const;

/** Changes of an item, one a line: what, and how. Escaped. */
function changeLines({ fields, recipients, searchQuery, namedAdmins, namedClients }: ItemChanges): string[] {
  const names = (list: readonly string[] | null): string => (list === null ? 'everyone on the roster' : list.length === 0 ? 'nobody' : list.join(', '));
  return [
    ...fields.map(({ name, change }) => `${SIGNS[change]} field ${name}${WORDS[change]}`),
    ...recipients.map(({ role, name, change }) => `${SIGNS[change]} ${role} ${name}${WORDS[change]}`),
    ...(searchQuery === undefined ? [] : [`~ search query: ${JSON.stringify(searchQuery.from)} → ${JSON.stringify(searchQuery.to)}`]),
    ...(namedAdmins === undefined ? [] : [`~ named admins: ${names(namedAdmins.from)} → ${names(namedAdmins.to)}`]),
    ...(namedClients === undefined ? [] : [`~ named clients: ${names(namedClients.from)} → ${names(namedClients.to)}`]),
  ].map((text) => escapeForTerminal(text));
}

/** The result of `vault diff` as text. */
export function renderDiff({ items, roster }: RepositoryDiff, colors: Colors): string {
  return [...(roster === undefined ? [] : [rosterText(roster, colors)]), ...items.map((item) => itemText(item, colors))].join('\n');
}

function itemText({ vault, item, from, to, change, changes, problems }: ItemDiff, colors: Colors): string {
  const step = from === undefined || to === undefined ? `${change === 'changed' ? 'cannot be read' : change}${to === undefined ? '' : ` at generation ${String(to.generation)}`}`
    : from.generation === to.generation ? `generation ${String(to.generation)}` : `generation ${String(from.generation)} → ${String(to.generation)}`;
  const signed = to === undefined ? '' : `, signed by ${to.signer} at ${to.time}`;
  return [
    `${colors.bold(escapeForTerminal(`${vault}/${item}`))}  ${escapeForTerminal(step + signed)}`,
    ...changeLines(changes).map((line) => `  ${paint(line, colors)}`),
    ...problems.map(({ side, error }) => `  ${colors.red('!')} ${side === 'from' ? 'before' : 'after'}: ${escapeForTerminal(error.message)}`),
  ].join('\n');
}

function rosterText({ from, to, admins }: RosterDiff, colors: Colors): string {
  const version = (facts: typeof from): string => (facts === undefined ? 'none' : `version ${String(facts.version)}${facts.trusted ? '' : ' (not of the trusted chain)'}`);
  return [
    `${colors.bold('roster')}  ${version(from)} → ${version(to)}`,
    ...admins.map(({ name, change }) => `  ${paint(escapeForTerminal(`${SIGNS[change]} admin ${name}${WORDS[change]}`), colors)}`),
    ...(from === undefined || to === undefined || from.quorum === to.quorum ? [] : [`  ~ quorum: ${String(from.quorum)} → ${String(to.quorum)}`]),
  ].join('\n');
}

function paint(line: string, colors: Colors): string {
  return line.startsWith('+') ? colors.green(line) : line.startsWith('-') ? colors.red(line) : colors.yellow(line);
}

/** The result of `vault diff --json`. */
export function diffJson({ items, roster }: RepositoryDiff): unknown {
  return {
    ...(roster === undefined ? {} : { roster }),
    items: items.map(({ vault, item, change, from, to, changes: { fields, recipients, searchQuery, namedAdmins, namedClients }, problems }) => ({
      vault, item, change, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), fields, recipients,
      ...(searchQuery === undefined ? {} : { search_query: searchQuery }), ...(namedAdmins === undefined ? {} : { named_admins: namedAdmins }), ...(namedClients === undefined ? {} : { named_clients: namedClients }),
      ...(problems.length === 0 ? {} : { problems: problems.map(({ side, error: { code, message } }) => ({ side, code, message })) }),
    })),
  };
}

/**
 * What is left in a file of a vault that could not be merged: both sides' changes between markers, why, and what to do. It is no
 * JSON, so that nothing reads it as a document if it is committed.
 */
export function conflictText(path: string, { ours, theirs, error }: Extract<DriverResult, { kind: 'conflict' }>): string {
  const head = (name: string, side: ConflictSide | undefined): string => (side === undefined ? name : `${name}: generation ${String(side.generation)}, signed by ${side.signer} at ${side.time}`);
  const body = (side: ConflictSide | undefined): string[] => {
    if (side === undefined) return ['(cannot be read)'];
    const lines = changeLines(side.changes);
    return lines.length === 0 ? ['(changed nothing that can be told)'] : lines;
  };
  const message = error instanceof Error ? error.message : String(error);
  return [
    `${path} was changed on both sides, and not merged.`,
    `<<<<<<< ${head('ours', ours)}`, ...body(ours), '=======', ...body(theirs), `>>>>>>> ${head('theirs', theirs)}`,
    '', ...message.split('\n'), ...(error instanceof VaultError && error.hint !== undefined ? [error.hint] : []), '', ...whatToDo(path), '',
  ].map((line) => escapeForTerminal(line)).join('\n');
}

/** How a person ends a conflict, one way a line. */
export function whatToDo(path: string): string[] {
  const [, directory, vault, name] = /^(.*data_bags\/([^/]+)\/)([^/]+?)(?:_keys)?\.json$/.exec(path) ?? [];
  if (directory === undefined || vault === undefined || name === undefined) return [`To keep one side: git checkout --ours (or --theirs) -- ${path}`];
  const files = `${directory}${name}.json ${directory}${name}_keys.json`;
  return [
    `An admin who can open it: vault resolve ${vault} ${name} --take ours (or theirs), or git checkout --merge -- ${files}`,
    `Anybody, to keep one side whole: git checkout --ours (or --theirs) -- ${files}`,
  ];
}
