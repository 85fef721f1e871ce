import { join } from 'node:path';
import { build } from 'esbuild';
import { median, output } from './processes.ts';
import type { Scene } from './scene.ts';
import { ms, type Row } from './table.ts';

const RUNS = 5;

/** One query over 100,000 nodes that are in memory, and the peak memory of loading and asking them. */
export async function benchSearch(scene: Scene): Promise<Row[]> {
  const outfile = join(scene.folder, 'searchProcess.mjs');
  await build({ entryPoints: ['bench/searchProcess.ts'], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'warning' });
  const run = (node: string): { milliseconds: number; mebibytes: number }[] =>
    Array.from({ length: RUNS }, () => JSON.parse(output({ argv: [node, outfile] })) as { milliseconds: number; mebibytes: number });
  const measured = run(scene.node);
  const time = median(measured.map(({ milliseconds }) => milliseconds));
  const memory = median(measured.map(({ mebibytes }) => mebibytes));
  const older = scene.node20 === undefined ? undefined : run(scene.node20);
  return [{
    group: 'search', what: 'search 100,000 nodes in memory', ours: `${ms(time)}, ${memory.toFixed(0)} MiB`, peer: '', goal: '1 s, 300 MiB', met: time < 1000 && memory < 300, runs: RUNS,
    older: older === undefined ? undefined : `${ms(median(older.map(({ milliseconds }) => milliseconds)))}, ${median(older.map(({ mebibytes }) => mebibytes)).toFixed(0)} MiB`,
  }];
}
