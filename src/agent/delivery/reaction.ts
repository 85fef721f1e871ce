import { isVaultError, VaultError } from '../../errors.ts';
import type { ChangeCommand } from '../configuration/schema.ts';
import type { ReportEvent } from '../events.ts';
import { openBackoff } from '../following/backoff.ts';
import { runCommand } from './runCommand.ts';

const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 300_000;
/** How long a command that runs when the agent ends may go on. */
const STOP_MS = 5000;
/** Where programs are looked for. Nothing else of the agent's environment is passed on. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs a command after changes: one at a time, and once more for all changes that come while it runs; again, later and later, where it fails. */
export interface Reaction {
  /** Before a change: what runs now is not for it. */
  expect(): void;
  /** After it. */
  trigger(): void;
  /** Where there was none after all. */
  forget(): void;
  readonly problem: VaultError | undefined;
  /** Whether it has not ended well since the last change. */
  readonly isOwed: boolean;
  /** Ends, and what runs too, if it does not end soon. */
  stop(): Promise<void>;
}

/**
 * @param target the path that changed: IAM_VAULT_CHANGED
 * @param settled called when nothing is left to be done
 */
export function openReaction({ command, timeout }: ChangeCommand, target: string, report: ReportEvent, settled: () => Promise<void>): Reaction {
  const [program = ''] = command;
  const stopping = new AbortController();
  const backoff = openBackoff(FIRST_RETRY_MS, MOST_RETRY_MS);
  let problem: VaultError | undefined;
  let expected = false;
  let wanted = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const once = async (): Promise<void> => {
    const begun = performance.now();
    try {
      await runCommand(command, { timeoutMs: timeout, environment: { PATH, IAM_VAULT_CHANGED: target }, signal: stopping.signal });
    } catch (error) {
      problem = isVaultError(error) ? error : new VaultError('command-failed', `${program} cannot be run.`, { cause: error, hint: 'Correct the command in the configuration.', details: { program } });
      const retryMs = wanted || stopped ? undefined : backoff.next();
      report({ type: 'command-failed', target, program, error: problem, retryMs });
      if (retryMs !== undefined) timer = setTimeout(start, retryMs);
      return;
    }
    problem = undefined;
    backoff.reset();
    report({ type: 'command-ended', target, program, durationMs: Math.round(performance.now() - begun) });
    if (!wanted && !expected) await settled();
  };
  const start = (): void => {
    clearTimeout(timer);
    wanted = true;
    running ??= (async () => {
      while (wanted && !stopped) {
        wanted = false;
        await once();
      }
      running = undefined;
    })();
  };

  return {
    expect() { expected = true; },
    trigger() {
      expected = false;
      start();
    },
    forget() { expected = false; },
    get problem() { return problem; },
    get isOwed() { return expected || wanted || running !== undefined || problem !== undefined; },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      const patience = setTimeout(() => { stopping.abort(); }, STOP_MS);
      await running;
      clearTimeout(patience);
    },
  };
}
