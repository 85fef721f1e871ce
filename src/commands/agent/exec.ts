import * as Flags from '@oclif/core/flags';
import { RESTART_POLICIES } from '../../agent/process/supervisor.ts';
import { openEventLog } from '../../agent/observing/log.ts';
import { runAgentExec } from '../../cli/agentExecProcess.ts';
import { agentFlags } from '../../cli/agentFlags.ts';
import { commandArgs, commandFlags, splitCommand, wantedFields } from '../../cli/commandItems.ts';
import { CommandRunner } from '../../cli/commandRunner.ts';
import { logStream } from '../../cli/logStream.ts';
import { parseDuration } from '../../cli/quantities.ts';
import { groupNumber, userAccount } from '../../processes/accounts.ts';
import { endAs, signalNamed } from '../../processes/signals.ts';
import { renderEvent } from '../../reporting/agentEvents.ts';

/** How long the end of the log is waited for, in milliseconds. */
const LAST_LINES_MS = 1000;

export default class AgentExec extends CommandRunner {
  static override summary = 'Run a command with values of items in its environment, and start it anew when they change.';
  static override description = `Goes by the configuration of the agent and what that remembers, whether an agent runs or not. Starts with what was kept where the source does not answer, and waits where there is nothing yet. A command whose values changed is sent a signal, killed after a grace period, and started anew.

It passes signals on and ends as the command does. It logs to standard error. See docs/agent-processes.md.`;
  static override usage = 'agent exec VAULT ITEM [FIELD] [FLAGS] -- COMMAND [ARGUMENTS]';
  static override examples = [
    '<%= config.bin %> agent exec vault db -- ./server --port 8080',
    '<%= config.bin %> agent exec --item vault/db:password --item vault/mail --signal SIGQUIT --grace 30s -- nginx -g "daemon off;"',
    '<%= config.bin %> agent exec vault db --user app --restart on-failure --config ./agent.json -- ./server',
  ];
  static override args = commandArgs;
  static override flags = {
    ...agentFlags, ...commandFlags,
    signal: Flags.string({ default: 'SIGTERM', helpValue: 'NAME', description: 'what the command is sent when values changed' }),
    grace: Flags.string({ default: '10s', helpValue: 'TIME', description: 'how long the command may take to end, before it is killed' }),
    timeout: Flags.string({ helpValue: 'TIME', description: 'fail where there is no good content after this time [default: wait]' }),
    restart: Flags.option({ options: RESTART_POLICIES, default: 'never' as const, description: 'whether to start the command anew when it ends by itself' })(),
    user: Flags.string({ helpValue: 'NAME', description: 'run the command as this user' }),
    group: Flags.string({ helpValue: 'NAME', description: 'run the command as this group [default: that of --user]' }),
  };

  override async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv);
    const { args, flags } = await this.parse(AgentExec, own);
    const log = openEventLog({ write: logStream(), render: renderEvent, now: () => new Date() });
    const end = await runAgentExec(this.environment, {
      config: flags.config, command, wanted: wantedFields({ args, flags }), prefix: flags.prefix, clear: flags['clear-environment'],
      signal: signalNamed('--signal', flags.signal), graceMs: parseDuration('--grace', flags.grace), restart: flags.restart,
      timeoutMs: flags.timeout === undefined ? undefined : parseDuration('--timeout', flags.timeout),
      user: flags.user === undefined ? undefined : await userAccount(flags.user),
      gid: flags.group === undefined ? undefined : await groupNumber(flags.group),
    }, flags.quiet ? () => undefined : log.report);
    await log.drained(LAST_LINES_MS);
    endAs(end);
  }
}
