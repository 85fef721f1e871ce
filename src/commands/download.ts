import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { identityFlags, repositoryFlags } from '../cli/flags.ts';
import { listOf } from '../cli/itemCommand.ts';
import { openForReading } from '../cli/openForReading.ts';
import { relative, resolve } from 'node:path';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { downloadItem } from '../operations/items/downloadItem.ts';
import { downloadAsJson, renderDownload } from '../reporting/itemDetails.ts';

export default class Download extends VaultCommand {
  static override summary = 'Write the fields of an item to files.';
  static override description = `A file that was stored with --file comes back byte for byte, with its mode. Text is written under the field's name, any other value as JSON under FIELD.json, both for you alone (0600). Where a file is in the way, nothing is written.`;
  static override examples = [
    '<%= config.bin %> download vault tls /etc/nginx/tls',
    '<%= config.bin %> download vault tls ./server.key --field server.key --force',
  ];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault' }),
    item: Args.string({ required: true, description: 'name of the item' }),
    path: Args.string({ default: '.', description: 'directory, which is made where it is missing; for a single field, the file' }),
  };
  static override flags = {
    field: Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAMES', description: 'only these fields, separated by commas; may be repeated' }),
    force: Flags.boolean({ description: 'replace files that are there' }),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Download);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const open = await openForReading(this.environment, workspace, args.vault, args.item, flags.identity);
    try {
      const files = await downloadItem(open, { fields: listOf(flags.field), path: args.path, force: flags.force });
      output.result(downloadAsJson(open.verified, files), renderDownload(files));
      const inside = files.filter(({ path }) => !relative(workspace.root, resolve(this.environment.cwd, path)).startsWith('..'));
      if (inside.length > 0) output.alert(`${inside.map(({ path }) => path).join(', ')}: plaintext in the repository, where git would take it up. Move it out before you commit.`);
    } finally {
      open.wipe();
    }
  }
}
