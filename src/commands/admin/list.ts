import { VaultCommand } from '../../cli/vaultCommand.ts';
import { repositoryFlags } from '../../cli/flags.ts';
import { listProposals } from '../../operations/roster/proposals.ts';
import { trustRoster } from '../../operations/workspace.ts';
import { describeRoster } from '../../reporting/roster.ts';

export default class AdminList extends VaultCommand {
  static override summary = 'List the admins of the roster, after checking its signatures, and what is proposed for the next version.';
  static override examples = ['<%= config.bin %> admin list', '<%= config.bin %> admin list --json'];
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(AdminList);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const trust = await trustRoster(workspace);
    const { json, text } = describeRoster(trust, await listProposals(workspace.store, trust.roster), output);
    await output.longResult(json, text);
  }
}
