// esbuild plugins that make the bundled CLI start quickly; what each gains is in docs/benchmarks.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Takes Node's own modules from process.getBuiltinModule, when something of theirs is first used. Importing one as an ES module reads
 * every export it has, also those that load more modules when they are read, as the streams of node:fs. Those that are a function
 * themselves are not put off.
 */
export const builtins = {
  name: 'builtins',
  setup(build) {
    build.onResolve({ filter: /^[a-z:_/]+$/ }, ({ path }) => (isBuiltin(path) ? { path, namespace: 'builtin' } : undefined));
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const load = `process.getBuiltinModule(${JSON.stringify(path)})`;
      const now = typeof process.getBuiltinModule(path) === 'function';
      // As a prototype: what esbuild makes of an import copies the properties of a module, and shares its prototype.
      return { contents: `module.exports = ${now ? load : `Object.create(new Proxy({}, { get: (_, name) => ${load}[name] }))`};` };
    });
  },
};

/** Places in oclif that each cost a start milliseconds, and what stands there instead. */
const OCLIF_PATCHES = {
  // The first localeCompare loads the collation tables; command names are ASCII.
  'config/plugin.js': ['a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'],
  // Sets the package debug up, which nobody reads without DEBUG.
  'logger.js': ['(0, debug_1.default)(namespace)', 'process.env.DEBUG ? (0, debug_1.default)(namespace) : () => undefined'],
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

/** Lets the program wait for libsodium where it begins (src/cli/main.ts): a script has no `await` outside of functions. */
export const waitingLater = {
  name: 'waiting-later',
  setup(build) {
    build.onLoad({ filter: /src\/sealing\/sodium\.ts$/ }, ({ path }) => ({ loader: 'ts', contents: replaceOnce(readFileSync(path, 'utf8'), '\nawait sodiumReady;\n', '\n', path) }));
  },
};

/**
 * libsodium's WebAssembly code in a file: its own loader decodes it from base64 in a loop, at every start. It is compiled at once,
 * which takes less than waiting for another thread: V8 compiles a function when it is first called. Web Crypto takes longer to load
 * than that, and who only opens items never needs it: the few words that libsodium asks for as it starts come from the kernel.
 */
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
          import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
          import create from ${JSON.stringify(original)};
          const instantiateWasm = (imports, done) => {
            const module = new WebAssembly.Module(readFileSync(new URL('./libsodium.wasm', import.meta.url)));
            done(new WebAssembly.Instance(module, imports), module);
          };
          const getRandomValue = () => {
            const word = new Uint32Array(1);
            let file;
            try {
              file = openSync('/dev/urandom', 'r');
              if (readSync(file, word) === word.byteLength) return word[0];
            } catch {
              // No such device here.
            } finally {
              if (file !== undefined) closeSync(file);
            }
            return globalThis.crypto.getRandomValues(word)[0];
          };
          export default (options) => create({ ...options, instantiateWasm, getRandomValue });`,
      }));
      build.onLoad({ filter: /libsodium\/dist\/modules-esm\/libsodium\.mjs$/ }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const found = [...source.matchAll(/"(AGFzbQ[A-Za-z0-9+/]+={0,2})"/g)];
        if (found.length !== 1) throw new Error(`${path} holds ${found.length} WebAssembly modules instead of one`);
        writeFileSync(outfile, Buffer.from(found[0][1], 'base64'));
        return { contents: source.replace(found[0][0], '""') };
      });
      build.onLoad({ filter: /libsodium-wrappers\/dist\/modules-esm\/libsodium-wrappers\.mjs$/ }, ({ path }) => ({
        // Every Node that this program runs on has it, and looking at it loads it.
        contents: replaceOnce(readFileSync(path, 'utf8'), 'void 0===globalThis.crypto||"function"!=typeof globalThis.crypto.getRandomValues', 'false', path),
      }));
    },
  };
}

/** @throws Error where a package's source is no longer what it was */
function replaceOnce(source, before, after, path) {
  if (source.split(before).length !== 2) throw new Error(`${path} has changed: look again at ${before}`);
  return source.replace(before, () => after);
}
