import type { PlannedChange } from '../operations/items/changeItem.ts';
import type { ItemOutcome } from '../operations/items/outcome.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

/** The shape of the results of commands that change items; its schema is in docs/schemas. */
export function itemChangesAsJson(outcomes: readonly ItemOutcome[]): { items: object[] } {
  return {
    items: outcomes.map(({ vault, item, change, error }) => ({
      vault, item,
      ...(change === undefined ? {} : {
        action: change.action, generation: change.generation,
        gained: change.audience.gained.map(({ role, name, publicKey }) => ({ role, name, fingerprint: publicKey.fingerprint })),
        lost: change.audience.lost.map(({ role, name, reason }) => ({ role, name, reason })),
        rekeyed: change.audience.rekeyed.map(({ role, name, before, after }) => ({ role, name, before, after })),
        unknown: change.audience.unknown,
        fields: change.fields,
        ...(change.header.searchQuery === undefined ? {} : { search_query: change.header.searchQuery }),
        ...(change.header.namedAdmins === undefined ? {} : { named_admins: change.header.namedAdmins }),
        ...(change.header.namedClients === undefined ? {} : { named_clients: change.header.namedClients }),
      }),
      ...(error === undefined ? {} : { error: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) } }),
    })),
  };
}

const LOST: Readonly<Record<PlannedChange['audience']['lost'][number]['reason'], string>> = {
  'not-selected': 'the query does not select it any more',
  'not-named': 'not named any more',
  'unknown': 'gone from the inventory',
  'not-on-roster': 'not on the roster any more',
  'excluded': 'taken out',
};

/** How many names of newcomers are shown for an item. */
const NAMES_SHOWN = 10;

/** A paragraph an item; items where nothing changes are counted in the last line alone. `done`: it was done, not only planned. */
export function renderItemChanges(outcomes: readonly ItemOutcome[], colors: Colors, done: boolean): string {
  const paragraphs = outcomes.flatMap((outcome) => {
    const name = escapeForTerminal(`${outcome.vault}/${outcome.item}`);
    if (outcome.error !== undefined) {
      const { message, hint } = outcome.error;
      return [`${colors.red('failed')}     ${name}\n  ${escapeForTerminal(message, true)}${hint === undefined ? '' : colors.dim(`\n  hint: ${escapeForTerminal(hint, true)}`)}`];
    }
    const { change } = outcome;
    if (change === undefined || (change.action === 'unchanged' && change.audience.unknown.length === 0)) return [];
    return [[`${headOf(change, colors, done)}${name}${change.action === 'unchanged' ? '' : colors.dim(`  generation ${String(change.generation)}`)}`, ...linesOf(change, colors)].join('\n')];
  });
  return [...paragraphs, sumOf(outcomes, done)].join('\n');
}

/** Before and after it is done. */
const WORDS: Readonly<Record<PlannedChange['action'], readonly [string, string]>> = {
  created: ['create', 'created'], unchanged: ['unchanged', 'unchanged'], resigned: ['sign', 'signed'], extended: ['extend', 'extended'], resealed: ['reseal', 'resealed'],
};

function headOf({ action }: PlannedChange, colors: Colors, done: boolean): string {
  const text = WORDS[action][done ? 1 : 0].padEnd(11);
  return action === 'unchanged' ? colors.dim(text) : action === 'resealed' ? colors.yellow(text) : colors.green(text);
}

function linesOf({ audience, fields, header, action }: PlannedChange, colors: Colors): string[] {
  const { gained, lost, rekeyed, unknown } = audience;
  const shown = action === 'created' ? [] : gained.slice(0, NAMES_SHOWN);
  return [
    ...fields.added.map((name) => `  ${colors.green('+')} field   ${escapeForTerminal(name)}`),
    ...fields.changed.map((name) => `  ${colors.yellow('~')} field   ${escapeForTerminal(name)}`),
    ...fields.removed.map((name) => `  ${colors.red('-')} field   ${escapeForTerminal(name)}`),
    ...(header.searchQuery === undefined ? [] : [`  ${colors.yellow('~')} query   ${header.searchQuery.to === '' ? 'none' : escapeForTerminal(header.searchQuery.to)}`]),
    ...(header.namedAdmins === undefined ? [] : [`  ${colors.yellow('~')} for admins  ${namesText(header.namedAdmins.to)}`]),
    ...(header.namedClients === undefined ? [] : [`  ${colors.yellow('~')} for nodes by name  ${namesText(header.namedClients.to)}`]),
    ...(action === 'created' ? [`  for ${countOf(gained.filter(({ role }) => role === 'admin').length, 'admin')} and ${countOf(gained.filter(({ role }) => role === 'client').length, 'node')}`] : []),
    ...shown.map(({ role, name, publicKey }) => `  ${colors.green('+')} ${roleText(role)}  ${escapeForTerminal(name)}  ${colors.dim(publicKey.fingerprint)}`),
    ...(action !== 'created' && gained.length > shown.length ? [`  ${colors.green('+')} and ${String(gained.length - shown.length)} more`] : []),
    ...rekeyed.map(({ role, name, before, after }) => `  ${colors.yellow('~')} ${roleText(role)}  ${escapeForTerminal(name)}  ${colors.dim(`${before} → ${after}`)}`),
    ...lost.map(({ role, name, reason }) => `  ${colors.red('-')} ${roleText(role)}  ${escapeForTerminal(name)}  ${colors.dim(`(${LOST[reason]})`)}`),
    ...unknown.map((name) => `  ${colors.dim(`? node   ${escapeForTerminal(name)}  (gone from the inventory, and stays: see --clean-unknown)`)}`),
  ];
}

function namesText(names: readonly string[] | null): string {
  return names === null ? 'everyone on the roster' : names.length === 0 ? 'none' : names.map((name) => escapeForTerminal(name)).join(', ');
}

function roleText(role: 'admin' | 'client'): string {
  return role === 'admin' ? 'admin' : 'node ';
}

function sumOf(outcomes: readonly ItemOutcome[], done: boolean): string {
  const count = (action: PlannedChange['action']): number => outcomes.filter(({ change }) => change?.action === action).length;
  const failed = outcomes.filter(({ error }) => error !== undefined).length;
  const parts = [
    ...(['created', 'resigned', 'extended', 'resealed'] as const).map((action) => [count(action), done ? WORDS[action][1] : `to ${WORDS[action][0]}`] as const),
    [count('unchanged'), 'unchanged'], [failed, 'failed'],
  ] as const;
  return `${parts.filter(([number]) => number > 0).map(([number, text]) => `${String(number)} ${text}`).join(', ') || 'No items'}.`;
}

function countOf(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}
