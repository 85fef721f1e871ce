// Loaded before the program by `node --import`: kills the process, with SIGKILL, at its n-th file operation that changes
// something under one of some directories. The environment says where and when:
//
//   KILL_ROOTS    directories, separated as in PATH
//   KILL_AT       1 is the first operation; 0 or absent kills nothing
//   KILL_MOMENT   before, after, or torn: after half of the bytes of a write are in the file
//   KILL_LOG      a file to which a line "N OPERATION PATH" is added for every operation
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { delimiter, resolve, sep } from 'node:path';

const roots = (process.env.KILL_ROOTS ?? '').split(delimiter).filter((root) => root !== '');
const killAt = Number(process.env.KILL_AT ?? 0);
const moment = process.env.KILL_MOMENT;
const log = process.env.KILL_LOG;
const { appendFileSync, writeSync } = fs;

let count = 0;
/** Paths of the open files. */
const paths = new WeakMap();

const isWatched = (path) => typeof path === 'string' && roots.some((root) => resolve(path) === root || resolve(path).startsWith(root + sep));

function die() {
  process.kill(process.pid, 'SIGKILL');
  for (;;); // Whatever is left of this turn of the event loop is not to run.
}

/** Does `work`, an operation called `name` on `path`, unless this is where the process dies. */
async function operation(name, path, work, tear) {
  const number = ++count;
  if (log !== undefined) appendFileSync(log, `${number} ${name} ${path}\n`);
  const here = number === killAt;
  if (here && moment === 'before') die();
  if (here && moment === 'torn') {
    tear?.();
    die();
  }
  try {
    return await work();
  } finally {
    if (here) die(); // Also where it failed, as unlink of a file that is not there.
  }
}

for (const name of ['rename', 'link', 'symlink', 'copyFile', 'cp']) {
  const original = fsp[name];
  fsp[name] = (from, to, ...rest) => (isWatched(to) ? operation(name, to, () => original(from, to, ...rest)) : original(from, to, ...rest));
}
for (const name of ['unlink', 'mkdir', 'mkdtemp', 'rm', 'rmdir', 'writeFile', 'appendFile', 'truncate', 'chmod', 'chown', 'utimes']) {
  const original = fsp[name];
  fsp[name] = (path, ...rest) => (isWatched(path) ? operation(name, path, () => original(path, ...rest)) : original(path, ...rest));
}

const originalOpen = fsp.open;
fsp.open = async (path, flags = 'r', ...rest) => {
  const open = () => originalOpen(path, flags, ...rest);
  if (!isWatched(path)) return await open();
  const creates = typeof flags === 'number' ? (flags & (fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0 : !/^r/.test(flags);
  const handle = creates ? await operation('open', path, open) : await open();
  paths.set(handle, path);
  return handle;
};

const probe = await originalOpen(process.execPath, 'r');
const prototype = Object.getPrototypeOf(probe);
await probe.close();
for (const name of ['write', 'writev', 'writeFile', 'appendFile', 'truncate', 'chmod', 'chown', 'sync', 'datasync', 'utimes']) {
  const original = prototype[name];
  prototype[name] = function (...args) {
    const path = paths.get(this);
    if (path === undefined) return original.apply(this, args);
    const tear = () => {
      const bytes = Buffer.from(args[0]);
      writeSync(this.fd, bytes.subarray(0, bytes.length >> 1));
    };
    return operation(name, path, () => original.apply(this, args), name.startsWith('write') ? tear : undefined);
  };
}

// What is not patched above must not be used: it would not be counted.
for (const name of ['writeFileSync', 'appendFileSync', 'renameSync', 'unlinkSync', 'mkdirSync', 'writeFile', 'rename', 'unlink', 'mkdir', 'createWriteStream']) {
  const original = fs[name];
  fs[name] = (path, ...rest) => {
    if (isWatched(path)) {
      writeSync(2, `fs.${name} on ${path} is not watched by killAtFileOperation.mjs\n`);
      process.abort();
    }
    return original(path, ...rest);
  };
}
syncBuiltinESMExports();
