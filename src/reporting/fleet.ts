import type { Fleet, FleetStatus } from '../operations/fleet/fleet.ts';
import { statusOf } from '../operations/fleet/fleet.ts';
import type { ItemReports } from '../operations/fleet/itemReports.ts';
import type { Reached } from '../operations/fleet/waitFor.ts';
import { escapeForTerminal, escapeJsonForTerminal } from './escape.ts';
import type { Output } from './output.ts';
import { renderTable, type Column } from './table.ts';

type Look = Pick<Output, 'colors' | 'width'>;

/** Names in one list for people; --json has all. */
const MOST_NAMES = 20;

/** The shape of `vault status --json`. @param withNodes names, for one item: of all items they would be very many */
export function fleetAsJson({ items, problems }: FleetStatus, withNodes: boolean): object {
  return {
    items: items.map((each) => itemAsJson(each, withNodes)),
    ...(problems.length === 0 ? {} : { problems: problems.map(({ vault, item, error: { code, message } }) => ({ vault, item, error: { code, message } })) }),
  };
}

function itemAsJson({ vault, item, generation, recipients, upToDate, lagging, silent, unverified }: ItemReports, withNodes: boolean): object {
  return {
    vault, item, generation, recipients, up_to_date: upToDate, lagging: lagging.length, silent: silent.length, unverified: unverified.length,
    ...(withNodes ? { nodes: { lagging, silent, unverified } } : {}),
  };
}

/** The shape of `vault wait --json`. */
export function reachedAsJson({ needed, ...counted }: Reached): object {
  return { ...itemAsJson(counted, false), needed };
}

export function renderReached({ vault, item, generation, recipients, upToDate }: Reached): string {
  return `${vault}/${item}: generation ${String(generation)} is delivered by ${String(upToDate)} of ${String(recipients)} nodes`;
}

/** One line an item; and below it, of a single one that was asked for, who is missing. */
export function renderFleet({ items, problems }: FleetStatus, withNodes: boolean, look: Look): string {
  const hasUnverified = items.some(({ unverified }) => unverified.length > 0);
  const columns: Column[] = [
    { title: 'ITEM', least: 16 }, { title: 'GEN' }, { title: 'NODES' }, { title: 'UP TO DATE' }, { title: 'LAGGING' }, { title: 'SILENT' }, ...(hasUnverified ? [{ title: 'NOT COUNTED' }] : []),
  ];
  return [
    ...(items.length === 0 ? [] : [renderTable(columns, items.map(({ vault, item, generation, recipients, upToDate, lagging, silent, unverified }) => [
      `${vault}/${item}`, String(generation), String(recipients), String(upToDate), String(lagging.length), String(silent.length), ...(hasUnverified ? [String(unverified.length)] : []),
    ]), look)]),
    ...(withNodes ? items.flatMap((each) => renderNodes(each, look)) : []),
    ...problems.map(({ vault, item, error: { code, message } }) => `${look.colors.red(`${vault}/${item}`)}: ${code}: ${escapeForTerminal(message, true)}`),
  ].join('\n');
}

function renderNodes({ lagging, silent, unverified }: ItemReports, { colors }: Look): string[] {
  const list = (title: string, names: readonly string[]): string[] => (names.length === 0 ? [] : [
    '', colors.bold(title), ...names.slice(0, MOST_NAMES).map((name) => `  ${escapeForTerminal(name)}`), ...(names.length > MOST_NAMES ? [colors.dim(`  and ${String(names.length - MOST_NAMES)} more`)] : []),
  ]);
  return [
    ...list('lagging', lagging.map(({ node, generation, delivered }) => `${node}: ${generation === null ? 'does not ask for it' : generation === 0 ? 'has none' : `generation ${String(generation)}${delivered ? '' : ', not delivered'}`}`)),
    ...list('silent', silent),
    ...list('not counted', unverified.map(({ node, problem }) => `${node}: ${problem}`)),
  ];
}

const USUAL_ROWS = 24;

/** How a terminal is cleared from its first line on. */
const HOME_AND_CLEAR = '\u001B[H\u001B[J';

/**
 * Shows a fleet as it changes: on a terminal the table, drawn anew; elsewhere a line a change; with --json a line of JSON, of the shape of `vault status --json` with the items that
 * are different.
 */
export function liveFleet(output: Output, withNodes: boolean, now: () => Date): (fleet: Fleet) => void {
  const { stdout, json } = output.options;
  const said = new Map<string, string>();
  return (fleet) => {
    const status = statusOf(fleet);
    if (!json && stdout.isTTY === true) {
      const lines = renderFleet(status, withNodes, output).split('\n');
      // A terminal that does not say how high it is says 0.
      const most = Math.max(3, stdout.rows === undefined || stdout.rows === 0 ? USUAL_ROWS : stdout.rows) - 2;
      const cut = lines.length > most ? [...lines.slice(0, most - 1), output.colors.dim(`and ${String(lines.length - most + 1)} more lines`)] : lines;
      stdout.write(`${HOME_AND_CLEAR}${cut.join('\n')}\n`);
      return;
    }
    const isNews = (name: string, value: object): boolean => {
      const text = JSON.stringify(value);
      const before = said.get(name);
      said.set(name, text);
      return before !== text;
    };
    const items = status.items.filter((each) => isNews(`${each.vault}/${each.item}`, itemAsJson(each, withNodes)));
    const problems = status.problems.filter(({ vault, item, error: { code } }) => isNews(`${vault}/${item}`, { code }));
    if (items.length + problems.length === 0) return;
    if (json) stdout.write(`${escapeJsonForTerminal(JSON.stringify(fleetAsJson({ items, problems }, withNodes)))}\n`);
    else stdout.write([...items.map((each) => line(each, now())), ...problems.map(({ vault, item, error: { code } }) => `${now().toISOString()} ${vault}/${item} ${code}`)].map((each) => `${each}\n`).join(''));
  };
}

function line({ vault, item, generation, recipients, upToDate, lagging, silent, unverified }: ItemReports, now: Date): string {
  return `${now.toISOString()} ${vault}/${item} generation ${String(generation)}: ${String(upToDate)} of ${String(recipients)} up to date, ${String(lagging.length)} lag, ${String(silent.length)} silent${unverified.length === 0 ? '' : `, ${String(unverified.length)} not counted`}`;
}
