import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { RosterCommand } from '../../cli/rosterCommand.ts';
import { proposeChange } from '../../operations/roster/rosterChange.ts';

export default class AdminRemove extends RosterCommand {
  static override summary = 'Remove an admin: at once with a quorum of one, otherwise as a proposal.';
  static override description = `Before the roster changes, every item that the admin could open is sealed anew without them, under a new key, and every item that they signed is signed by you. What they could read so far they may have kept: rotate it at its source.`;
  static override examples = ['<%= config.bin %> admin remove bob', '<%= config.bin %> admin remove bob --quorum 1 --yes'];
  static override args = { name: Args.string({ required: true, description: 'name of the admin' }) };
  static override flags = {
    quorum: Flags.integer({ helpValue: 'N', description: 'how many admins must sign the next change [default: as it is]' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(AdminRemove);
    const output = this.output(flags);
    await this.changeRoster(output, flags, (work) => proposeChange(work, { remove: [args.name], quorum: flags.quorum },
      (difference) => this.agreeToLoss(output, difference, flags.yes, `Remove admin ${args.name}?`)));
  }
}
