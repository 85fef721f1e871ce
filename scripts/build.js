// Builds dist/: the CLI bundled for a quick start (its commands are loaded one by one), the library with its dependencies
// left outside, type declarations, and oclif's manifest of commands.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { builtins, lazyOclif, sodiumFile } from './startup.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const withTypes = !process.argv.includes('--no-types');

/** Loaded only when they are needed, and large, native, or full of data files: they stay packages of their own. */
const EXTERNAL = ['@aws-sdk/*', '@smithy/*', '@cloud-copilot/*', '@secretlint/*', '@grpc/*', 'protobufjs', 'protobufjs/*', 'fs-native-extensions', 'libsodium-wrappers-sumo', 'sshpk', 'yaml',
  'typescript', // oclif would load it in a development checkout; here it never does
];

const commands = readdirSync('src/commands', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));

/** Modules that oclif loads by their path in dist/, each by its default export. */
const byPath = ['cli/help', 'cli/commandNotFound', ...commands.map((file) => `commands/${file.replace(/\.ts$/, '')}`)];

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
const common = { bundle: true, format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'warning', metafile: true };
// One file: each one more costs a start one millisecond. What a dynamic import names is evaluated when it is asked for, all the same.
const cli = await build({
  ...common,
  stdin: {
    resolveDir: 'src',
    contents: `import { main as start } from './cli/main.ts';
      export const main = (argv, file) => start(argv, file, modules);
      export const modules = { ${byPath.map((path) => `'${path}': () => import('./${path}.ts')`)} };`,
  },
  outfile: 'dist/vault.js', minify: true,
  external: EXTERNAL,
  plugins: [builtins, lazyOclif, sodiumFile('dist/libsodium.wasm')],
  // Some bundled packages are CommonJS and call require().
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
});
await build({ ...common, entryPoints: ['src/workers/sealWorker.ts'], outfile: 'dist/sealWorker.js', minify: true, plugins: [builtins, sodiumFile('dist/libsodium.wasm')] });
for (const path of byPath) {
  const file = join('dist', `${path}.js`);
  mkdirSync(dirname(file), { recursive: true });
  const vault = relative(dirname(file), 'dist/vault.js').replaceAll('\\', '/');
  writeFileSync(file, `import { modules } from '${vault.startsWith('.') ? vault : `./${vault}`}';\nexport default (await modules['${path}']()).default;\n`);
}
await build({ ...common, entryPoints: ['src/index.ts'], outdir: 'dist', outbase: 'src', splitting: true, packages: 'external', chunkNames: 'library/[name]-[hash]' });
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', licencesOf(cli.metafile));
if (withTypes) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.types.json'], { stdio: 'inherit' });
}
await writeManifest();

/** Licence texts of the packages whose code is inside the bundle. */
function licencesOf({ inputs }) {
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
