import { escapeForTerminal } from './escape.ts';
import type { TextStream } from './output.ts';

/** Shows how far long work has come. */
export interface Progress {
  step(name: string, step: string): void;
  /** Takes what is shown away again. */
  end(): void;
}

/** So much is done before a person wonders. */
const SHORT = 20;

/**
 * On a terminal one line that is written over; elsewhere, where there is much to do, a plain line each tenth of it, for the
 * result says the rest; nothing when quiet.
 */
export function createProgress(stream: TextStream, total: () => number, quiet: boolean): Progress {
  if (quiet) return { step: () => undefined, end: () => undefined };
  const finished = new Set<string>();
  const isEnd = (step: string): boolean => step === 'done' || step === 'failed';
  if (stream.isTTY !== true) {
    return {
      step(name, step) {
        if (!isEnd(step)) return;
        finished.add(name);
        const [done, all] = [finished.size, total()];
        if (all > SHORT && Math.floor((done * 10) / all) > Math.floor(((done - 1) * 10) / all)) stream.write(`${String(done)} of ${String(all)} done\n`);
      },
      end: () => undefined,
    };
  }
  return {
    step(name, step) {
      if (isEnd(step)) finished.add(name);
      const text = `${String(finished.size)}/${String(total())}  ${escapeForTerminal(name)}: ${step}`;
      stream.write(`\r\u001b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    end() {
      stream.write('\r\u001b[2K');
    },
  };
}
