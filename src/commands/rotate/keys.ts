import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { changeFlags, ItemCommand } from '../../cli/itemCommand.ts';
import { VaultError } from '../../errors.ts';
import { rotateAllKeys, rotateKeys } from '../../operations/items/rotateKeys.ts';
import { selectItems } from '../../operations/items/refreshItems.ts';

export default class RotateKeys extends ItemCommand {
  static override summary = 'Encrypt items anew under fresh data keys, for the same recipients.';
  static override description = `The values stay as they are: what somebody could read must be changed at its source, and then stored with "vault update". A run over all items that is interrupted is gone on with by the next one.`;
  static override examples = ['<%= config.bin %> rotate keys vault database', '<%= config.bin %> rotate keys --all', '<%= config.bin %> rotate keys --all --clean-unknown --yes'];
  static override args = {
    vault: Args.string({ description: 'name of the vault' }),
    item: Args.string({ description: 'name of the item; every item of the vault where it is left out' }),
  };
  static override flags = {
    'all': Flags.boolean({ description: 'every item of every vault' }),
    'restart': Flags.boolean({ description: 'with --all: begin anew, though an earlier run was interrupted', dependsOn: ['all'] }),
    'dry-run': Flags.boolean({ description: 'show what would be done; exits with 2' }),
    ...changeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(RotateKeys);
    if (flags.all ? args.vault !== undefined : args.vault === undefined) {
      throw new VaultError('usage', flags.all ? 'Name a vault or give --all, not both.' : 'It is not said which items to rotate.', { hint: 'Write: vault rotate keys VAULT ITEM, or vault rotate keys --all.' });
    }
    const output = this.output(flags);
    await this.withSession(output, flags, async (session) => {
      const refs = await selectItems(session.workspace.store, args.vault, args.item);
      await this.runBatch(output, flags, refs.length, (batch) => {
        const options = { ...batch, leaveForeign: args.item === undefined };
        return flags.all ? rotateAllKeys(session, refs, {
          ...options, restart: flags.restart,
          onResume: ({ started, left, total }) => { output.notice(`Going on with the rotation of ${started}: ${String(left)} of ${String(total)} items are left. Use --restart to rotate all of them again.`); },
        }) : rotateKeys(session, refs, options);
      });
    });
  }
}
