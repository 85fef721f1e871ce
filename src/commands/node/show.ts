import * as Args from '@oclif/core/args';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { repositoryFlags } from '../../cli/flags.ts';
import { showNode } from '../../operations/nodes.ts';
import { escapeForTerminal } from '../../reporting/escape.ts';

export default class NodeShow extends VaultCommand {
  static override summary = 'Show a node: its attributes and its key.';
  static override examples = ['<%= config.bin %> node show web01'];
  static override args = { name: Args.string({ required: true, description: 'name of the node' }) };
  static override flags = { ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(NodeShow);
    const output = this.output(flags);
    const { store } = await this.workspace(output, flags);
    const { node, ...summary } = await showNode(store, args.name);
    await output.longResult({ ...summary, node }, [
      `node         ${summary.name}`,
      `environment  ${escapeForTerminal(summary.environment)}`,
      `run list     ${escapeForTerminal(summary.run_list.join(', '))}`,
      summary.key_type === undefined ? `key          none: ${escapeForTerminal(summary.problem ?? '')}` : `key          ${summary.key_type} ${summary.fingerprint ?? ''}`,
      `attributes   ${escapeForTerminal(JSON.stringify(node, undefined, 2), true)}`,
    ].join('\n'));
  }
}
