import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { changeFlags, ItemCommand } from '../cli/itemCommand.ts';
import { AUDIENCE_FORMS } from '../operations/items/changeItem.ts';
import { VaultError } from '../errors.ts';
import { refreshItems, selectItems } from '../operations/items/refreshItems.ts';

export default class Refresh extends ItemCommand {
  static override summary = 'Run the stored queries again; seal to who is new, and anew where somebody goes.';
  static override description = `Who would gain access is sealed to at once, at the cost of one seal each. Who would lose it, and whose key changed, is shown and confirmed first; those items are encrypted anew under another key. What somebody has read before must be changed at its source all the same.

A node that is gone from the inventory stays until --clean-unknown is given. A query that selects nobody any more is not applied without --allow-empty.

With --watch it goes on until it is told to end: it follows a repository in etcd, admits nodes that were invited, seals to those that are admitted and to nobody else, and takes from those that go, within its policy. Several may run: one is elected. It logs to standard error; SIGHUP reads the policy again. See docs/refresher.md.`;
  static override examples = ['<%= config.bin %> refresh', '<%= config.bin %> refresh vault --dry-run', '<%= config.bin %> refresh vault database --clean-unknown --yes', '<%= config.bin %> refresh vault --regroup group', '<%= config.bin %> refresh --watch --identity ./refresher --policy refresher.json'];
  static override args = {
    vault: Args.string({ description: 'only the items of this vault' }),
    item: Args.string({ description: 'only this item' }),
  };
  static override flags = {
    'dry-run': Flags.boolean({ description: 'show what would be done; exits with 2 where there is something to do' }),
    'accept-signer': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAME', description: 'take what this former admin signed, and sign it anew: look at it first with "vault diff"; may be repeated' }),
    regroup: Flags.option({ options: AUDIENCE_FORMS, description: 'group: seal these items to one audience with the same query and names, which lists the recipients once; inline: list them in each item again' })(),
    watch: Flags.boolean({ description: 'go on, as a refresher, until it is told to end', exclusive: ['dry-run', 'accept-signer', 'regroup', 'clean-unknown', 'accept-key', 'skip-unsealable', 'allow-empty', 'yes'] }),
    policy: Flags.string({ helpValue: 'FILE', description: 'what a refresher may do by itself [default: admit and seal; retire a tenth of the nodes in an hour, and none for being silent]', dependsOn: ['watch'] }),
    ...changeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Refresh);
    const output = this.output(flags);
    if (flags.watch) {
      if (args.vault !== undefined) throw new VaultError('usage', 'A refresher follows the whole repository.', { hint: 'Leave out the vault and the item with --watch.' });
      const { runRefresherProcess } = await import('../cli/refresherProcess.ts');
      await runRefresherProcess({
        environment: this.environment, version: this.config.version, policy: flags.policy, loadIdentity: () => this.adminIdentity(flags.identity),
        openWorkspace: async (notice) => ({ ...await this.workspace(output, flags), notice, warn: notice }),
      });
      return;
    }
    await this.withSession(output, flags, async (session) => {
      const refs = await selectItems(session.workspace.store, args.vault, args.item);
      await this.runBatch(output, flags, refs.length, (options) => refreshItems(session, refs, { ...options, leaveForeign: args.item === undefined, form: flags.regroup }));
    });
  }
}
