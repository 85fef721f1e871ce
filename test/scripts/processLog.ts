import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describeEnd, type Finished } from './vaultProcess.ts';

/** A line of a process' log, as JSON. */
export interface LogLine {
  readonly time: string;
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What a running process logged, and will. */
export interface ProcessLog {
  /** Everything so far. */
  readonly log: readonly LogLine[];
  /** The first line of that type that `fits`, from the `from`-th line on; waits for it, and fails if the process ends before. */
  logged(type: string, fits?: (line: LogLine) => boolean, from?: number): Promise<LogLine>;
}

/** Lines of stderr that are no JSON are somebody else's: a command's that the process runs. */
export function followLog(what: string, stderr: Readable | null, finished: Promise<Finished>): ProcessLog {
  assert.ok(stderr !== null);
  const log: LogLine[] = [];
  const lines = new EventEmitter();
  lines.setMaxListeners(0);
  createInterface({ input: stderr }).on('line', (line) => {
    if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
    lines.emit('line');
  });
  let end: Finished | undefined;
  void finished.then((how) => {
    end = how;
    lines.emit('line');
  });
  return {
    log,
    logged: (type, fits = () => true, from = 0) => new Promise((resolve, reject) => {
      const look = (): void => {
        const found = log.slice(from).find((line) => line.type === type && fits(line));
        if (found === undefined && end === undefined) return;
        lines.off('line', look);
        if (found !== undefined) resolve(found);
        else reject(new assert.AssertionError({ message: `the ${what} ended before it logged ${type}: ${describeEnd(end ?? assert.fail())}\n${JSON.stringify(log, undefined, 1)}` }));
      };
      lines.on('line', look);
      look();
    }),
  };
}
