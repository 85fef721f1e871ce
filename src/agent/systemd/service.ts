import type { Agent } from '../agent.ts';
import type { Component } from '../component.ts';
import type { ReportEvent } from '../events.ts';
import { isFollowing } from '../liveness.ts';
import type { AgentStatus } from '../status.ts';
import { openServiceManager, type ServiceVariables } from './notify.ts';
import { openReadiness, type Readiness } from './readiness.ts';

export interface ServiceOptions {
  readonly variables: ServiceVariables;
  /** Where programs are found. */
  readonly path: string | undefined;
  /** All that hand something on. */
  readonly components: readonly Component[];
  readonly report: ReportEvent;
}

/** An agent as its service manager sees it, where there is one. */
export interface Service {
  /** To stand behind all other components; reports when the agent is ready. */
  readonly readiness: Readiness;
  /** From now on the service manager is told how the agent is. */
  watch(agent: Agent, status: () => AgentStatus | undefined): void;
  /** Reads the configuration again. */
  reload(agent: Agent): Promise<void>;
  stopping(): Promise<void>;
}

/**
 * Tells the service manager how the agent is, and twice in the time of its watchdog that it is alive: the timer shows that the event loop turns, and what is
 * asked then that the follower follows.
 */
export function openService({ variables, path, components, report }: ServiceOptions): Service {
  const manager = openServiceManager(variables, path, (why) => {
    report({ type: 'warned', text: `The service manager cannot be told how the agent is: ${why}.` });
  });
  let status: (() => AgentStatus | undefined) | undefined;
  let isReloading = false;
  let beat: NodeJS.Timeout | undefined;

  // An old systemd loses a message whose sender has ended before it is read: so all is said again with each.
  const tell = async (...more: readonly string[]): Promise<void> => {
    const now = status?.();
    if (manager === undefined || now === undefined) return;
    await manager.send(...(readiness.isReady && !isReloading ? ['READY=1'] : []), `STATUS=${statusText(now)}`, ...more);
  };
  const readiness = openReadiness(components, () => {
    report({ type: 'ready' });
    void tell();
  });

  return {
    readiness,
    watch(agent, asked) {
      status = asked;
      void tell();
      if (manager?.watchdogMs === undefined) return;
      beat = setInterval(() => { if (isFollowing(agent.follower, agent.configuration)) void tell('WATCHDOG=1'); }, Math.floor(manager.watchdogMs / 2));
      beat.unref();
    },
    async reload(agent) {
      isReloading = true;
      void manager?.send('RELOADING=1', `MONOTONIC_USEC=${String(process.hrtime.bigint() / 1000n)}`);
      await agent.reload();
      isReloading = false;
      await tell();
    },
    async stopping() {
      clearInterval(beat);
      await manager?.send('STOPPING=1', 'STATUS=ending');
    },
  };
}

/** One line for `systemctl status`. */
function statusText({ items, problems, source }: AgentStatus): string {
  const missing = items.filter(({ generation }) => generation === null);
  const refused = items.filter(({ error }) => error !== undefined);
  return [
    `${String(items.length - missing.length)} of ${String(items.length)} items`,
    ...missing.slice(0, 3).map(({ vault, item, error }) => `waiting for ${vault}/${item}${error === undefined ? '' : ` (${error.code})`}`),
    ...(refused.length > 0 ? [`${String(refused.length)} refused`] : []),
    ...(problems.length > 0 ? [`${String(problems.length)} problems`] : []),
    ...(source.error === undefined ? [] : [`source: ${source.error.code}`]),
  ].join(', ');
}
