import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { changeFlags, ItemCommand } from '../cli/itemCommand.ts';
import { interruptSignal, worstOf } from '../cli/interrupt.ts';
import { confirm, declined } from '../cli/prompt.ts';
import { gitVariables } from '../config/environment.ts';
import { historyOf } from '../operations/git/history.ts';
import { evictParty } from '../operations/evictParty.ts';
import { findParty } from '../operations/items/evict.ts';
import { evictionAsJson, renderEviction } from '../reporting/eviction.ts';
import { EXIT, exitCodeOf } from '../reporting/exitCodes.ts';
import { createProgress } from '../reporting/progress.ts';

export default class Evict extends ItemCommand {
  static override summary = 'Take a node or an admin out of everything, and list what it could ever read.';
  static override description = `A node goes from the inventory, an admin from the roster (with a quorum of more than one: as a proposal). Every item that the party could open is encrypted anew without it.

What it could read, in any generation that git's history holds, is listed: these secrets must be changed at their source. Run it again to see the list again.`;
  static override examples = ['<%= config.bin %> evict web01', '<%= config.bin %> evict bob --admin --yes', '<%= config.bin %> evict web01 --dry-run --json'];
  static override args = { party: Args.string({ required: true, description: 'name of the node or the admin' }) };
  static override flags = {
    'node': Flags.boolean({ description: 'it is a node', exclusive: ['admin'] }),
    'admin': Flags.boolean({ description: 'it is an admin' }),
    'dry-run': Flags.boolean({ description: 'show what would be done and what could be read; exits with 2' }),
    ...changeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Evict);
    const output = this.output(flags);
    await this.withSession(output, flags, async (session) => {
      const told = new Set<string>();
      // History is read more than once; what is wrong with it is said once.
      const warn = (text: string): void => { if (told.size < told.add(text).size) session.workspace.warn(text); };
      const history = (): ReturnType<typeof historyOf> => historyOf({ ...session.workspace, warn }, gitVariables(this.environment));
      const party = await findParty(session, args.party, flags.admin ? 'admin' : flags.node ? 'client' : undefined, history());
      let total = 1;
      let shown = false as boolean;
      const progress = createProgress(output.options.stderr, () => total, output.options.quiet);
      const { signal, release } = interruptSignal();
      try {
        const eviction = await evictParty(session, party, history, {
          dryRun: flags['dry-run'], signal, onStep: ({ vault, item }, step) => { progress.step(`${vault}/${item}`, step); },
          agree: async (plan) => {
            progress.end();
            total = plan.items.length;
            shown = !flags.yes;
            if (shown) output.options.stderr.write(`${renderEviction(plan, { ...output, colors: output.errorColors }, false)}\n`);
            if (!await confirm(`Evict ${party.role === 'admin' ? 'admin' : 'node'} ${party.name}?`, flags.yes, 'Look at it with --dry-run, then run it again with --yes.')) throw declined('Nothing was changed.');
          },
        });
        progress.end();
        output.result(evictionAsJson(eviction), renderEviction(eviction, output, !flags['dry-run'], shown ? 'outcome' : 'all'));
        const failure = worstOf(eviction.items.flatMap(({ error }) => error ?? []));
        if (failure !== undefined) process.exitCode = exitCodeOf(failure.code);
        else if (flags['dry-run']) process.exitCode = EXIT.changes;
      } finally {
        progress.end();
        release();
      }
    });
  }
}
