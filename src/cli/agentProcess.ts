import { join } from 'node:path';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { Component } from '../agent/component.ts';
import { requireSameDirectories } from '../agent/configuration/configuration.ts';
import { openControl } from '../agent/control/control.ts';
import { openCredentials } from '../agent/credentials/credentials.ts';
import { openDeliveries } from '../agent/delivery/deliveries.ts';
import type { AgentEvent, ReportEvent } from '../agent/events.ts';
import { openEventLog } from '../agent/observing/log.ts';
import { openMonitor } from '../agent/observing/monitor.ts';
import { openReporter } from '../agent/reporting/reporter.ts';
import { agentStatus, type AgentStatus } from '../agent/status.ts';
import { openService } from '../agent/systemd/service.ts';
import { readAgentFile } from '../config/agentFile.ts';
import { openAgentSettings } from '../config/agentSettings.ts';
import { takeServiceVariables, variable, type Environment } from '../config/environment.ts';
import { isVaultError, VaultError } from '../errors.ts';
import { tryLock } from '../files/lock.ts';
import { trustedDirectory, trustedPath } from '../files/trusted.ts';
import { ensureDirectory } from '../files/write.ts';
import { renderEvent } from '../reporting/agentEvents.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';
import { endOnFault, takeSignals } from './agentSignals.ts';
import { logStream } from './logStream.ts';

/** Something was handed on, or could not be. */
const DELIVERING: ReadonlySet<AgentEvent['type']> = new Set(['delivered', 'delivery-failed', 'command-ended', 'command-failed', 'session-opened', 'session-failed', 'roster-changed']);
/** How long the end of the log is waited for, in milliseconds. */
const LAST_LINES_MS = 1000;

/** Runs the agent until SIGTERM or SIGINT; SIGHUP reads the configuration again. */
export async function runAgentProcess(environment: Environment, file: string, version: string): Promise<void> {
  const now = (): Date => new Date();
  const started = now();
  const log = openEventLog({ write: logStream(), render: renderEvent, now });
  let agent: Agent | undefined;
  const status = (): AgentStatus | undefined =>
    (agent === undefined ? undefined : agentStatus(agent, components, { version, pid: process.pid, started, file, lost: log.lost, report: reporter.state, isReady: service.readiness.isReady }));
  const monitor = openMonitor({ version, status, report: (event) => { report(event); } });
  const report: ReportEvent = (event) => {
    log.report(event);
    monitor.observe(event);
    if (event.type === 'delivered') service.readiness.look();
    if (DELIVERING.has(event.type)) reporter.look();
  };
  const credentials = openCredentials(report);
  const deliverers: readonly Component[] = [openDeliveries(report), credentials];
  const reporter = openReporter(deliverers, report, now);
  const service = openService({ variables: takeServiceVariables(environment), path: variable(environment, 'PATH'), components: deliverers, report });
  // What can be asked comes last: it answers when there is something to tell.
  const components: readonly Component[] = [log, ...deliverers, reporter, service.readiness, monitor, openControl({ '/v1/status': status }, report, credentials.forAgentUser)];
  const lastLines = (): Promise<unknown> => log.drained(LAST_LINES_MS);
  const signals = takeSignals(report, lastLines);
  const faults = endOnFault(report, lastLines);
  process.on('SIGUSR1', () => undefined); // Node.js would open a debugger, to everybody on this machine.
  const releases: (() => Promise<void>)[] = [];
  try {
    const first = await readAgentFile(file, environment.uid);
    await log.apply(first);
    // The socket is there: were it not this agent's alone, another would be cut off from those who ask it.
    await trustedDirectory(first.runtime_directory);
    releases.push(await lock(first.runtime_directory, 'runtime_directory'));
    const state = await lockState(first.state_directory, report);
    if (state !== undefined) releases.push(state);
    await trustedPath(first.state_directory); // Now that it is there.
    if (first.monitor !== undefined) await monitor.begin();
    const running = await startAgent({
      components, report, now,
      load: async (settings) => {
        const configuration = settings === undefined ? first : await readAgentFile(file, environment.uid);
        if (settings !== undefined) requireSameDirectories(settings.configuration, configuration);
        return await openAgentSettings(configuration, report, openStateDirectory, settings);
      },
    });
    agent = running;
    service.watch(running, status);
    report({ type: 'started', version, items: running.follower.states.length, deliveries: running.configuration.deliveries.length });
    await signals.untilEnd({ reload: () => service.reload(running) });
    await service.stopping();
    await running.stop();
  } finally {
    for (const release of releases) await release();
    await lastLines();
    signals.leave();
    faults.leave();
    setTimeout(() => { process.exit(); }, LAST_LINES_MS).unref(); // What somebody left open must not keep it from ending.
  }
}

/** One agent to a state directory. One that cannot be written to cannot be locked, and is no reason not to serve. */
async function lockState(directory: string, report: ReportEvent): Promise<(() => Promise<void>) | undefined> {
  try {
    await ensureDirectory(directory, 0o700);
    return await lock(directory, 'state_directory');
  } catch (error) {
    if (!isVaultError(error, 'store-unreachable')) throw error;
    report({ type: 'warned', text: `The state directory ${directory} cannot be locked, so a second agent that has it would not be noticed: ${error.message}` });
    return undefined;
  }
}

/** @throws VaultError agent-running, store-unreachable */
async function lock(directory: string, member: 'state_directory' | 'runtime_directory'): Promise<() => Promise<void>> {
  const release = await tryLock(join(directory, 'agent.lock'));
  if (release !== undefined) return release;
  throw new VaultError('agent-running', `Another agent runs with the ${member.replace('_', ' ')} ${directory}.`, {
    hint: 'See "vault agent status", or give this one a state_directory and a runtime_directory of its own.', details: { [member]: directory },
  });
}
