import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchAgent } from './agent.ts';
import { benchDecrypt } from './decrypt.ts';
import { benchFleet } from './fleet/main.ts';
import { benchIam } from './iam.ts';
import { benchItems } from './items.ts';
import { has, output } from './processes.ts';
import { makeScene, type Scene } from './scene.ts';
import { benchSeal } from './seal.ts';
import { benchSearch } from './search.ts';
import { benchVerify } from './verify.ts';
import { renderMarkdown, renderText, type Row } from './table.ts';

const GROUPS: Readonly<Record<string, (scene: Scene) => Promise<Row[]>>> = { decrypt: benchDecrypt, seal: benchSeal, search: benchSearch, iam: benchIam, items: benchItems, verify: benchVerify, agent: benchAgent, fleet: benchFleet };
const DOCUMENT = 'docs/benchmarks.md';
const MARKS = ['<!-- table -->', '<!-- end of table -->'] as const;

const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith('--'));
const unknown = args.filter((arg) => !['--json', '--write'].includes(arg) && !(arg in GROUPS));
if (unknown.length > 0 || (args.includes('--write') && wanted.length > 0)) {
  process.stderr.write(`usage: npm run bench -- [--json] [--write] [${Object.keys(GROUPS).join(' | ')}]…; --write takes them all\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'iam-vault-bench-'));
try {
  const scene = makeScene(folder, has('age'));
  if (!scene.age) process.stderr.write('age is missing: install it with apt-get install age\n');
  const rows: Row[] = [];
  for (const [name, group] of Object.entries(GROUPS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    process.stderr.write(`measuring ${name} …\n`);
    const found = await group(scene);
    process.stderr.write(`${renderText(found)}\n`);
    rows.push(...found);
  }
  const machine = describeMachine(scene);
  process.stdout.write(args.includes('--json') ? `${JSON.stringify({ machine, rows }, null, 2)}\n` : `${machine}\n\n${renderText(rows)}\n`);
  if (args.includes('--write')) writeDocument(`${machine}\n\n${renderMarkdown(rows)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function describeMachine({ node, node20, age }: Scene): string {
  const versions = [node, node20].flatMap((binary) => (binary === undefined ? [] : [`Node ${output({ argv: [binary, '--version'] }).trim().slice(1)}`]));
  return [`${String(availableParallelism())} cores of ${cpus()[0]?.model.trim() ?? 'an unknown processor'}`, ...versions,
    ...(age ? [`age ${output({ argv: ['age', '--version'] }).trim()}`] : [])].join(', ');
}

function writeDocument(text: string): void {
  const before = readFileSync(DOCUMENT, 'utf8');
  const [start, end] = MARKS.map((mark) => before.indexOf(mark));
  if (start === undefined || end === undefined || start < 0 || end < start) throw new Error(`${DOCUMENT} has no place for the table: ${MARKS.join(' … ')}`);
  writeFileSync(DOCUMENT, `${before.slice(0, start)}${MARKS[0]}\n${text}\n${before.slice(end)}`);
}
