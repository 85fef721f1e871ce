// Builds dist/: the CLI bundled for a quick start (its commands are loaded one by one), the library with its dependencies
// left outside, type declarations, and oclif's manifest of commands.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { builtins, lazyOclif, sodiumFile, waitingLater } from './startup.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const withTypes = !process.argv.includes('--no-types');

/** Loaded only when they are needed, and large, native, or full of data files: they stay packages of their own. */
const EXTERNAL = ['@cloud-copilot/*', '@secretlint/*', '@grpc/*', 'protobufjs', 'protobufjs/*', 'fs-native-extensions', 'libsodium-wrappers-sumo', 'liquidjs', 'sshpk', 'yaml',
  'typescript', // oclif would load it in a development checkout; here it never does
];

const commands = readdirSync('src/commands', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));

/** Modules that oclif loads by their path in dist/, each by its default export. */
const byPath = ['cli/help', 'cli/commandNotFound', ...commands.map((file) => `commands/${file.replace(/\.ts$/, '')}`)];

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
const common = { bundle: true, format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'warning', metafile: true };
// One file: each one more costs a start one millisecond. What a dynamic import names is evaluated when it is asked for, all the same.
const cli = await buildScript('dist/vault.cjs', {
  stdin: {
    resolveDir: 'src',
    contents: `import { main as start } from './cli/main.ts';
      export const main = (argv, file) => start(argv, file, modules);
      export const modules = { ${byPath.map((path) => `'${path}': () => import('./${path}.ts')`)} };
      /** What bin/run.js may call a run. */
      export const runs = ${JSON.stringify(['help', '__complete', ...commands.map((file) => file.replace(/\.ts$/, '').replace('/', '-'))])};`,
  },
  external: EXTERNAL,
  plugins: [builtins, lazyOclif, waitingLater, sodiumFile('dist/libsodium.wasm'), apart(/\/clientPackages\.ts$/, './aws.cjs')],
});
// Hundreds of files in its packages: they take three times as long to load.
const aws = await buildScript('dist/aws.cjs', { entryPoints: ['src/iam/clientPackages.ts'], plugins: [builtins] });
await build({ ...common, entryPoints: ['src/workers/sealWorker.ts'], outfile: 'dist/sealWorker.js', minify: true, plugins: [builtins, sodiumFile('dist/libsodium.wasm')] });
for (const path of byPath) {
  const file = join('dist', `${path}.js`);
  mkdirSync(dirname(file), { recursive: true });
  const vault = relative(dirname(file), 'dist/vault.cjs').replaceAll('\\', '/');
  writeFileSync(file, `import { createRequire } from 'node:module';
const { modules } = createRequire(import.meta.url)('${vault.startsWith('.') ? vault : `./${vault}`}');
export default (await modules['${path}']()).default;\n`);
}
await build({ ...common, entryPoints: ['src/index.ts', 'src/aws.ts'], outdir: 'dist', outbase: 'src', splitting: true, packages: 'external', chunkNames: 'library/[name]-[hash]' });
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', licencesOf({ ...cli.metafile.inputs, ...aws.metafile.inputs }));
if (withTypes) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.types.json'], { stdio: 'inherit' });
}
await writeManifest();

/** A script, not a module: V8 can keep what it compiled of one (bin/run.js). */
async function buildScript(outfile, options) {
  const result = await build({ ...common, ...options, format: 'cjs', minify: true, write: false, outfile, define: { 'import.meta.url': '__url' } });
  const [{ text }] = result.outputFiles;
  const body = text
    // A script that is compiled by itself cannot import: bin/run.js does it for it.
    .replaceAll(/\bimport\((?!\))/g, '__import(')
    // There, each byte is taken for a character, which esbuild leaves untrue in regular expressions alone.
    .replaceAll(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const script = `"use strict";const __import=module.importer??((name)=>import(name)),__url=process.getBuiltinModule("url").pathToFileURL(__filename).href;${body}`;
  writeFileSync(outfile, `//${createHash('sha256').update(script).digest('hex')}\n${script}`);
  return result;
}

/** A module that is a script of its own. */
function apart(filter, script) {
  return { name: 'apart', setup: (each) => { each.onResolve({ filter }, () => ({ path: script, external: true })); } };
}

/** Licence texts of the packages whose code is inside the bundle. */
function licencesOf(inputs) {
  const packages = new Set(Object.keys(inputs).map((file) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[0]).filter(Boolean));
  return [...packages].sort().map((directory) => {
    const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const file = readdirSync(directory).find((each) => /^(licen[cs]e|copying)/i.test(each));
    return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(directory, file), 'utf8')}\n`;
  }).join(`${'-'.repeat(72)}\n\n`);
}

/** What oclif otherwise finds out at every start by loading all commands. */
async function writeManifest() {
  const { Config } = createRequire(import.meta.url)('@oclif/core');
  rmSync('oclif.manifest.json', { force: true });
  const config = await Config.load({ root });
  const manifest = { version: config.version, commands: {} };
  for (const command of [...config.commands].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const { load: _load, ...cached } = command;
    manifest.commands[command.id] = { ...cached, isESM: true, relativePath: ['dist', 'commands', ...`${command.id.replaceAll(':', '/')}.js`.split('/')] };
  }
  if (Object.keys(manifest.commands).length !== commands.length) {
    throw new Error(`oclif found ${Object.keys(manifest.commands).length} of ${commands.length} commands`);
  }
  writeFileSync('oclif.manifest.json', `${JSON.stringify(manifest)}\n`);
}
