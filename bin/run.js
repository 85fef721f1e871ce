#!/usr/bin/env node
// Starts the program, dist/vault.cjs, with the code that V8 compiled for it when the same command ran before: a third of a start
// would go into compiling. Node's own cache holds what V8 compiles before a program runs, and so hardly any of its functions.
const fs = process.getBuiltinModule('fs');
const Module = process.getBuiltinModule('module');
const { dirname, join } = process.getBuiltinModule('path');
const { Script } = process.getBuiltinModule('vm');

/** A script of dist/ begins with `//` and its own digest: so many characters. */
const DIGEST_LENGTH = 64;
/** A kept file begins with its CRC-32, in hexadecimal. */
const CRC_LENGTH = 8;
/** What no command was added to for so long is another build's, or hardly used. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

const argv = process.argv.slice(2);
// The SDK's advice about Node versions is for its users, not for ours. A command that runs another one needs no SDK, and would hand the variable on.
if (!argv.slice(0, 2).includes('exec')) process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
const folder = cacheFolder();
if (folder !== undefined) Module.enableCompileCache?.(folder); // For the packages that a command loads.
const runs = runsOf(argv);
const program = load('vault.cjs');
await program.main(argv, import.meta.url);

/** What a run may be called: those of one name use the same functions. A command has one word or two. */
function runsOf(words) {
  const [first = '-', second = ''] = words;
  if (first.startsWith('-') || words.includes('--help') || words.includes('-h')) return ['help'];
  return [`${first}-${second}`, first].filter((name) => /^[a-z_-]{1,60}$/.test(name));
}

/**
 * Where compiled code is kept. Where anybody but this user could have put it there, it would be a way to run code as this user:
 * so not in the shared temporary directory, but in the user's cache. Node itself looks at no owner, and makes its directory as the umask has it.
 */
function cacheFolder() {
  const { XDG_CACHE_HOME, HOME, NODE_DISABLE_COMPILE_CACHE } = process.env;
  const base = XDG_CACHE_HOME || HOME;
  if (!base || NODE_DISABLE_COMPILE_CACHE) return undefined;
  try {
    if (!isOwn(fs.statSync(base))) return undefined;
    const folder = join(XDG_CACHE_HOME || join(HOME, '.cache'), 'iam-vault', 'compiled');
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const real = fs.realpathSync(folder);
    const { uid, mode } = fs.statSync(real);
    return uid === process.geteuid() && (mode & 0o077) === 0 && nobodyElseCanMove(real) ? real : undefined;
  } catch {
    return undefined; // A start without it is slower, and that is all.
  }
}

function isOwn({ uid, mode }) {
  return uid === process.geteuid() && (mode & 0o022) === 0;
}

/** Whether each directory above is this user's or root's, and others can write in none but a sticky one. */
function nobodyElseCanMove(path) {
  const above = dirname(path);
  const { uid, mode } = fs.lstatSync(above);
  return (uid === 0 || uid === process.geteuid()) && ((mode & 0o022) === 0 || (mode & 0o1000) !== 0) && (above === path || nobodyElseCanMove(above));
}

/** As `require` of a script in dist/, but for the compiled code; a later `require` gives the same. */
function load(name) {
  const path = join(import.meta.dirname, '../dist', name);
  const require = Module.createRequire(path);
  if (require.cache[path] !== undefined) return require.cache[path].exports;
  const source = fs.readFileSync(path, 'latin1');
  const place = folder === undefined ? undefined : join(folder, `vault-${process.version}-${process.arch}-${source.slice(2, 2 + DIGEST_LENGTH)}`);
  let cachedData;
  if (place !== undefined) for (const run of runs) cachedData ??= readCompiled(join(place, run));
  const script = new Script(Module.wrap(source), { filename: new URL(`../dist/${name}`, import.meta.url).href, cachedData });
  const module = new Module(path);
  module.importer = (wanted) => (wanted.startsWith('./') ? Promise.resolve(load(wanted)) : import(wanted));
  require.cache[path] = module;
  script.runInThisContext().call(module.exports, module.exports, require, module, path, dirname(path));
  if (place !== undefined && script.cachedDataRejected !== false) {
    process.once('exit', (code) => {
      const run = runs.find((each) => program.runs.includes(each));
      // What a run that failed had compiled would be all that later ones find.
      if (code === 0 && run !== undefined) writeCompiled(join(place, run), script.createCachedData());
    });
  }
  return module.exports;
}

function readCompiled(path) {
  let file;
  try {
    file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    if (!isOwn(fs.fstatSync(file))) return undefined;
    const bytes = fs.readFileSync(file);
    const data = bytes.subarray(CRC_LENGTH);
    return bytes.latin1Slice(0, CRC_LENGTH) === crcOf(data) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

/** V8 believes what it reads: what is damaged could end the program anywhere. */
function crcOf(data) {
  return process.getBuiltinModule('zlib').crc32(data).toString(16).padStart(CRC_LENGTH, '0');
}

function writeCompiled(path, data) {
  const temporary = `${path}.${process.pid}`;
  try {
    if (fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 }) !== undefined) removeOld();
    fs.writeFileSync(temporary, Buffer.concat([Buffer.from(crcOf(data)), data]), { mode: 0o600, flag: 'wx', flush: true });
    fs.renameSync(temporary, path);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

function removeOld() {
  for (const build of fs.readdirSync(folder).filter((name) => name.startsWith('vault-'))) {
    const path = join(folder, build);
    if (Date.now() - fs.statSync(path).mtimeMs > KEPT_MS) fs.rmSync(path, { recursive: true, force: true });
  }
}
