import { setTimeout as delay } from 'node:timers/promises';
import { refText } from '../agent/configuration/configuration.ts';
import type { ReportEvent } from '../agent/events.ts';
import { openFollower, type Follower } from '../agent/following/follower.ts';
import type { ItemContent } from '../agent/following/itemFollower.ts';
import { contentsOf, firstContents, refuseSessions } from '../agent/process/awaitContents.ts';
import { openSupervisor, type CommandContent, type RestartPolicy, type Supervisor } from '../agent/process/supervisor.ts';
import { readAgentFile } from '../config/agentFile.ts';
import { openAgentSettings } from '../config/agentSettings.ts';
import type { Environment } from '../config/environment.ts';
import { isVaultError } from '../errors.ts';
import { ensureDirectory } from '../files/write.ts';
import type { UserAccount } from '../processes/accounts.ts';
import { startCommand, type CommandEnd } from '../processes/command.ts';
import { catchSignals } from '../processes/signals.ts';
import { commandVariables } from '../processes/variables.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';
import { namedValues, type WantedFields } from './commandItems.ts';

export interface AgentExecOptions {
  /** Path of the agent's configuration. */
  readonly config: string;
  readonly wanted: readonly WantedFields[];
  readonly command: readonly string[];
  readonly prefix: string | undefined;
  readonly clear: boolean;
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
  /** How long to wait for the first content; for ever where it is left out. */
  readonly timeoutMs: number | undefined;
  readonly restart: RestartPolicy;
  /** Whom the command runs as, where it is another one. */
  readonly user: UserAccount | undefined;
  readonly gid: number | undefined;
}

/**
 * Runs a command with the values of items in its environment, and starts it anew when they change. Shares the memory of an agent that runs, and needs none.
 * @throws VaultError usage, command-failed, and what reading the configuration and waiting for the items throw
 */
export async function runAgentExec(environment: Environment, options: AgentExecOptions, report: ReportEvent): Promise<CommandEnd> {
  const { wanted, user } = options;
  const configuration = await readAgentFile(options.config, environment.uid);
  const refs = [...new Map(wanted.map(({ ref }) => [refText(ref), ref])).values()];
  refuseSessions(configuration, refs);
  await ensureDirectory(configuration.runtime_directory, 0o755).catch((error: unknown) => {
    if (!isVaultError(error, 'store-unreachable')) throw error;
    report({ type: 'warned', text: `What was seen is not remembered a second time: ${error.message}` });
  });
  const { identity, source, memory } = await openAgentSettings(configuration, report, openStateDirectory);

  let supervisor: Supervisor | undefined;
  let interrupted: NodeJS.Signals | undefined;
  const waiting = new AbortController();
  const release = catchSignals((signal) => {
    if (supervisor !== undefined) supervisor.pass(signal);
    else if (['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'].includes(signal)) {
      interrupted ??= signal;
      waiting.abort();
    }
  });

  const base = user === undefined ? environment.variables : { ...environment.variables, HOME: user.home, USER: user.name, LOGNAME: user.name };
  const contentFrom = (contents: readonly ItemContent[]): CommandContent => {
    const fields = new Map(contents.map((each) => [refText(each), each.fields]));
    const values = namedValues(wanted.map((each) => ({ ...each, fields: fields.get(refText(each.ref)) ?? {} })), options.prefix);
    return { variables: commandVariables(base, values, options.clear), items: contents.map(({ vault, item, generation }) => ({ vault, item, generation })) };
  };
  const [target = ''] = options.command;
  let complete = (): void => undefined;
  const changed = (following: Follower): void => {
    const contents = contentsOf(following, refs);
    if (contents === undefined) return;
    complete();
    if (supervisor === undefined) return;
    try {
      supervisor.update(contentFrom(contents));
    } catch (error) {
      if (!isVaultError(error)) throw error;
      report({ type: 'delivery-failed', target, error, retryMs: undefined }); // It goes on with what it has.
    }
  };

  const follower: Follower = openFollower({ roster: configuration.roster, source, identity, memory, refs, report, now: () => new Date() }, () => { changed(follower); });
  try {
    const contents = await firstContents({ follower, refs, completed: new Promise((resolve) => { complete = resolve; }), timeoutMs: options.timeoutMs, report, signal: waiting.signal });
    if (contents === undefined) return { exitCode: null, signal: interrupted ?? 'SIGTERM' };
    supervisor = openSupervisor(contentFrom(contents), {
      target, signal: options.signal, graceMs: options.graceMs, restart: options.restart, report, clock: () => performance.now(),
      start: (variables) => startCommand(options.command, { variables, ownGroup: true, uid: user?.uid, gid: options.gid ?? user?.gid }),
      wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
    });
    return await supervisor.run();
  } finally {
    release();
    await follower.stop();
    identity.wipe();
  }
}
