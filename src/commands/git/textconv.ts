import * as Args from '@oclif/core/args';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { describeDocument } from '../../operations/git/describeDocument.ts';
import { escapeForTerminal } from '../../reporting/escape.ts';

const MAX_BYTES = 64 << 20;

export default class GitTextconv extends VaultCommand {
  static override summary = 'Show a document of a vault as lines that can be compared: what "git diff" calls.';
  static override description = 'Facts of the header, recipients, and each field by its name with a short digest of its ciphertext. Needs no key and shows no secret. Anything else is printed as it is, escaped.';
  static override examples = ['<%= config.bin %> git textconv data_bags/vault/an-aws-account-name_secret-files_keys.json'];
  static override hidden = true;
  static override args = { file: Args.string({ required: true, description: 'the file' }) };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(GitTextconv);
    const file = await readRegularFile(args.file, { maxBytes: MAX_BYTES, followLink: true });
    if (file === undefined) throw new VaultError('input-unreadable', `There is no file ${args.file}.`, { details: { source: args.file } });
    const { kind, lines } = describeDocument(file.bytes);
    this.output(flags).result({ kind, lines }, `${lines.map((line) => escapeForTerminal(line)).join('\n')}\n`);
  }
}
