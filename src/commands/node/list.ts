import { VaultCommand } from '../../cli/vaultCommand.ts';
import { repositoryFlags } from '../../cli/flags.ts';
import { listNodes } from '../../operations/nodes.ts';
import { renderTable } from '../../reporting/table.ts';

export default class NodeList extends VaultCommand {
  static override summary = 'List the nodes of the inventory, and what can be sealed to.';
  static override examples = ['<%= config.bin %> node list', '<%= config.bin %> node list --json'];
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(NodeList);
    const output = this.output(flags);
    const { store } = await this.workspace(output, flags);
    const nodes = await listNodes(store);
    await output.longResult({ nodes }, nodes.length === 0 ? '' : renderTable(
      [{ title: 'NODE', least: 12 }, { title: 'ENVIRONMENT', least: 11 }, { title: 'RUN LIST', least: 16 }, { title: 'KEY', least: 20 }],
      nodes.map((node) => [node.name, node.environment, node.run_list.join(', '), node.key_type === undefined ? `none: ${node.problem ?? ''}` : `${node.key_type} ${node.fingerprint ?? ''}`]),
      output,
    ));
    if (nodes.length === 0) output.notice('There are no nodes yet. Add one with "vault node add", or put the nodes/ and clients/ of a chef-repo here.');
  }
}
