import { repositoryFlags } from '../../cli/flags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { listPending, listRefusals } from '../../operations/joining/requests.ts';
import { trustRoster } from '../../operations/workspace.ts';
import { pendingAsJson, renderPending } from '../../reporting/joining.ts';

export default class NodeRequests extends VaultCommand {
  static override summary = 'List requests of nodes to join: those that wait, and those that were refused of late.';
  static override examples = ['<%= config.bin %> node requests', '<%= config.bin %> node requests --json'];
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(NodeRequests);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const trust = await trustRoster(workspace);
    const [pending, refused] = [await listPending(workspace, trust), await listRefusals(workspace, trust)];
    await output.longResult({
      pending: pending.map(pendingAsJson), refused: refused.map(({ name, request, invitation, code, time, signer }) => ({ name, request, invitation, code, time, signer })),
    }, [
      ...pending.map((each) => renderPending(each, workspace.now())),
      ...refused.map(({ name, code, time, signer }) => `${output.colors.red('refused')} ${name}: ${code}, by ${signer}, ${time}`),
    ].join('\n'));
    if (pending.length === 0) output.notice('No node waits to be let in.');
    else output.notice('Let them in with "vault node approve NAME", or say no with "vault node refuse NAME".');
  }
}
