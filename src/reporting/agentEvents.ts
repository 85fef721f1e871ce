import type { AgentEvent, ItemVersion } from '../agent/events.ts';
import type { RenderEvent } from '../agent/observing/log.ts';
import type { VaultError } from '../errors.ts';
import { escapeForTerminal, escapeJsonForTerminal } from './escape.ts';

/** Items that one line names; a delivery of more is told in several. With the longest names there are, a line then still has less than the 48 KiB that journald keeps together. */
const MOST_ITEMS = 100;
/** Characters of one text in a line that would be longer than {@link LONG}. */
const MOST_TEXT = 1000;
const LONG = 8192;

/** One event of a program that runs on, as a line of its log: as JSON, or for people. `error` is told by its code and its message. */
export function renderLine({ error, ...facts }: { readonly error?: VaultError | undefined; readonly [member: string]: unknown }, format: 'json' | 'text'): string {
  const failure = error === undefined ? {} : { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  return `${format === 'json' ? escapeJsonForTerminal(bounded({ ...facts, ...failure })) : asText({ ...facts, ...failure })}\n`;
}

/** Lines of the agent's log. None holds a secret, for no event does. */
export const renderEvent: RenderEvent = ({ event, level, isAudit, time }, format) => partsOf(event).map((part) => {
  const { type, error, ...members } = { error: undefined, ...part };
  return renderLine({ time: time.toISOString(), level, type, ...(isAudit ? { audit: true } : {}), ...members, error }, format);
});

function partsOf(event: AgentEvent): readonly (AgentEvent & { readonly part?: number; readonly parts?: number })[] {
  if (event.type !== 'delivered' || event.items.length <= MOST_ITEMS) return [event];
  const parts = Math.ceil(event.items.length / MOST_ITEMS);
  return Array.from({ length: parts }, (_, i) => ({ ...event, items: event.items.slice(i * MOST_ITEMS, (i + 1) * MOST_ITEMS), part: i + 1, parts }));
}

function bounded(facts: object): string {
  const json = JSON.stringify(facts);
  return json.length <= LONG ? json : JSON.stringify(facts, (_key, value: unknown) => (typeof value === 'string' ? cut(value) : value));
}

function cut(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`;
}

type Facts = Readonly<Record<string, unknown>>;

/** `TIME LEVEL TYPE VAULT/ITEM@GENERATION NAME=VALUE… CODE: MESSAGE (HINT)`, on one line. */
function asText({ time, level, type, vault, item, generation, code, message, hint, ...rest }: Facts): string {
  const members = Object.entries(rest).filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => `${name}=${valueText(value)}`);
  return escapeForTerminal([
    time, String(level).padEnd(7), type,
    ...(vault === undefined ? [] : [itemText({ vault, item, generation })]), ...members,
    ...(code === undefined ? [] : [`${plain(code)}: ${plain(message)}`]), ...(hint === undefined ? [] : [`(${plain(hint)})`]),
  ].map(String).join(' '));
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => (typeof each === 'string' ? plain(each) : itemText(each as Facts))).join(',');
  const text = plain(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function plain(value: unknown): string {
  return cut(typeof value === 'string' ? value : JSON.stringify(value));
}

function itemText({ vault, item, generation }: Facts | ItemVersion): string {
  return `${plain(vault)}/${plain(item)}${generation === undefined ? '' : `@${plain(generation)}`}`;
}
