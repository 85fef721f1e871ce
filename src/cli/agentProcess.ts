import { join } from 'node:path';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { Component } from '../agent/component.ts';
import { openCredentials } from '../agent/credentials/credentials.ts';
import { serveControl, CONTROL_SOCKET } from '../agent/control/control.ts';
import { openDeliveries } from '../agent/delivery/deliveries.ts';
import type { ReportEvent } from '../agent/events.ts';
import { logEvents } from '../agent/observing/log.ts';
import { agentStatus } from '../agent/status.ts';
import { openService } from '../agent/systemd/service.ts';
import { readAgentFile } from '../config/agentFile.ts';
import { openAgentSettings } from '../config/agentSettings.ts';
import { takeServiceVariables, variable, type Environment } from '../config/environment.ts';
import { isVaultError, VaultError } from '../errors.ts';
import { tryLock } from '../files/lock.ts';
import { ensureDirectory } from '../files/write.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';

/** Runs the agent until SIGTERM or SIGINT; SIGHUP reads the configuration again. */
export async function runAgentProcess(environment: Environment, file: string, version: string, write: (line: string) => void): Promise<void> {
  const now = (): Date => new Date();
  const log = logEvents(write, now);
  const report: ReportEvent = (event) => {
    log(event);
    if (event.type === 'delivered') service.readiness.look();
  };
  const deliverers: readonly Component[] = [openDeliveries(report)];
  const credentials = openCredentials(report);
  const service = openService({ variables: takeServiceVariables(environment), path: variable(environment, 'PATH'), components: deliverers, report });
  process.on('SIGUSR1', () => undefined); // Node.js would open a debugger, to everybody on this machine.
  const first = await readAgentFile(file, environment.uid);
  const releases: (() => Promise<void>)[] = [];
  try {
    // The socket is there: were it not this agent's alone, another would be cut off from those who ask it.
    await ensureDirectory(first.runtime_directory, 0o755);
    releases.push(await lock(first.runtime_directory, 'runtime_directory'));
    const state = await lockState(first.state_directory, report);
    if (state !== undefined) releases.push(state);
    const started = now();
    const components = [...deliverers, credentials, service.readiness];
    const ended = signalled(report);
    const agent: Agent = await startAgent({
      components, report, now,
      load: async () => await openAgentSettings(await readAgentFile(file, environment.uid), report, openStateDirectory),
    });
    const status = (): ReturnType<typeof agentStatus> => agentStatus(agent, components, version, started);
    service.watch(agent, status);
    const control = await serveControl(join(first.runtime_directory, CONTROL_SOCKET), { '/v1/status': status }, credentials.forAgentUser);
    report({ type: 'started', version, items: agent.follower.states.length, deliveries: agent.configuration.deliveries.length });
    const reload = (): void => { void service.reload(agent); };
    process.on('SIGHUP', reload);
    await ended;
    process.removeListener('SIGHUP', reload);
    await service.stopping();
    await control.close();
    await agent.stop();
  } finally {
    for (const release of releases) await release();
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

async function signalled(report: ReportEvent): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        report({ type: 'stopping', signal });
        resolve();
      });
    }
  });
}
