// `npm test`: installs and builds what is missing, then runs every test with Node's own runner.
// Arguments narrow the run to files whose path contains one of them: npm test -- kill contract
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

function run(command, args, environment = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const installed = 'node_modules/.package-lock.json';
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) run('npm', ['ci', '--no-audit', '--no-fund']);
run(process.execPath, ['scripts/build.js', '--no-types']);

const wanted = process.argv.slice(2);
const files = ['src', 'test']
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
  .filter((file) => file.endsWith('.test.ts') && (wanted.length === 0 || wanted.some((part) => file.includes(part))));
for (const part of wanted) {
  if (files.some((file) => file.includes(part))) continue;
  console.error(`There is no test file whose path contains ${part}.`);
  process.exit(2);
}
run(process.execPath, ['--import', 'tsx', 'scripts/runTests.js', ...files], { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' });
