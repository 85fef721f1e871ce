import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { interruptSignal } from '../cli/interrupt.ts';
import { repositoryFlags } from '../cli/flags.ts';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { readFleetStatus, watchFleet } from '../operations/fleet/fleet.ts';
import { exitCodeOf } from '../reporting/exitCodes.ts';
import { fleetAsJson, liveFleet, renderFleet } from '../reporting/fleet.ts';

export default class Status extends VaultCommand {
  static override summary = 'Show which nodes have delivered the newest generation of each item.';
  static override description = 'By the signed reports of their agents (docs/fleet.md). A node lags that reports another generation, or one that is not delivered; it is silent where there is no report of it. A report that cannot be verified does not count. Needs a repository in etcd.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status vault database', '<%= config.bin %> status vault --watch', '<%= config.bin %> status --watch --json    (a line a change)'];
  static override args = { vault: Args.string({ description: 'only the items of this vault' }), item: Args.string({ description: 'only this item, and who lags or is silent' }) };
  static override flags = {
    watch: Flags.boolean({ char: 'w', description: 'go on showing what changes, until Ctrl-C' }),
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Status);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const withNodes = args.item !== undefined;
    if (flags.watch) {
      const { signal, release } = interruptSignal();
      const changed = liveFleet(output, withNodes, workspace.now);
      await watchFleet(workspace, args, { changed, problem: (problem) => { output.notice(problem === undefined ? 'The connection is back.' : problem.message); } }, signal).finally(release);
      return;
    }
    const status = await readFleetStatus(workspace, args);
    await output.longResult(fleetAsJson(status, withNodes), renderFleet(status, withNodes, output));
    const [first] = status.problems;
    if (first !== undefined) process.exitCode = exitCodeOf(first.error.code);
  }
}
