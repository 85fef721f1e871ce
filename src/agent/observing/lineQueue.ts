/** Hands text to whoever keeps the log; calls `done` when it was taken, with false where it cannot be. Never throws. */
export type WriteText = (text: string, done: (taken: boolean) => void) => void;

/** Lines that were not written. */
export interface LostLines {
  readonly lines: number;
  /** Of them, the audit lines. */
  readonly auditLines: number;
}

/** Lines on their way to whoever reads the log. A reader that is slow, or gone, delays nothing and takes no memory without bound. */
export interface LineQueue {
  push(line: string, isAudit: boolean): void;
  /** Since the beginning. */
  readonly lost: LostLines;
  /** Resolves to true when all was written; to false where that takes longer than `ms`. */
  drained(ms: number): Promise<boolean>;
}

export interface LineQueueLimits {
  /** What may wait to be written, in characters. */
  readonly most: number;
  /** The same for audit lines, which wait where others are dropped. */
  readonly mostAudit: number;
}

const LIMITS: LineQueueLimits = { most: 1 << 20, mostAudit: 4 << 20 };

/**
 * What is pushed in one turn of the event loop is written at once.
 * @param ofLoss the line that tells of lines that were lost, written before the next that is not
 */
export function openLineQueue(write: WriteText, ofLoss: (lost: LostLines) => string, { most, mostAudit }: LineQueueLimits = LIMITS): LineQueue {
  let [waiting, length]: [{ line: string; isAudit: boolean }[], number] = [[], 0];
  let isBusy = false;
  const lost = { lines: 0, auditLines: 0 };
  const unreported = { lines: 0, auditLines: 0 };
  let whenIdle: (() => void)[] = [];

  const lose = (isAudit: boolean): void => {
    for (const count of [lost, unreported]) {
      count.lines++;
      if (isAudit) count.auditLines++;
    }
  };

  const flush = (): void => {
    const lines = waiting;
    [waiting, length] = [[], 0];
    const loss = { ...unreported };
    const text = (loss.lines > 0 ? ofLoss(loss) : '') + lines.map(({ line }) => line).join('');
    [unreported.lines, unreported.auditLines] = [0, 0];
    write(text, (taken) => {
      if (!taken) {
        for (const { isAudit } of lines) lose(isAudit);
        unreported.lines += loss.lines;
        unreported.auditLines += loss.auditLines;
      }
      // Not at once: what cannot be written would be tried again and again.
      if (waiting.length > 0) { setImmediate(flush); return; }
      isBusy = false;
      for (const each of whenIdle) each();
      whenIdle = [];
    });
  };

  return {
    lost,
    push(line, isAudit) {
      if (length + line.length > (isAudit ? mostAudit : most)) { lose(isAudit); return; }
      waiting.push({ line, isAudit });
      length += line.length;
      if (isBusy) return;
      isBusy = true;
      setImmediate(flush);
    },
    drained: (ms) => new Promise((resolve) => {
      if (!isBusy) { resolve(true); return; }
      const timer = setTimeout(() => { resolve(false); }, ms);
      whenIdle.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    }),
  };
}
