// `npm run bench`: measures this program beside its peers and prints one table. Arguments: --json, --write (docs/benchmarks.md),
// and names of groups to run: npm run bench -- decrypt seal
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
for (const args of [['scripts/build.js', '--no-types'], ['--import', 'tsx', 'bench/main.ts', ...process.argv.slice(2)]]) {
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
