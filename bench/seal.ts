import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { inTurn, peakMemory, type Command } from './processes.ts';
import { recipientLines, SECRET, type Scene } from './scene.ts';
import { mib, ms, type Row } from './table.ts';

const RUNS: Readonly<Record<number, number>> = { 1000: 9, 10_000: 5 };

/** One value to many recipients: keys read from a file, result written to one, as `age -R` does. */
export async function benchSeal(scene: Scene): Promise<Row[]> {
  const program = await bundle(scene);
  const rows: Row[] = [];
  for (const count of [1000, 10_000]) {
    const list = join(scene.folder, `seal${String(count)}.txt`);
    const plain = join(scene.folder, 'plain.json');
    writeFileSync(list, `${recipientLines(scene, count).join('\n')}\n`);
    writeFileSync(plain, JSON.stringify(SECRET));
    const ours = (node: string): Command => ({ argv: [node, program, list, plain, join(scene.folder, 'sealed')], env: { NODE_COMPILE_CACHE: join(scene.folder, 'compiled') } });
    const age: Command = { argv: ['age', '-R', list, '-o', join(scene.folder, 'sealed.age'), plain] };
    const { node, node20 } = scene;
    const runs = RUNS[count] ?? 5;
    const found = await inTurn({
      ours: ours(node), ...(scene.age ? { age } : {}), ...(node20 === undefined ? {} : { ours20: ours(node20) }),
    } as Record<'ours' | 'age' | 'ours20', Command>, runs);
    rows.push({
      group: 'seal', what: `seal one item to ${count.toLocaleString('en')} nodes`, ours: `${ms(found.ours)}${mib(peakMemory(ours(node)))}`,
      peer: scene.age ? `age -R: ${ms(found.age)}${mib(peakMemory(age))}` : 'age is missing',
      goal: count === 10_000 ? 'not slower' : '', met: count === 10_000 && scene.age ? found.ours <= found.age : undefined, runs,
      older: node20 === undefined ? undefined : ms(found.ours20),
    });
  }
  return rows;
}

/** The same code as in dist/, with the same threads. */
async function bundle(scene: Scene): Promise<string> {
  const outfile = join(scene.folder, 'sealProcess.mjs');
  await build({
    entryPoints: ['bench/sealProcess.ts'], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19', minify: true, logLevel: 'warning', external: ['libsodium-wrappers-sumo', 'sshpk'],
  });
  for (const file of ['sealWorker.js', 'libsodium.wasm']) copyFileSync(join('dist', file), join(scene.folder, file));
  writeFileSync(join(scene.folder, 'package.json'), '{"type":"module"}');
  return outfile;
}
