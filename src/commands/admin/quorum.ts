import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { parseCount } from '../../cli/quantities.ts';
import { RosterCommand } from '../../cli/rosterCommand.ts';
import { proposeChange } from '../../operations/roster/rosterChange.ts';

export default class AdminQuorum extends RosterCommand {
  static override summary = 'Change how many admins must sign a change of the roster.';
  static override description = `The present quorum signs this change too. A quorum counts signing keys, and can be no more than there are: where losing a key must not end everything, leave one to spare.`;
  static override examples = ['<%= config.bin %> admin quorum 2'];
  static override args = { quorum: Args.string({ required: true, description: 'number of admins' }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }), ...identityFlags, ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(AdminQuorum);
    const output = this.output(flags);
    const quorum = parseCount('QUORUM', args.quorum);
    await this.changeRoster(output, flags, (work) => proposeChange(work, { quorum },
      (difference) => this.agreeToLoss(output, difference, flags.yes, `Lower the quorum to ${String(quorum)}?`)));
  }
}
