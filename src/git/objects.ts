import { once } from 'node:events';
import { VaultError } from '../errors.ts';
import { gitFailed, startGit, type Git } from './run.ts';

/** Larger blobs are no documents of a vault, and are passed over. */
const MAX_BLOB = 64 << 20;

const BATCH = ['cat-file', '--batch'];

/** A blob that was asked for. */
export interface Blob {
  readonly id: string;
  /** Undefined where there is no such blob, or it is too large. */
  readonly bytes: Uint8Array | undefined;
}

/** Contents of blobs, in the order in which they are asked for, by one process of git. */
export async function* readBlobs(git: Git, ids: readonly string[]): AsyncGenerator<Blob> {
  if (ids.length === 0) return;
  const child = startGit(git, BATCH);
  const started = Promise.race([once(child, 'spawn'), once(child, 'error').then(([error]) => { throw gitFailed(BATCH, error); })]);
  try {
    await started;
    child.stdin.end(ids.map((id) => `${id}\n`).join(''));
    const source = new ByteReader(child.stdout);
    for (const id of ids) yield { id, bytes: await readOne(source) };
  } finally {
    child.kill();
  }
}

/** One answer: `OID TYPE SIZE`, the content and a line feed; or `NAME missing`. */
async function readOne(source: ByteReader): Promise<Uint8Array | undefined> {
  const head = await source.line();
  const [, type, size] = /^[0-9a-f]+ (\w+) (\d+)$/.exec(head) ?? [];
  if (type === undefined) return undefined;
  const wanted = type === 'blob' && Number(size) <= MAX_BLOB;
  const bytes = await source.take(Number(size), wanted);
  await source.take(1, false);
  return wanted ? bytes : undefined;
}

/** A stream, read by length and by line. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next `length` bytes; nothing is kept of them where they are not wanted. */
  async take(length: number, wanted: boolean): Promise<Uint8Array> {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      if (this.#rest.length === 0) await this.#more();
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      if (wanted) parts.push(part);
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  async line(): Promise<string> {
    let text = '';
    for (;;) {
      const end = this.#rest.indexOf(10);
      text += this.#rest.subarray(0, end < 0 ? undefined : end).toString('utf8');
      this.#rest = end < 0 ? Buffer.alloc(0) : this.#rest.subarray(end + 1);
      if (end >= 0) return text;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) throw new VaultError('git-failed', 'git cat-file ended before it had answered.', { hint: 'Run "git fsck" in the repository.' });
    this.#rest = next.value;
  }
}
