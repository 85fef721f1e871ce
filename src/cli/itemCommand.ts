import * as Flags from '@oclif/core/flags';
import { openSession } from '../operations/items/session.ts';
import type { Session } from '../operations/items/changeItem.ts';
import { changesSomething, type BatchOptions } from '../operations/items/changeItems.ts';
import type { ItemOutcome } from '../operations/items/outcome.ts';
import { EXIT, exitCodeOf } from '../reporting/exitCodes.ts';
import { itemChangesAsJson, renderItemChanges } from '../reporting/itemChanges.ts';
import type { Output } from '../reporting/output.ts';
import { createProgress } from '../reporting/progress.ts';
import { sealFlags } from './flags.ts';
import { interruptSignal, worstOf } from './interrupt.ts';
import { tellSkipped } from './oneItem.ts';
import { confirm } from './prompt.ts';
import { VaultCommand } from './vaultCommand.ts';

/** Further flags of those that change items which are there. */
export const changeFlags = {
  'clean-unknown': Flags.boolean({ description: 'take out nodes that are gone from the inventory' }),
  'yes': Flags.boolean({ char: 'y', description: 'do not ask before something is taken away' }),
  ...sealFlags,
};

/** How many names a notice shows. */
const NAMES_SHOWN = 5;

interface BatchFlagValues {
  readonly 'dry-run': boolean;
  readonly 'yes': boolean;
}

interface SealFlagValues {
  readonly 'accept-key': string[] | undefined;
  readonly 'skip-unsealable': boolean;
  readonly 'allow-empty': boolean;
  readonly 'clean-unknown'?: boolean;
  readonly 'accept-signer'?: string[] | undefined;
  readonly 'identity': string | undefined;
  readonly 'repository': string | undefined;
  readonly 'pin': string | undefined;
}

/** What the commands that change items share. */
export abstract class ItemCommand extends VaultCommand {
  /** Runs `work` with an admin's identity at hand, and wipes it. */
  protected async withSession<T>(output: Output, flags: SealFlagValues, work: (session: Session) => Promise<T>): Promise<T> {
    const workspace = await this.workspace(output, flags);
    const identity = await this.adminIdentity(flags.identity);
    try {
      return await work(await openSession(workspace, identity, {
        acceptKeys: flags['accept-key'] ?? [], skipUnsealable: flags['skip-unsealable'], allowEmpty: flags['allow-empty'], cleanUnknown: flags['clean-unknown'] ?? false,
      }, flags['accept-signer']));
    } finally {
      identity.wipe();
    }
  }

  /** Runs a change of several items: progress, the question where something is taken away, the report and the exit code. */
  protected async runBatch(output: Output, flags: BatchFlagValues, total: number, work: (options: BatchOptions) => Promise<readonly ItemOutcome[]>): Promise<readonly ItemOutcome[]> {
    const progress = createProgress(output.options.stderr, () => total, output.options.quiet);
    const { signal, release } = interruptSignal();
    try {
      const outcomes = await work({
        dryRun: flags['dry-run'], signal,
        onStep: ({ vault, item }, step) => { progress.step(`${vault}/${item}`, step); },
        confirm: async (plans) => {
          progress.end();
          if (!flags.yes) output.options.stderr.write(`${renderItemChanges(plans, output.errorColors, false)}\n`);
          return await confirm('Do this?', flags.yes, 'Look at it with --dry-run, then run it again with --yes.');
        },
      });
      progress.end();
      tellSkipped(output, outcomes.flatMap(({ change }) => change ?? []));
      await output.longResult(itemChangesAsJson(outcomes), renderItemChanges(outcomes, output.colors, !flags['dry-run']));
      const lost = new Set(flags['dry-run'] ? [] : outcomes.flatMap(({ change }) => change?.audience.lost.map(({ name }) => name) ?? []));
      if (lost.size > 0) output.notice(`What ${[...lost].slice(0, NAMES_SHOWN).join(', ')}${lost.size > NAMES_SHOWN ? ` and ${String(lost.size - NAMES_SHOWN)} more` : ''} could read, they may have kept: "vault evict ${[...lost][0] ?? 'NAME'} --dry-run" lists what must be changed at its source.`);
      const error = worstOf(outcomes.flatMap(({ error: each }) => each ?? []));
      if (error !== undefined) process.exitCode = exitCodeOf(error.code);
      else if (flags['dry-run'] && changesSomething(outcomes)) process.exitCode = EXIT.changes;
      return outcomes;
    } finally {
      progress.end();
      release();
    }
  }
}

/** Names that a flag lists, separated by commas, each time it is given. */
export function listOf(values: readonly string[] | undefined): string[] | undefined {
  return values?.flatMap((value) => value.split(',')).map((name) => name.trim()).filter((name) => name !== '');
}
