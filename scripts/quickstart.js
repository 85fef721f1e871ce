// `npm run quickstart`: installs, builds, and does the main job for real, on embedded parts, in a temporary folder.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const color = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const bold = (text) => (color ? `\u001b[1m${text}\u001b[22m` : text);
const dim = (text) => (color ? `\u001b[2m${text}\u001b[22m` : text);

function must(command, args, options) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: project, ...options });
  if (error !== undefined || status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} exited with ${status}`);
}

const installed = join(project, 'node_modules/.package-lock.json');
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(join(project, 'package-lock.json')).mtimeMs) {
  console.log(dim('Installing …'));
  must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
console.log(dim('Building …'));
must(process.execPath, ['scripts/build.js', '--no-types']);

const folder = mkdtempSync(join(tmpdir(), 'iam-vault-quickstart-'));
const repository = join(folder, 'repository');
const environment = {
  ...process.env,
  HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), XDG_STATE_HOME: join(folder, 'state'),
  AWS_CONFIG_FILE: join(folder, 'aws-config'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
  AWS_EC2_METADATA_DISABLED: 'true', ...(color ? { FORCE_COLOR: '1' } : {}),
};
for (const name of Object.keys(environment)) if (/^(AWS_(PROFILE|ACCESS|SECRET|SESSION|ENDPOINT|REGION|DEFAULT)|VAULT_)/.test(name)) delete environment[name];

const shellWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Prints a command as a person would type it, runs it, and shows its output. */
function vault(args, { status = 0, cwd = repository, capture = false, show = args } = {}) {
  console.log(`\n${bold(`$ vault ${show.map(shellWord).join(' ')}`)}`);
  const result = spawnSync(process.execPath, [join(project, 'bin/run.js'), ...args], {
    cwd, env: environment, encoding: 'utf8', stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
  });
  if (capture) process.stdout.write(result.stdout);
  if (result.status !== status) throw new Error(`vault ${args.join(' ')} exited with ${result.status}, not ${status}`);
  if (status !== 0) console.log(dim(`(exit code ${status})`));
  return result.stdout;
}

function say(text) {
  console.log(`\n${dim(`# ${text}`)}`);
}

const accounts = ['an-aws-account-name', 'another-aws-account'];
let sandbox;
try {
  say('An IAM and STS endpoint on this machine stands in for two AWS accounts.');
  const sandboxArguments = ['sandbox', ...accounts.flatMap((name) => ['--account', name]), '--config-file', environment.AWS_CONFIG_FILE, '--propagation-delay', '1s'];
  console.log(bold(`$ vault ${sandboxArguments.map(shellWord).join(' ')} &`));
  sandbox = spawn(process.execPath, [join(project, 'bin/run.js'), ...sandboxArguments], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: sandbox.stdout })) {
    console.log(line);
    if (line.startsWith('Use it with')) break;
  }

  say('A repository and its first admin, then three nodes, each with a key of its own.');
  vault(['init', 'repository', '--admin', 'alice'], { cwd: folder });
  for (const [node, role] of [['files01', 'secret-files-server'], ['web01', 'web'], ['db01', 'database']]) {
    const identity = join(folder, `${node}.identity`);
    const generated = vault(['key', 'generate', '--output', identity], { capture: true });
    vault(['node', 'add', node, '--key', /vaultseal1\S+/.exec(generated)[0], '--role', role]);
  }

  const sample = JSON.parse(readFileSync(join(project, 'iam-json-data/secret-files.json'), 'utf8'));
  const file = join('iam-json-data', 'secret-files.json');
  writeFileSync(join(repository, file), `${JSON.stringify({ ...sample, accounts, policy: { Version: '2012-10-17', ...sample.policy } }, undefined, 2)}\n`);
  say('The IAM file names the accounts, the policy, and the query that selects the nodes.');
  console.log(`${bold(`$ cat ./${file}`)}\n${readFileSync(join(repository, file), 'utf8').trimEnd()}`);

  vault(['search', sample.search_query]);
  say('What would be done, then doing it.');
  vault(['plan', 'iam', `./${file}`], { status: 2 });
  vault(['create', 'iam', `./${file}`]);
  vault(['list']);

  const item = `${accounts[0]}_${sample.user}`;
  say('The admin can open it, and so can the node that the query selects; another node cannot.');
  vault(['decrypt', 'vault', item, 'data']);
  vault(['decrypt', 'vault', item, 'data', '--format', 'aws-credentials', '--identity', join(folder, 'files01.identity')]);
  vault(['decrypt', 'vault', item, 'data', '--identity', join(folder, 'web01.identity')], { status: 4 });
  say(`Everything was in ${folder}, which is removed again. To go on: the tour in README.md.`);
} finally {
  if (sandbox !== undefined && sandbox.exitCode === null) {
    const ended = once(sandbox, 'exit');
    sandbox.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}
