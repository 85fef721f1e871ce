import { hostname } from 'node:os';
import { openServiceManager } from '../agent/systemd/notify.ts';
import { takeServiceVariables, variable, type Environment } from '../config/environment.ts';
import { readRefresherFile } from '../config/refresherFile.ts';
import { isVaultError } from '../errors.ts';
import type { Workspace } from '../operations/workspace.ts';
import type { ReportRefresherEvent } from '../refresher/events.ts';
import { openRefresherLog } from '../refresher/log.ts';
import { openRefresherMonitor } from '../refresher/monitor.ts';
import { startRefresher, type Refresher } from '../refresher/refresher.ts';
import { renderLine } from '../reporting/agentEvents.ts';
import { exitCodeOf } from '../reporting/exitCodes.ts';
import type { Identity } from '../sealing/identity.ts';
import { endOnFault, takeSignals } from './agentSignals.ts';
import { logStream } from './logStream.ts';

/** How long the end of the log is waited for, in milliseconds. */
const LAST_LINES_MS = 1000;

export interface RefresherProcessOptions {
  readonly environment: Environment;
  readonly version: string;
  /** File of the policy. */
  readonly policy: string | undefined;
  /** Opens the repository; what is noticed there is logged. */
  readonly openWorkspace: (notice: (text: string) => void) => Promise<Workspace>;
  readonly loadIdentity: () => Promise<Identity>;
}

/** Runs a refresher until SIGTERM or SIGINT; SIGHUP reads the policy again. */
export async function runRefresherProcess({ environment, version, policy: file, openWorkspace, loadIdentity }: RefresherProcessOptions): Promise<void> {
  let policy = await readRefresherFile(file);
  const log = openRefresherLog({ write: logStream(), render: renderLine, settings: () => policy.log, now: () => new Date() });
  const report: ReportRefresherEvent = (event) => {
    log.report(event);
    monitor.observe(event);
  };
  let refresher: Refresher | undefined;
  const monitor = openRefresherMonitor(version, () => refresher?.status, report);
  const manager = openServiceManager(takeServiceVariables(environment), variable(environment, 'PATH'), (why) => {
    report({ type: 'warned', text: `The service manager cannot be told how the refresher is: ${why}.` });
  });
  const lastLines = (): Promise<unknown> => log.drained(LAST_LINES_MS);
  const signals = takeSignals(report, lastLines);
  const faults = endOnFault(report, lastLines);
  process.on('SIGUSR1', () => undefined); // Node.js would open a debugger, to everybody on this machine.
  let beat: NodeJS.Timeout | undefined;
  let end: () => void = () => undefined;
  const unfit = new Promise<void>((resolve) => { end = resolve; });
  let identity: Identity | undefined;
  try {
    const workspace = await openWorkspace((text) => { report({ type: 'warned', text }); });
    identity = await loadIdentity();
    const candidate = `${hostname().slice(0, 100)}:${String(process.pid)}`;
    await monitor.listen(policy.monitorPort);
    refresher = await startRefresher({
      workspace, identity, candidate, policy, report,
      unfit: ({ code }) => {
        process.exitCode = exitCodeOf(code);
        end();
      },
      crashed: (error) => {
        report({ type: 'crashed', error });
        void lastLines().then(() => process.exit(1));
      },
    });
    report({ type: 'started', version, candidate });
    const running = refresher;
    const tell = (): void => { void manager?.send('READY=1', `STATUS=${running.status.term === undefined ? 'standing by' : 'elected'}`, 'WATCHDOG=1'); };
    tell();
    beat = setInterval(tell, Math.floor((manager?.watchdogMs ?? 60_000) / 2));
    beat.unref();
    await Promise.race([unfit, signals.untilEnd({
      async reload() {
        try {
          const next = await readRefresherFile(file);
          await monitor.listen(next.monitorPort);
          policy = next;
          await running.apply(next);
          report({ type: 'reloaded' });
        } catch (error) {
          if (!isVaultError(error)) throw error;
          report({ type: 'reload-failed', error });
        }
      },
    })]);
    await manager?.send('STOPPING=1');
    await running.stop();
  } finally {
    clearInterval(beat);
    await monitor.stop();
    identity?.wipe();
    await lastLines();
    signals.leave();
    faults.leave();
    setTimeout(() => { process.exit(); }, LAST_LINES_MS).unref(); // What somebody left open must not keep it from ending.
  }
}
