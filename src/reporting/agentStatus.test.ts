import assert from 'node:assert/strict';
import { test } from 'node:test';
import pc from 'picocolors';
import type { AgentStatus } from '../agent/status.ts';
import { renderAgentStatus } from './agentStatus.ts';

const now = new Date('2026-05-01T12:00:00.000Z');
const before = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString();
const good = { generation: 7, signer: 'alice', signed: before(3 * 86_400), verified: before(90), checked: before(4), from: 'source' as const };
const none = { generation: null, signer: null, signed: null, verified: null, checked: null, from: null };
const status: AgentStatus = {
  version: '1.2.3', pid: 42, started: before(7200), ready: false, configuration: { file: '/etc/agent.json', loaded: before(7200) },
  source: { location: 'https://example.com/\u001b[2J', answered: before(4) }, roster: { version: 3 }, state: {},
  items: [
    { vault: 'vault', item: 'db', ...good }, { vault: 'vault', item: 'web', ...good, error: { code: 'generation-rollback', message: 'older', hint: 'Look.' } },
    { vault: 'vault', item: 'long'.repeat(30), ...none, error: { code: 'item-not-found', message: 'not\u202e there', hint: 'Look.' } },
  ],
  credentials: [{ vault: 'vault', item: 'db', mode: 'session', expiration: before(-1800), error: { code: 'aws-throttled', message: 'slow down' } }],
  problems: [{ subject: '/run/x', code: 'delivery-failed', message: 'no' }], log: { lost_lines: 2, lost_audit_lines: 1 },
};

test('everything that is wrong is shown, and nothing that controls a terminal', () => {
  const text = renderAgentStatus(status, now, { colors: pc.createColors(false), width: 80 });
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  const lines = text.split('\n');
  assert.equal(lines[0], 'not ready: 3 items, 1 without a content, 1 kept at the last good generation');
  const table = lines.slice(lines.findIndex((line) => line.startsWith('ITEM')), lines.findIndex((line) => line.startsWith('vault/long')) + 1);
  assert.equal(table.length, 4);
  for (const line of table) assert.ok(line.length <= 80, line);
  assert.match(table[1] ?? '', /^vault\/db +7 +3d +90s +4s +source +30m$/);
  for (const code of ['generation-rollback', 'item-not-found', 'aws-throttled', 'delivery-failed', 'log-lost']) assert.ok(text.includes(`: ${code}: `), code);
  assert.equal(lines.filter((line) => line === 'hint: Look.').length, 1, 'one hint for those in a row that have it');
});

test('a clock that was set back, and what never happened, are no ages', () => {
  const text = renderAgentStatus({ ...status, started: before(-86_400), credentials: [] }, now, { colors: pc.createColors(false), width: undefined });
  assert.match(text, /up 0s/);
  assert.doesNotMatch(text, /EXPIRES|NaN|-\d/);
});
