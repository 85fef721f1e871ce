import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { identityFlags, repositoryFlags } from '../cli/flags.ts';
import { passphrasePrompt } from '../cli/prompt.ts';
import { gitVariables } from '../config/environment.ts';
import { loadIdentities } from '../config/identities.ts';
import { openMerger } from '../operations/git/mergeFile.ts';
import { resolveConflict } from '../operations/git/resolveConflict.ts';

export default class Resolve extends VaultCommand {
  static override summary = 'End a conflict that git left in an item.';
  static override description = 'Merges both sides again, field by field and recipient by recipient. Where both changed the same, the side that is named decides; what one side alone changed is kept either way. Both files are written and staged.';
  static override examples = ['<%= config.bin %> resolve vault an-aws-account-name_secret-files --take theirs'];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault' }),
    item: Args.string({ required: true, description: 'name of the item' }),
  };
  static override flags = {
    take: Flags.option({ options: ['ours', 'theirs'] as const, required: true, description: 'whose change wins where both changed the same' })(),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Resolve);
    const output = this.output(flags);
    const identities = loadIdentities(this.environment, flags.identity, passphrasePrompt('Passphrase of the identity: '));
    const merger = await openMerger(await this.workspace(output, flags), identities, gitVariables(this.environment));
    const { vault, item, generation } = await resolveConflict(merger, { vault: args.vault, item: args.item }, flags.take);
    output.result({ vault, item, generation, took: flags.take }, `${output.colors.green('Resolved')} ${vault}/${item}: generation ${String(generation)}, staged`);
  }
}
