import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaultError } from '../errors.ts';
import type { AgentEvent } from '../agent/events.ts';
import { renderEvent } from './agentEvents.ts';

const time = new Date('2026-05-01T12:00:00.000Z');
const render = (event: AgentEvent, format: 'json' | 'text'): readonly string[] => renderEvent({ event, level: 'info', isAudit: event.type === 'delivered', time }, format);

test('an event is one line, in which nothing controls a terminal or is taken for another line', () => {
  const error = new VaultError('store-unreachable', 'it\nis \u001b[2Jgone\u202e', { hint: 'Look\r there.' });
  const event: AgentEvent = { type: 'item-failed', vault: 'v', item: 'i', error };
  const [json = '', ...more] = render(event, 'json');
  assert.deepEqual(more, []);
  assert.deepEqual(JSON.parse(json), { time: time.toISOString(), level: 'info', type: 'item-failed', vault: 'v', item: 'i', code: error.code, message: error.message, hint: error.hint });
  const [text = ''] = render(event, 'text');
  assert.equal(text, '2026-05-01T12:00:00.000Z info    item-failed v/i store-unreachable: it\\u{a}is \\u{1b}[2Jgone\\u{202e} (Look\\u{d} there.)\n');
  for (const line of [json, text]) assert.match(line, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+\n$/u);
  assert.equal(render({ type: 'warned', text: 'a "b" c' }, 'text')[0], '2026-05-01T12:00:00.000Z info    warned text="a \\"b\\" c"\n');
});

test('no line is longer than journald keeps together, and no item of an audit line is left out', () => {
  const name = 'n'.repeat(128);
  const items = Array.from({ length: 1000 }, (_, i) => ({ vault: name, item: `${String(i).padStart(4, '0')}${name.slice(4)}`, generation: 2 ** 53 - 1 }));
  const event: AgentEvent = { type: 'delivered', kind: 'directory', target: `/${'\u202e'.repeat(4095)}`, items };
  for (const format of ['json', 'text'] as const) {
    const lines = render(event, format);
    for (const line of lines) assert.ok(Buffer.byteLength(line) < 48 << 10, `${format} ${String(line.length)}`);
    for (const { item } of items) assert.equal(lines.filter((line) => line.includes(`${name}/${item}`) || line.includes(`"item":"${item}"`)).length, 1);
  }
  const parts = render(event, 'json').map((line) => JSON.parse(line) as { part: number; parts: number; audit: boolean });
  assert.deepEqual(parts.map(({ part, parts: of, audit }) => [part, of, audit]), Array.from({ length: 10 }, (_, i) => [i + 1, 10, true]));
  const [long = ''] = render({ type: 'warned', text: 'x'.repeat(1 << 20) }, 'json');
  assert.ok(long.length < 2000 && (JSON.parse(long) as { text: string }).text.endsWith('…'));
});
