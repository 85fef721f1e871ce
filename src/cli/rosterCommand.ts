import { loadIdentities } from '../config/identities.ts';
import type { VaultError } from '../errors.ts';
import { beginRosterWork, type RosterOutcome, type RosterWork } from '../operations/roster/rosterChange.ts';
import { resealForRoster } from '../operations/roster/resealForRoster.ts';
import { exitCodeOf } from '../reporting/exitCodes.ts';
import type { Output } from '../reporting/output.ts';
import { describeOutcome, renderDifference } from '../reporting/proposals.ts';
import { confirm, declined, passphrasePrompt } from './prompt.ts';
import { VaultCommand } from './vaultCommand.ts';

interface RosterFlags {
  readonly repository?: string | undefined;
  readonly pin?: string | undefined;
  readonly identity?: string | undefined;
}

/** What the commands that change the roster share. */
export abstract class RosterCommand extends VaultCommand {
  /**
   * Runs `change` with the roster and the identity that signs, and reports what came of it; an item that was left out decides
   * about the exit code.
   * @param more members for the JSON
   */
  protected async changeRoster(output: Output, flags: RosterFlags, change: (work: RosterWork) => Promise<RosterOutcome>, more: object = {}): Promise<void> {
    const workspace = await this.workspace(output, flags);
    const identities = loadIdentities(this.environment, flags.identity, passphrasePrompt('Passphrase of the identity: '));
    const work = await beginRosterWork(workspace, identities, resealForRoster);
    try {
      const outcome = await change(work);
      const { json, text } = describeOutcome(outcome, output.colors);
      output.result({ ...json, ...more }, text);
      const failed = outcome.items.flatMap((item): VaultError[] => ('error' in item ? [item.error] : []));
      if (failed[0] === undefined) return;
      process.exitCode = exitCodeOf(failed[0].code);
      output.notice('The roster is changed, but these items are not. An admin who can open them runs "vault refresh".');
    } finally {
      work.signer.identity.wipe();
    }
  }

  /** As {@link agree}, where the change takes something away: an admin, or a signature that was needed. */
  protected async agreeToLoss(output: Output, difference: RosterOutcome['difference'], yes: boolean, question: string): Promise<void> {
    if (difference.lost.length > 0 || difference.quorum.after < difference.quorum.before) await this.agree(output, difference, yes, question);
  }

  /** Shows what a version would change and asks. @throws VaultError confirmation-needed, interrupted */
  protected async agree(output: Output, difference: RosterOutcome['difference'], yes: boolean, question: string, what?: string): Promise<void> {
    if (!yes) output.options.stderr.write(`${renderDifference(difference, output.errorColors).join('\n')}\n`);
    if (!await confirm(question, yes, 'Look at "vault admin list", then run it again with --yes.', what)) throw declined('Nothing was changed.');
  }
}
