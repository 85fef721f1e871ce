import { writeSync } from 'node:fs';

/** Writes a text to an open file descriptor that never makes a writer wait, as one of a file. @returns whether all of it was written */
export function writeNow(descriptor: number, text: string): boolean {
  const bytes = Buffer.from(text);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    return true;
  } catch {
    return false;
  }
}
