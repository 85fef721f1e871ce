// esbuild plugins that make the bundled CLI start quickly; what each gains is in docs/benchmarks.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Takes Node's own modules from process.getBuiltinModule. Importing one as an ES module reads every export it has, also
 * those that load more modules when they are read, as the streams of node:fs.
 */
export const builtins = {
  name: 'builtins',
  setup(build) {
    build.onResolve({ filter: /^[a-z:_/]+$/ }, ({ path }) => (isBuiltin(path) ? { path, namespace: 'builtin' } : undefined));
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});` }));
  },
};

/** Two places in oclif that each cost a start milliseconds, and what stands there instead. */
const OCLIF_PATCHES = {
  // The first localeCompare loads the collation tables; command names are ASCII.
  'config/plugin.js': ['a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'],
  // Finds out whether this is Windows' subsystem for Linux, for the text of --version.
  'util/os.js': ["(await import('wsl-utils')).isWsl ? 'wsl' : (0, node_os_1.platform)()", '(0, node_os_1.platform)()'],
};

/**
 * Lets oclif's modules load each other when they first need one another, as Metro's and Babel's inline requires do:
 * `const x_1 = require('./x')` goes, and each `x_1` becomes the call. A command needs a third of oclif.
 */
export const lazyOclif = {
  name: 'lazy-oclif',
  setup(build) {
    build.onLoad({ filter: /node_modules\/@oclif\/core\/lib\/.*\.js$/ }, ({ path }) => {
      let contents = readFileSync(path, 'utf8');
      const [before, after] = OCLIF_PATCHES[path.replace(/^.*\/lib\//, '')] ?? ['', ''];
      if (!contents.includes(before)) throw new Error(`${path} has changed: look again at ${before}`);
      contents = contents.replace(before, after);
      for (const [line, name, call] of contents.matchAll(/^const (\w+) = ((?:__importDefault|__importStar)?\(?require\("[^"]+"\)\)?);$/gm)) {
        contents = contents.replace(line, '').replaceAll(new RegExp(`(?<![\\w$.])${name}(?![\\w$:])`, 'g'), `(${call})`);
      }
      return { contents };
    });
  },
};

/** Keeps libsodium's WebAssembly code in a file: its own loader decodes it from base64 in a loop, at every start. */
export function sodiumFile(outfile) {
  return {
    name: 'sodium-file',
    setup(build) {
      const wrappers = createRequire(import.meta.url).resolve('libsodium-wrappers');
      const original = join(dirname(createRequire(wrappers).resolve('libsodium')), '../modules-esm/libsodium.mjs');
      build.onResolve({ filter: /^libsodium$/ }, () => ({ path: 'libsodium', namespace: 'sodium-file' }));
      build.onLoad({ filter: /.*/, namespace: 'sodium-file' }, () => ({
        resolveDir: dirname(original),
        contents: `
          import { readFileSync } from 'node:fs';
          import create from ${JSON.stringify(original)};
          const instantiateWasm = (imports, done) => {
            WebAssembly.instantiate(readFileSync(new URL('./libsodium.wasm', import.meta.url)), imports).then(({ instance, module }) => done(instance, module));
          };
          export default (options) => create({ ...options, instantiateWasm });`,
      }));
      build.onLoad({ filter: /libsodium\/dist\/modules-esm\/libsodium\.mjs$/ }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const found = [...source.matchAll(/"(AGFzbQ[A-Za-z0-9+/]+={0,2})"/g)];
        if (found.length !== 1) throw new Error(`${path} holds ${found.length} WebAssembly modules instead of one`);
        writeFileSync(outfile, Buffer.from(found[0][1], 'base64'));
        return { contents: source.replace(found[0][0], '""') };
      });
    },
  };
}
