import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repository, stranger, web } from '../items/example.testing.ts';
import { encodeReport, judgeReport, MOST_REPORT_AGE_MS, type Report } from './report.ts';

const now = new Date('2026-01-02T03:04:05Z');
const facts: Omit<Report, 'format' | 'type'> = {
  repository, node: 'web1', time: '2026-01-02T03:04:05Z', sequence: 7, roster: 1,
  items: [{ vault: 'vault', item: 'a', generation: 2, delivered: true }, { vault: 'vault', item: 'b', generation: 0, delivered: false }],
};
const key = web.identity.signingKey;
const judge = { node: 'web1', repository, key, now };
const problemOf = (bytes: Uint8Array, other: Partial<typeof judge> = {}): string | undefined => {
  const judged = judgeReport(bytes, { ...judge, ...other });
  return 'problem' in judged ? judged.problem : undefined;
};

test('a report counts by the key of its node, in its place, for its repository, and not much earlier or later', () => {
  const bytes = encodeReport(facts, web.identity);
  assert.deepEqual(judgeReport(bytes, judge), { report: { format: 'iam-vault/1', type: 'report', ...facts } });
  assert.equal(problemOf(bytes, { key: undefined }), 'no-signing-key');
  assert.equal(problemOf(bytes, { node: 'web2' }), 'other-node');
  assert.equal(problemOf(bytes, { repository: 'A'.repeat(43) }), 'other-repository');
  assert.equal(problemOf(encodeReport(facts, stranger.identity)), 'signature-invalid');
  for (const [ms, problem] of [[MOST_REPORT_AGE_MS, undefined], [-MOST_REPORT_AGE_MS, undefined], [MOST_REPORT_AGE_MS + 1, 'time'], [-MOST_REPORT_AGE_MS - 1, 'time']] as const) {
    assert.equal(problemOf(bytes, { now: new Date(now.getTime() + ms) }), problem);
  }
});

test('a report that was changed anywhere does not count', () => {
  const text = new TextDecoder().decode(encodeReport(facts, web.identity));
  const changed = (from: string, to: string): string | undefined => {
    assert.ok(text.includes(from), from);
    return problemOf(new TextEncoder().encode(text.replace(from, to)));
  };
  for (const [from, to] of [['"generation":2', '"generation":3'], ['"delivered":false', '"delivered":true'], ['"sequence": 7', '"sequence": 8'], [':05Z', ':06Z']] as const) assert.equal(changed(from, to), 'signature-invalid', from);
  for (const [from, to] of [['"item":"b"', '"item":"a"'], ['"type": "report"', '"type": "roster"'], ['iam-vault/1', 'iam-vault/2'], ['"roster": 1', '"roster": 1, "more": 1'], ['{\n', '{\n\n']] as const) assert.equal(changed(from, to), 'damaged', from);
  assert.equal(problemOf(new Uint8Array([0xff])), 'damaged');
});
