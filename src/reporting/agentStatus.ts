import type { AgentStatus } from '../agent/status.ts';
import { duration } from './duration.ts';
import { escapeForTerminal } from './escape.ts';
import type { Output } from './output.ts';
import { renderTable, type Column } from './table.ts';

type Look = Pick<Output, 'colors' | 'width'>;
type Item = AgentStatus['items'][number];

/** How an agent is, as a person reads it: the sum first, then the items, then what is wrong. */
export function renderAgentStatus(status: AgentStatus, now: Date, look: Look): string {
  const { colors } = look;
  const { version, pid, started, ready, configuration, source, roster } = status;
  const ago = (time: string | null, never: string): string => (time === null ? never : `${age(time, now)} ago`);
  const problems = problemsOf(status);
  return [
    `${ready ? colors.green('ready') : colors.red('not ready')}: ${describeItems(status.items)}`,
    ...[
      ['agent', `${version}, process ${String(pid)}, up ${age(started, now)}`], ['configuration', `${configuration.file}, read ${ago(configuration.loaded, 'never')}`],
      ['source', `${source.location}, answered ${ago(source.answered, 'never')}`], ['roster', roster.version === null ? 'none is trusted' : `version ${String(roster.version)}`],
      ...(status.report === undefined ? [] : [['report', `as ${status.report.node ?? 'nobody: the name is not known'}, sent ${ago(status.report.sent, 'never')}`]]),
    ].map(([name = '', text = '']) => `  ${colors.dim(name.padEnd(13))}  ${escapeForTerminal(text)}`),
    ...(status.items.length === 0 ? [] : ['', renderItems(status, now, look)]),
    ...(problems.length === 0 ? [] : ['', ...problems.map(({ subject, code, message, hint }, i) => [
      `${colors.red(escapeForTerminal(subject))}: ${escapeForTerminal(code)}: ${escapeForTerminal(message, true)}`,
      // Where several in a row have one hint, it stands under the last.
      ...(hint === undefined || hint === problems[i + 1]?.hint ? [] : [colors.dim(`hint: ${escapeForTerminal(hint)}`)]),
    ].join('\n'))]),
  ].join('\n');
}

function describeItems(items: readonly Item[]): string {
  const missing = items.filter(({ generation }) => generation === null).length;
  const stale = items.filter(({ generation, error }) => generation !== null && error !== undefined).length;
  return [
    `${String(items.length)} ${items.length === 1 ? 'item' : 'items'}`,
    ...(missing === 0 ? [] : [`${String(missing)} without a content`]),
    ...(stale === 0 ? [] : [`${String(stale)} kept at the last good generation`]),
  ].join(', ');
}

function renderItems({ items, credentials }: AgentStatus, now: Date, look: Look): string {
  const expirations = new Map(credentials.map(({ vault, item, expiration }) => [`${vault}/${item}`, expiration]));
  const columns: Column[] = [
    { title: 'ITEM', least: 16 }, { title: 'GEN' }, { title: 'SIGNED' }, { title: 'VERIFIED' }, { title: 'CHECKED' }, { title: 'FROM' },
    ...(credentials.length === 0 ? [] : [{ title: 'EXPIRES' }]), { title: 'LAST ERROR', least: 10 },
  ];
  return renderTable(columns, items.map(({ vault, item, generation, signed, verified, checked, from, error }) => [
    `${vault}/${item}`, generation === null ? '-' : String(generation), agoOrNone(signed, now), agoOrNone(verified, now), agoOrNone(checked, now), from ?? '-',
    ...(credentials.length === 0 ? [] : [untilOrNone(expirations.get(`${vault}/${item}`) ?? null, now)]), error?.code ?? '',
  ]), look);
}

interface Problem { readonly subject: string; readonly code: string; readonly message: string; readonly hint?: string | undefined }

/** Everything that is wrong, each once. */
function problemsOf({ configuration, source, state, items, credentials, problems, report, log }: AgentStatus): Problem[] {
  const named = (subject: string, error: Omit<Problem, 'subject'> | undefined): Problem[] => (error === undefined ? [] : [{ subject, ...error }]);
  const sessions = credentials.flatMap(({ vault, item, error }) => named(`${vault}/${item}`, error));
  const all = [
    ...named('configuration', configuration.error), ...named('source', source.error), ...named('state', state.error), ...named('report', report?.error),
    ...items.flatMap(({ vault, item, error }) => named(`${vault}/${item}`, error)), ...problems, ...sessions,
    ...(log.lost_lines === 0 ? [] : [{ subject: 'log', code: 'log-lost', message: `${String(log.lost_lines)} lines were not written, of them ${String(log.lost_audit_lines)} audit lines.` }]),
  ];
  return [...new Map(all.map((each) => [`${each.subject}\n${each.code}\n${each.message}`, each])).values()];
}

function agoOrNone(time: string | null, now: Date): string {
  return time === null ? '-' : age(time, now);
}

function untilOrNone(time: string | null, now: Date): string {
  if (time === null) return '-';
  const left = Date.parse(time) - now.getTime();
  return left <= 0 ? 'ended' : duration(left);
}

/** Since a time; nothing where it lies ahead, for the clock was set. */
function age(time: string, now: Date): string {
  return duration(Math.max(0, now.getTime() - Date.parse(time)));
}
