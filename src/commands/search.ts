import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { repositoryFlags } from '../cli/flags.ts';
import { searchInventory, whyNode, type SearchResult } from '../operations/searchNodes.ts';
import { renderExplanation } from '../reporting/explanation.ts';
import { escapeForTerminal } from '../reporting/escape.ts';
import type { Output } from '../reporting/output.ts';

export default class Search extends VaultCommand {
  static override summary = 'Show which nodes a query selects, and why.';
  static override description = 'The query language is the Chef server\'s. A query decides who can read a secret, so what is doubtful is an error.';
  static override examples = [
    '<%= config.bin %> search role:secret-files-server',
    '<%= config.bin %> search "roles:web AND NOT tags:canary" --json',
    '<%= config.bin %> search "chef_environment:production" --why web01',
  ];
  static override args = { query: Args.string({ required: true, description: 'as role:web AND chef_environment:production' }) };
  static override flags = {
    why: Flags.string({ helpValue: 'NODE', description: 'show which clause decided about this node' }),
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Search);
    const output = this.output(flags);
    const { store } = await this.workspace(output, flags);
    if (flags.why !== undefined) {
      const { explanation, matched, reading } = await whyNode(store, args.query, flags.why);
      warnOfReading(output, reading);
      await output.longResult({ query: args.query, node: flags.why, matched, explanation }, renderExplanation(flags.why, matched, explanation, output.colors));
      return;
    }
    const { names, reading, unknownFields } = await searchInventory(store, args.query);
    warnOfReading(output, reading);
    for (const { field, near } of unknownFields) output.warning(`No node has a field ${JSON.stringify(field)}.${near === undefined ? '' : ` Did you mean ${near}?`}`);
    await output.longResult({ query: args.query, nodes: names.map((name) => ({ name })) }, names.map((name) => escapeForTerminal(name)).join('\n'));
    output.notice(`${String(names.length)} node${names.length === 1 ? '' : 's'}`);
  }
}

function warnOfReading(output: Output, reading: SearchResult['reading']): void {
  if (!reading.surprising) return;
  output.warning(`AND and OR are mixed without parentheses. This is read as: ${reading.parenthesised}`);
  for (const clause of reading.ignored) output.warning(`${clause} changes nothing in this query.`);
}
