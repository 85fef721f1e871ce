import { isVaultError } from '../../errors.ts';
import type { CommandEnd, RunningCommand } from '../../processes/command.ts';
import type { ItemVersion, ReportEvent } from '../events.ts';
import { openBackoff } from '../following/backoff.ts';

export const RESTART_POLICIES = ['never', 'on-failure', 'always'] as const;
/** What becomes of a command that ends by itself. */
export type RestartPolicy = (typeof RESTART_POLICIES)[number];

/** The environment that a command is to have, and what it is made of. Holds secrets. */
export interface CommandContent {
  readonly variables: Readonly<Record<string, string>>;
  readonly items: readonly ItemVersion[];
}

export interface SupervisorOptions {
  /** For the log: its program. */
  readonly target: string;
  /** @throws VaultError command-failed */
  readonly start: (variables: CommandContent['variables']) => Promise<RunningCommand>;
  /** Sent to it when it has to end because of a change; after `graceMs` it is killed. */
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
  readonly restart: RestartPolicy;
  readonly report: ReportEvent;
  /** Resolves after `ms`, or soon after `signal` is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds, of a clock that is never set. */
  readonly clock: () => number;
  readonly random?: () => number;
}

export interface Supervisor {
  /** Runs the command until it ends for good. @throws VaultError command-failed where it cannot be started and is not tried again */
  run(): Promise<CommandEnd>;
  /** What it should have now: a command with another environment is started anew. */
  update(content: CommandContent): void;
  /** Passes on a signal; with SIGTERM and SIGINT it must end. */
  pass(signal: NodeJS.Signals): void;
}

/** Between two tries to keep a command running. */
const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 60_000;
/** A command that ran for so long ran well. */
const WELL_MS = 60_000;
/** Changes that come sooner after a start become one restart. */
const LEAST_RUN_MS = 1000;

type Reason = 'changed' | 'stopping' | 'itself';

/** Keeps one command running with the newest content. */
export function openSupervisor(first: CommandContent, { target, start, signal: stopSignal, graceMs, restart, report, wait, clock, random }: SupervisorOptions): Supervisor {
  const backoff = openBackoff(FIRST_RETRY_MS, MOST_RETRY_MS, random);
  let wanted = first;
  let running: RunningCommand | undefined;
  let ending: NodeJS.Signals | undefined;
  /** Signals that were passed on to the present command: if it ends of one, that was meant. */
  let passed = new Set<NodeJS.Signals>();
  let wake = (): void => undefined;

  /** Until `is` holds, which is looked at when something happened, or `ms` are over. */
  const until = async (is: () => boolean, ms?: number): Promise<void> => {
    const over = new AbortController();
    const timer = { isOver: false };
    if (ms !== undefined) {
      void wait(ms, over.signal).then(() => {
        timer.isOver = true;
        wake();
      });
    }
    while (!is() && !timer.isOver) await new Promise<void>((resolve) => { wake = resolve; });
    over.abort();
  };

  /** Follows a command until it has ended. */
  const follow = async (command: RunningCommand, present: CommandContent, started: number): Promise<{ end: CommandEnd; because: Reason }> => {
    let end: CommandEnd | undefined;
    void command.ended.then((value) => {
      end = value;
      wake();
    });
    const isOver = (): boolean => end !== undefined || ending !== undefined;
    do {
      await until(() => isOver() || differs(present, wanted));
      await until(isOver, Math.max(0, LEAST_RUN_MS - (clock() - started)));
    } while (!isOver() && !differs(present, wanted)); // What was changed, and changed back.
    if (end !== undefined) return { end, because: ending === undefined ? 'itself' : 'stopping' };
    const because = ending === undefined ? 'changed' : 'stopping';
    if (ending === undefined) command.kill(stopSignal);
    await until(() => end !== undefined, graceMs);
    command.killGroup();
    return { end: await command.ended, because };
  };

  const launch = async (content: CommandContent): Promise<RunningCommand> => {
    passed = new Set();
    const command = await start(content.variables);
    report({ type: 'delivered', kind: 'process', target, items: content.items });
    return command;
  };

  const isMeant = ({ signal }: CommandEnd): boolean => passed.has('SIGQUIT') || (signal !== null && passed.has(signal));
  const isWanted = (end: CommandEnd): boolean => !isMeant(end) && (restart === 'always' || (restart === 'on-failure' && end.exitCode !== 0));

  return {
    async run() {
      for (let isFirst = true; ; isFirst = false) {
        const [present, started] = [wanted, clock()];
        let retryMs: number | undefined;
        try {
          running = await launch(present);
          if (ending !== undefined) running.kill(ending);
          const { end, because } = await follow(running, present, started);
          running.killGroup();
          running = undefined;
          const durationMs = Math.round(clock() - started);
          if (durationMs >= WELL_MS) backoff.reset();
          if (because === 'itself' && isWanted(end)) retryMs = backoff.next();
          report({ type: 'process-ended', target, ...end, durationMs, because, retryMs });
          if (because === 'stopping' || (because === 'itself' && retryMs === undefined)) return end;
        } catch (error) {
          if (!isVaultError(error, 'command-failed') || isFirst || restart === 'never') throw error;
          retryMs = backoff.next();
          report({ type: 'delivery-failed', target, error, retryMs });
        }
        // A change may be what was missing.
        if (retryMs !== undefined) await until(() => ending !== undefined || differs(present, wanted), retryMs);
        if (ending !== undefined) return { exitCode: null, signal: ending };
      }
    },
    update(content) {
      wanted = content;
      wake();
    },
    pass(signal) {
      passed.add(signal);
      if (signal === 'SIGTERM' || signal === 'SIGINT') ending = signal;
      running?.kill(signal);
      wake();
    },
  };
}

/** A new generation with the same values is no reason to start anything anew. */
function differs(a: CommandContent, b: CommandContent): boolean {
  if (a === b) return false;
  const [before, after] = [Object.entries(a.variables), Object.entries(b.variables)];
  return before.length !== after.length || before.some(([name, value]) => b.variables[name] !== value);
}
