import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"/;
const SAMPLE = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{((?:${LABEL.source},?)*)\\})? (\\S+)$`);

/**
 * Asserts that a text is in Prometheus's text format, version 0.0.4, as strictly as its own parser and linter: a HELP and a TYPE for each metric, before its samples,
 * which stand together; no series twice; counters that end in _total, and nothing else that does.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function assertPrometheusText(text: string): Sample[] {
  assert.ok(text.endsWith('\n'));
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  const series = new Set<string>();
  let current: string | undefined;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, help] = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)$/.exec(line) ?? [];
    if (help !== undefined) {
      assert.ok(!types.has(help), `${help} stands twice`);
      current = help;
    } else if (typed !== undefined && type !== undefined) {
      assert.equal(typed, current, 'TYPE follows its HELP');
      assert.equal(typed.endsWith('_total'), type === 'counter', typed);
      types.set(typed, type);
    } else {
      const [, name = '', labels = '', , , value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
      assert.ok(name === current && types.has(name), `${name} stands under its TYPE`);
      const pairs = [...labels.matchAll(new RegExp(LABEL, 'g'))].map(([, label = '', text_ = '']) => [label, text_] as const);
      const key = `${name}{${pairs.map(String).sort().join()}}`;
      assert.ok(!series.has(key), `${key} stands twice`);
      series.add(key);
      assert.ok(Number.isFinite(Number(value)), line);
      samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) });
    }
  }
  return samples;
}
