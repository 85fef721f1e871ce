import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePublicKey } from '../src/sealing/publicKey.ts';
import { inTurn, output, type Command } from './processes.ts';
import { recipientLines, SECRET, storeItem, type Scene } from './scene.ts';
import { ms, type Row } from './table.ts';

const RUNS = 25;
const RUNS_OF_MANY = 9;
const MANY = 10_000;

/** One field of an item, opened by a new process; of a few recipients, then as the last of very many. */
export async function benchDecrypt(scene: Scene): Promise<Row[]> {
  return [...await few(scene), ...await many(scene)];
}

async function few(scene: Scene): Promise<Row[]> {
  await prepare(scene, 'few', 3);
  const { node, node20 } = scene;
  const found = await inTurn({
    ours: open(scene, node, 'few'),
    bare: { argv: [node, '-e', '0'] },
    ...(scene.age ? { age: openWithAge(scene, 'few') } : {}),
    ...(node20 === undefined ? {} : { ours20: open(scene, node20, 'few'), bare20: { argv: [node20, '-e', '0'] } }),
  } as Record<'ours' | 'bare' | 'age' | 'ours20' | 'bare20', Command>, RUNS);
  const older = node20 === undefined ? undefined : `${ms(found.ours20)}, node -e 0 ${ms(found.bare20)}`;
  const row = (peer: string, goal: string, met: boolean | undefined): Row =>
    ({ group: 'decrypt', what: 'decrypt one field, cold process', ours: ms(found.ours), peer, goal, met, runs: RUNS, older });
  return [
    row(`node -e 0: ${ms(found.bare)}`, `3 × ${ms(found.bare)}`, found.ours <= 3 * found.bare),
    ...(scene.age ? [row(`age -d: ${ms(found.age)}`, '', undefined)] : []),
  ];
}

async function many(scene: Scene): Promise<Row[]> {
  await prepare(scene, 'many', MANY);
  const { node, node20 } = scene;
  const found = await inTurn({
    few: open(scene, node, 'few'),
    many: open(scene, node, 'many'),
    ...(scene.age ? { age: openWithAge(scene, 'many') } : {}),
    ...(node20 === undefined ? {} : { many20: open(scene, node20, 'many') }),
  } as Record<'few' | 'many' | 'age' | 'many20', Command>, RUNS_OF_MANY);
  return [{
    group: 'decrypt', what: 'open as one of 10,000 recipients', ours: ms(found.many),
    peer: scene.age ? `age -d, own identity last: ${ms(found.age)}` : 'age is missing',
    goal: 'reading the file', met: found.many - found.few < 50, runs: RUNS_OF_MANY,
    older: node20 === undefined ? undefined : ms(found.many20),
  }];
}

/** The same value for the same recipients, once with each program. */
async function prepare(scene: Scene, name: string, count: number): Promise<void> {
  const lines = recipientLines(scene, count);
  await storeItem(scene, name, lines.map((line, i) => ({ role: 'client', name: `node${String(i).padStart(5, '0')}`, publicKey: parsePublicKey(line) })));
  const plain = join(scene.folder, 'plain.json');
  const list = join(scene.folder, `${name}.txt`);
  writeFileSync(plain, JSON.stringify(SECRET));
  writeFileSync(list, `${lines.join('\n')}\n`);
  if (scene.age) output({ argv: ['age', '-R', list, '-o', join(scene.folder, `${name}.age`), plain] });
}

function open(scene: Scene, node: string, item: string): Command {
  return scene.vault(node, 'decrypt', 'bench', item, 'data', '--identity', scene.reader.file);
}

function openWithAge(scene: Scene, name: string): Command {
  return { argv: ['age', '-d', '-i', scene.reader.file, join(scene.folder, `${name}.age`)] };
}
