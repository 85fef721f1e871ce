// Runs the test files that are named, each in a process of its own, and says which took longest.
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** What takes longest begins first, so that no processor waits for one long file at the end. */
const ORDER = ['test/e2e/kill', 'test/e2e/', 'test/', ''];
const rankOf = (file) => ORDER.findIndex((part) => file.startsWith(part));
const files = process.argv.slice(2).sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));

/** Seconds by file. */
const times = new Map();
const count = ({ file, nesting, details }) => {
  if (nesting === 0 && file !== undefined) times.set(file, (times.get(file) ?? 0) + details.duration_ms / 1000);
};

// One more than there are processors: a test also waits, for a disk or a lock.
run({ files, concurrency: availableParallelism() + 1 })
  .on('test:pass', count)
  .on('test:fail', (data) => {
    count(data);
    process.exitCode = 1;
  })
  .compose(new spec())
  .on('end', () => {
    const longest = [...times].sort(([, a], [, b]) => b - a).slice(0, 10);
    process.stdout.write(`longest: ${longest.map(([file, seconds]) => `${file.replace(/^.*\/(.+)\.test\.ts$/, '$1')} ${seconds.toFixed(0)} s`).join(', ')}\n`);
  })
  .pipe(process.stdout);
