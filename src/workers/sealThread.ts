import { Worker } from 'node:worker_threads';
import { VaultError } from '../errors.ts';
import type { RecipientEntry } from '../items/model.ts';
import type { SealReply, SealTask } from './sealTask.ts';

interface Waiting {
  readonly resolve: (entries: readonly RecipientEntry[]) => void;
  readonly reject: (error: Error) => void;
}

/** One thread that seals, task after task. It keeps the process alive only while it has some. */
export class SealThread {
  readonly #worker: Worker;
  /** In the order of their tasks, which is that of the replies. */
  readonly #waiting: Waiting[] = [];
  #ended = false;

  constructor(file: URL) {
    this.#worker = new Worker(file);
    this.#worker.unref();
    this.#worker.on('message', (reply: SealReply) => {
      const next = this.#waiting.shift();
      if (this.#waiting.length === 0) this.#worker.unref();
      if ('entries' in reply) next?.resolve(reply.entries);
      else next?.reject(reply.code === undefined ? new Error(reply.message) : new VaultError(reply.code, reply.message));
    });
    this.#worker.on('error', (error) => { this.#end(error instanceof Error ? error : new Error(String(error))); });
    this.#worker.on('exit', () => { this.#end(new Error('A thread that was sealing ended early.')); });
  }

  /** Tasks that are not done. */
  get pending(): number {
    return this.#waiting.length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** One entry for each recipient of the task, in their order. @throws VaultError key-invalid */
  seal(task: SealTask): Promise<readonly RecipientEntry[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new Error('This thread has ended.'));
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(task);
    });
  }

  #end(error: Error): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
