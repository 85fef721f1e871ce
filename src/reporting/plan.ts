import type { Change } from '../iam/plan.ts';
import type { JobReport } from '../operations/iam/job.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

const RESOURCE_NAMES: Readonly<Record<Change['resource'], string>> = {
  'group': 'group',
  'group-policy': 'group policy',
  'managed-policy': 'managed policy',
  'user': 'user',
  'user-tags': 'tags of user',
  'permissions-boundary': 'permissions boundary',
  'membership': 'membership of',
  'access-key': 'access key',
  'item': 'item',
  'recipient': 'recipient',
};

const SIGNS: Readonly<Record<Change['action'], string>> = { create: '+', update: '~', delete: '-' };

/** The shape of `plan iam --json` and `create iam --json`; its schema is in docs/schemas. */
export function plansAsJson(reports: readonly JobReport[]): object {
  return {
    accounts: reports.map(({ account, user, group, item, changes, notes, error }) => ({
      account, user, group, item,
      changes: changes.map(({ action, resource, name, detail, removes }) => ({
        action, resource, name, ...(detail === undefined ? {} : { detail }), ...(removes === undefined ? {} : { removes }),
      })),
      ...(notes.length === 0 ? {} : { notes }),
      ...(error === undefined ? {} : {
        error: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) },
      }),
    })),
  };
}

/** Plans for people: a paragraph an account, a line a change, and a sum. Accounts with nothing to say are left out. */
export function renderPlans(reports: readonly JobReport[], colors: Colors): string {
  const width = Math.max(0, ...reports.flatMap(({ changes }) => changes.map(({ resource }) => RESOURCE_NAMES[resource].length)));
  const paragraphs = reports.filter(({ changes, notes, error }) => changes.length > 0 || notes.length > 0 || error !== undefined).map((report) => {
    const lines = [colors.bold(escapeForTerminal(`${report.account}: ${report.user} → ${report.item}`))];
    for (const change of report.changes) lines.push(renderChange(change, width, colors));
    for (const note of report.notes) lines.push(colors.dim(`  note: ${escapeForTerminal(note)}`));
    if (report.error !== undefined) {
      lines.push(`  ${colors.red('error:')} ${escapeForTerminal(report.error.message, true)}`);
      if (report.error.hint !== undefined) lines.push(colors.dim(`  hint: ${escapeForTerminal(report.error.hint, true)}`));
    }
    return lines.join('\n');
  });
  const sum = reports.every(({ changes, error }) => changes.length === 0 && error === undefined) ? `Everything is in place ${whereOf(reports)}.` : `Plan: ${sumOf(reports)}.`;
  return [...paragraphs, sum].join('\n\n');
}

/** Characters in a line that every terminal has. */
const LINE_WIDTH = 80;

function renderChange({ action, resource, name, detail, removes }: Change, width: number, colors: Colors): string {
  const sign = { create: colors.green('+'), update: colors.yellow('~'), delete: colors.red('-') }[action];
  const text = `${RESOURCE_NAMES[resource].padEnd(width)}  ${escapeForTerminal(name)}`;
  const remark = [...(detail === undefined ? [] : [escapeForTerminal(detail)]), ...(removes === true && action !== 'delete' ? ['takes something away'] : [])].join('; ');
  if (remark === '') return `  ${sign} ${text}`;
  const fits = 4 + text.length + 4 + remark.length <= LINE_WIDTH;
  return `  ${sign} ${text}${fits ? '  ' : `\n      ${' '.repeat(width)}`}${colors.dim(`(${remark})`)}`;
}

/** `3 to create, 1 to update, 0 to delete in 2 accounts`. */
export function sumOf(reports: readonly JobReport[]): string {
  const changes = reports.flatMap((report) => report.changes);
  const count = (action: Change['action']): string => `${String(changes.filter((change) => change.action === action).length)} to ${action}`;
  const failed = reports.filter(({ error }) => error !== undefined).length;
  return `${count('create')}, ${count('update')}, ${count('delete')} ${whereOf(reports)}${failed === 0 ? '' : `; ${String(failed)} cannot be planned`}`;
}

function whereOf(reports: readonly JobReport[]): string {
  const accounts = new Set(reports.map(({ account }) => account)).size;
  return `in ${String(accounts)} account${accounts === 1 ? '' : 's'}`;
}

/** What was done: a line a user, and under it who can open the item now and could not before, and what was noticed. */
export function renderOutcome(reports: readonly JobReport[], colors: Colors): string {
  const width = Math.max(0, ...reports.map(({ item }) => item.length));
  const lines = reports.flatMap(({ item, changes, notes, error }) => {
    const indent = ' '.repeat(11);
    const remarks = notes.map((note) => colors.dim(`${indent}note: ${escapeForTerminal(note)}`));
    const name = escapeForTerminal(item).padEnd(width);
    if (error !== undefined) return `${colors.red('failed')}     ${name}  ${error.code}: ${escapeForTerminal(error.message)}${error.hint === undefined ? '' : colors.dim(`\n${indent}hint: ${escapeForTerminal(error.hint)}`)}`;
    if (changes.length === 0) return [`${colors.dim('unchanged')}  ${name.trimEnd()}`, ...remarks];
    const audience = changes.flatMap((change) => {
      if (change.resource === 'recipient') return [`${indent}${SIGNS[change.action]} ${escapeForTerminal(change.name)}  ${escapeForTerminal(change.detail ?? '')}`];
      return change.resource === 'item' && change.action === 'create' ? [`${indent}sealed ${escapeForTerminal(change.detail ?? '')}`] : [];
    });
    return [`${colors.green('done')}       ${name}  ${String(changes.length)} change${changes.length === 1 ? '' : 's'}`, ...audience, ...remarks];
  });
  const failed = reports.filter(({ error }) => error !== undefined).length;
  return [...lines, ...(failed === 0 ? [] : [colors.red(`${String(failed)} of ${String(reports.length)} failed; run the command again to finish.`)])].join('\n');
}
