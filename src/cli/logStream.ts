import { Socket } from 'node:net';
import type { WriteText } from '../agent/observing/lineQueue.ts';
import { writeNow } from '../files/descriptor.ts';

const STANDARD_ERROR = 2;

/** Standard error, for a program that must outlive whoever reads it: nothing here waits for a pipe, and a failure to write ends nothing. */
export function logStream(stream: NodeJS.WriteStream = process.stderr): WriteText {
  // A file's stream writes at once, and cannot be used again after the disk was full.
  if (!(stream instanceof Socket)) return (text, done) => { setImmediate(done, writeNow(STANDARD_ERROR, text)); };
  stream.removeAllListeners('error').on('error', () => undefined); // The command line's own would end the program.
  stream.unref();
  return (text, done) => {
    if (stream.destroyed) setImmediate(done, false);
    else stream.write(text, (error) => { done(error === undefined || error === null); });
  };
}
