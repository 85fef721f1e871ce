import { join } from 'node:path';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { Component } from '../agent/component.ts';
import { requireSameDirectories } from '../agent/configuration/configuration.ts';
import { openControl } from '../agent/control/control.ts';
import { openDeliveries } from '../agent/delivery/deliveries.ts';
import type { ReportEvent } from '../agent/events.ts';
import { openEventLog } from '../agent/observing/log.ts';
import { openMonitor } from '../agent/observing/monitor.ts';
import { agentStatus, type AgentStatus } from '../agent/status.ts';
import { readAgentFile } from '../config/agentFile.ts';
import { openAgentSettings } from '../config/agentSettings.ts';
import type { Environment } from '../config/environment.ts';
import { isVaultError, VaultError } from '../errors.ts';
import { tryLock } from '../files/lock.ts';
import { ensureDirectory } from '../files/write.ts';
import { renderEvent } from '../reporting/agentEvents.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';
import { announceReady } from './agentReady.ts';
import { endOnFault, takeSignals } from './agentSignals.ts';
import { logStream } from './logStream.ts';

/** How long the end of the log is waited for, in milliseconds. */
const LAST_LINES_MS = 1000;

/** Runs the agent until SIGTERM or SIGINT; SIGHUP reads the configuration again. */
export async function runAgentProcess(environment: Environment, file: string, version: string): Promise<void> {
  const now = (): Date => new Date();
  const started = now();
  const log = openEventLog({ write: logStream(), render: renderEvent, now });
  let agent: Agent | undefined;
  const status = (): AgentStatus | undefined =>
    (agent === undefined ? undefined : agentStatus(agent, components, { version, pid: process.pid, started, file, lost: log.lost }));
  const monitor = openMonitor({ version, status, report: (event) => { report(event); } });
  const report: ReportEvent = (event) => {
    log.report(event);
    monitor.observe(event);
    ready.observe();
  };
  const ready = announceReady(() => agent, report);
  // What can be asked comes last: it answers when there is something to tell.
  const components: readonly Component[] = [log, openDeliveries(report), monitor, openControl({ '/v1/status': status }, report)];
  const lastLines = (): Promise<unknown> => log.drained(LAST_LINES_MS);
  const signals = takeSignals(report, lastLines);
  const faults = endOnFault(report, lastLines);
  let release: (() => Promise<void>) | undefined;
  try {
    const first = await readAgentFile(file, environment.uid);
    await log.apply(first);
    release = await lockState(first.state_directory, report);
    await ensureDirectory(first.runtime_directory, 0o755);
    if (first.monitor !== undefined) await monitor.begin();
    agent = await startAgent({
      components, report, now,
      load: async (settings) => {
        const configuration = settings === undefined ? first : await readAgentFile(file, environment.uid);
        if (settings !== undefined) requireSameDirectories(settings.configuration, configuration);
        return await openAgentSettings(configuration, report, openStateDirectory, settings);
      },
    });
    report({ type: 'started', version, items: agent.follower.states.length, deliveries: agent.configuration.deliveries.length });
    await signals.untilEnd(agent);
    await agent.stop();
  } finally {
    await release?.();
    await lastLines();
    signals.leave();
    faults.leave();
  }
}

/** One agent to a state directory. One that cannot be written to cannot be locked, and is no reason not to serve. */
async function lockState(directory: string, report: ReportEvent): Promise<(() => Promise<void>) | undefined> {
  const path = join(directory, 'agent.lock');
  let release: (() => Promise<void>) | undefined;
  try {
    await ensureDirectory(directory, 0o700);
    release = await tryLock(path);
  } catch (error) {
    if (!isVaultError(error, 'store-unreachable')) throw error;
    report({ type: 'warned', text: `The state directory ${directory} cannot be locked, so a second agent would not be noticed: ${error.message}` });
    return undefined;
  }
  if (release !== undefined) return release;
  throw new VaultError('agent-running', `Another agent runs with the state directory ${directory}.`, {
    hint: 'See "vault agent status", or give this one a state_directory and a runtime_directory of its own.', details: { state_directory: directory },
  });
}
