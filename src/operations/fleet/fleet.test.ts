import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../inventory/report.ts';
import { countReports } from './itemReports.ts';
import type { Judged } from './reportBook.ts';
import { neededBy, parseGoal } from './waitFor.ts';

test('each client is up to date, lags, is silent, or does not count', () => {
  const report = (...items: (readonly [item: string, generation: number, delivered: boolean])[]): Judged => ({
    report: {
      format: 'iam-vault/1', type: 'report', repository: '', node: '', time: '', sequence: 1, roster: 1,
      items: items.map(([item, generation, delivered]) => ({ vault: 'v', item, generation, delivered })),
    } satisfies Report,
  });
  const reports = new Map<string, Judged>([
    ['good', report(['a', 1, true], ['m', 4, true], ['z', 1, true])], ['newer', report(['m', 5, true])], ['old', report(['m', 3, true])], ['stuck', report(['m', 4, false])],
    ['none', report(['m', 0, false])], ['elsewhere', report(['a', 9, true], ['z', 9, true])], ['forged', { problem: 'signature-invalid' }], ['stranger', report(['m', 4, true])],
  ]);
  const clients = ['elsewhere', 'forged', 'good', 'newer', 'none', 'old', 'quiet', 'stuck'];
  const counted = countReports({ vault: 'v', item: 'm', generation: 4, clients }, { of: (node) => reports.get(node) });
  assert.deepEqual(counted, {
    vault: 'v', item: 'm', generation: 4, recipients: 8, upToDate: 2, silent: ['quiet'], unverified: [{ node: 'forged', problem: 'signature-invalid' }],
    lagging: [{ node: 'elsewhere', generation: null, delivered: false }, { node: 'none', generation: 0, delivered: false }, { node: 'old', generation: 3, delivered: true }, { node: 'stuck', generation: 4, delivered: false }],
  });
});

test('how many are enough', () => {
  for (const [text, recipients, needed] of [['all', 7, 7], ['100%', 7, 7], ['95%', 20, 19], ['95%', 21, 20], ['50%', 0, 0], ['0.1%', 1000, 1], ['3', 2, 3], ['0', 9, 0]] as const) {
    assert.equal(neededBy(parseGoal(text), recipients), needed, text);
  }
  for (const text of ['', 'most', '-1', '101%', '1.5', '1e3', '5 %']) assert.throws(() => parseGoal(text), { code: 'usage' }, text);
});
