import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { interruptSignal } from '../cli/interrupt.ts';
import { repositoryFlags } from '../cli/flags.ts';
import { parseCount, parseDuration } from '../cli/quantities.ts';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { parseGoal, waitForDelivery } from '../operations/fleet/waitFor.ts';
import { reachedAsJson, renderReached } from '../reporting/fleet.ts';

export default class Wait extends VaultCommand {
  static override summary = 'Wait until enough nodes have delivered an item.';
  static override description = 'By the signed reports of their agents (docs/fleet.md). Ends with exit code 8 where it takes too long. A node that has a newer generation counts. Needs a repository in etcd.';
  static override examples = [
    '<%= config.bin %> update vault database --from values.json && <%= config.bin %> wait vault database',
    '<%= config.bin %> wait vault database --generation 7 --for 95% --timeout 10m',
    '<%= config.bin %> wait vault database --for 3 --json',
  ];
  static override args = { vault: Args.string({ required: true, description: 'name of the vault' }), item: Args.string({ required: true, description: 'name of the item' }) };
  static override flags = {
    generation: Flags.string({ helpValue: 'N', description: 'this generation, or a newer one [default: the newest when the command begins]' }),
    for: Flags.string({ helpValue: 'all|SHARE|COUNT', default: 'all', description: 'how many of the nodes that can open the item, as all, 95% or 12' }),
    timeout: Flags.string({ helpValue: 'DURATION', default: '5m', description: 'how long to wait' }),
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Wait);
    const output = this.output(flags);
    const goal = parseGoal(flags.for);
    const generation = flags.generation === undefined ? undefined : parseCount('--generation', flags.generation);
    const timeoutMs = Math.min(parseDuration('--timeout', flags.timeout), MOST_MS);
    const workspace = await this.workspace(output, flags);
    const { signal, release } = interruptSignal();
    const reached = await waitForDelivery(workspace, args, {
      generation, goal, timeoutMs, signal, problem: (problem) => { output.notice(problem === undefined ? 'The connection is back.' : problem.message); },
    }).finally(release);
    output.result(reachedAsJson(reached), renderReached(reached));
  }
}

/** Of one timer. */
const MOST_MS = 2 ** 31 - 1;
